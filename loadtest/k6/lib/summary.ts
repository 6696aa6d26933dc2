/** The summary of a run: a JSON file for programs, some lines for the terminal. Pure. */
import type { Plan, Planned } from "./plan.ts";
import { durationMsOf, isConstant } from "./schedule.ts";
import type { Settings } from "./settings.ts";

/** By k6's names; the part of handleSummary's argument that is used. */
export type Figures = {
  readonly metrics: Readonly<
    Record<string, { readonly values: Readonly<Record<string, number>> } | undefined>
  >;
};

export type GeneratorName = "node" | "k6";

export type Spread = Readonly<
  Record<"min" | "p50" | "p90" | "p95" | "p99" | "p999" | "max" | "count", number>
>;

export type ScenarioSummary = {
  readonly name: string;
  /** A part of its orders' ids. */
  readonly number: number;
  /** Requests, numbered from 0 without a gap; of the probe, planned orders. */
  readonly iterations: number;
  readonly customers: string;
  readonly ordersPerIteration: number;
  readonly executor: string;
  readonly startMs: number;
  readonly durationMs: number;
  /** The part of it that was warm-up. */
  readonly warmUpMs: number;
  /**
   * k6 starts a slope (ramping-arrival-rate) after its virtual users and does not report when, so all requests seem late by
   * this time. It is the lowest lateness seen. The summary's figures exclude it, the samples include it. 0 with Node.
   */
  readonly lateStartMs: number;
  /** Arrivals per second at the start. */
  readonly fromPerSecond: number;
  readonly stages: readonly { readonly seconds: number; readonly toPerSecond: number }[];
};

export type Summary = {
  readonly format: 1;
  readonly generator: GeneratorName;
  readonly run: number;
  readonly runStartMs: number;
  readonly seed: number;
  readonly mode: string;
  readonly profile: string;
  readonly rate: number;
  readonly ordersPerRequest: number;
  readonly startedAtMs: number;
  /** Measured: without the warm-up, and less than planned when the run ended early. */
  readonly seconds: number;
  readonly scenarios: readonly ScenarioSummary[];
  readonly dropped: number;
  readonly orders: Readonly<Record<"acknowledged" | "refused" | "unknown" | "replayed", number>>;
  readonly latencyMs: Spread;
  readonly scheduleLagMs: Spread;
  readonly freshnessMs: Spread;
  readonly freshness: Readonly<Record<"missed" | "skipped", number>>;
  readonly dashboardMs: Spread;
  readonly ws: Readonly<Record<"connections" | "frames" | "gaps" | "lost", number>> & {
    readonly delayMs: Spread;
  };
};

/** k6's names of the percentiles, for summaryTrendStats. */
export const TREND_STATS = ["min", "med", "p(90)", "p(95)", "p(99)", "p(99.9)", "max", "count"];

export type Span = { readonly startedAtMs: number; readonly endedAtMs: number };

export const summaryOf = (
  plan: Plan,
  settings: Settings,
  generator: GeneratorName,
  { startedAtMs, endedAtMs }: Span,
  { metrics }: Figures,
): Summary => {
  const value = (name: string, key: string): number => metrics[name]?.values[key] ?? 0;
  const count = (name: string): number => value(name, "count");
  const spread = (name: string, lessMs = 0): Spread => {
    const ms = (key: string): number => Math.max(0, value(name, key) - lessMs);
    return {
      min: ms("min"),
      p50: ms("med"),
      p90: ms("p(90)"),
      p95: ms("p(95)"),
      p99: ms("p(99)"),
      p999: ms("p(99.9)"),
      max: ms("max"),
      count: count(name),
    };
  };
  const lateStartMs = ({ name, schedule }: Planned): number =>
    generator !== "k6" || schedule === null || isConstant(schedule)
      ? 0
      : value(`schedule_lag{scenario:${name}}`, "min");
  const measured = plan.scenarios.filter(({ sends }) => sends === "orders");
  const lessMs = Math.min(...measured.map(lateStartMs));
  const iterations = ({ name, sends }: Planned): number =>
    count(sends === "probes" ? "probes_planned" : `iterations{scenario:${name}}`);
  return {
    format: 1,
    generator,
    run: settings.run,
    runStartMs: settings.runStartMs,
    seed: settings.seed,
    mode: settings.mode,
    profile: settings.profile,
    rate: plan.perSecond,
    ordersPerRequest: settings.ordersPerRequest,
    startedAtMs,
    seconds: secondsOf(measured, endedAtMs - startedAtMs),
    scenarios: plan.scenarios.map((each) => ({
      ...scenarioSummary(each, iterations(each), settings.ordersPerRequest),
      lateStartMs: lateStartMs(each),
    })),
    dropped: plan.scenarios.reduce((sum, { name }) => sum + count(`dropped_iterations{scenario:${name}}`), 0),
    orders: {
      acknowledged: count("orders_acknowledged"),
      refused: count("orders_refused"),
      unknown: count("orders_unknown"),
      replayed: count("orders_replayed"),
    },
    latencyMs: spread("order_latency", lessMs),
    scheduleLagMs: spread("schedule_lag", lessMs),
    freshnessMs: spread("order_freshness"),
    freshness: { missed: count("freshness_missed"), skipped: count("freshness_skipped") },
    dashboardMs: spread("dashboard_latency"),
    ws: {
      connections: count("ws_connections"),
      frames: count("ws_frames"),
      gaps: count("ws_gaps"),
      lost: count("ws_lost"),
      delayMs: spread("ws_delay"),
    },
  };
};

const secondsOf = (measured: readonly Planned[], tookMs: number): number => {
  const warmUpMs = Math.max(0, ...measured.map((each) => each.warmUpMs));
  const plannedMs = Math.max(0, ...measured.map(({ startMs, durationMs }) => startMs + durationMs));
  return Math.max(0, Math.min(plannedMs, tookMs) - warmUpMs) / 1_000;
};

const perSecondText = (count: number, seconds: number): string =>
  seconds === 0 ? "-" : (count / seconds).toFixed(1);

const scenarioSummary = (
  planned: Planned,
  iterations: number,
  ordersPerRequest: number,
): Omit<ScenarioSummary, "lateStartMs"> => {
  const { name, number, customers, sends, startMs, durationMs, warmUpMs, schedule } = planned;
  const perSecond = (perUnit: number): number => (perUnit * 1_000) / (schedule?.unitMs ?? 1);
  const ordersPerIteration = { orders: ordersPerRequest, probes: 1, dashboards: 0, nothing: 0 }[sends];
  const executor =
    schedule === null
      ? "per-vu-iterations"
      : isConstant(schedule)
        ? "constant-arrival-rate"
        : "ramping-arrival-rate";
  return {
    name,
    number,
    iterations,
    customers,
    ordersPerIteration,
    executor,
    startMs,
    durationMs: schedule === null ? durationMs : durationMsOf(schedule),
    warmUpMs,
    fromPerSecond: perSecond(schedule?.from ?? 0),
    stages: (schedule?.stages ?? []).map((stage) => ({
      seconds: stage.durationMs / 1_000,
      toPerSecond: perSecond(stage.to),
    })),
  };
};

const verdictText = (count: number, missed: readonly string[]): string => {
  const isLate = missed.some((each) => each.startsWith("schedule_lag"));
  const late = "; the generator was late, so this machine was too busy and the figures are its own";
  if (missed.length > 0) return `not met: ${missed.join(", ")}${isLate ? late : ""}`;
  return count === 0 ? "nothing was measured" : "every objective is met";
};

/** For the terminal. `missed`: the objectives that are not met. */
export const summaryText = (summary: Summary, missed: readonly string[]): string => {
  const { mode, profile, rate, ordersPerRequest, orders, latencyMs, scheduleLagMs, freshnessMs, ws } =
    summary;
  const batch = ordersPerRequest > 1 ? ` of ${ordersPerRequest} orders` : "";
  const more = [
    ...(freshnessMs.count > 0 || summary.freshness.missed > 0
      ? [`freshness      ${spreadText(freshnessMs)}   missed ${summary.freshness.missed}`]
      : []),
    ...(summary.dashboardMs.count > 0 ? [`dashboard      ${spreadText(summary.dashboardMs)}`] : []),
    ...(ws.connections > 0
      ? [
          `WebSockets     ${ws.connections} opened   ${ws.frames} frames   ${ws.gaps} gaps   ${ws.lost} lost`,
          ...(ws.delayMs.count > 0 ? [`frames' age    ${spreadText(ws.delayMs)}`] : []),
        ]
      : []),
  ];
  const lines = [
    `${mode}, ${profile} at ${rate} requests/s${batch}`,
    "",
    `achieved       ${perSecondText(orders.acknowledged, summary.seconds)} orders/s acknowledged over ${summary.seconds.toFixed(1)} s`,
    `orders         ${orders.acknowledged} acknowledged   ${orders.refused} refused   ${orders.unknown} unknown   ${orders.replayed} replayed`,
    `replies        ${spreadText(latencyMs)}   from the planned time`,
    `sent late      ${spreadText(scheduleLagMs)}   ${summary.dropped} dropped`,
    ...more,
    "",
    verdictText(latencyMs.count, missed),
  ];
  return `\n${lines.map((line) => (line === "" ? "" : `  ${line}`)).join("\n")}\n\n`;
};

const spreadText = ({ p50, p95, p99, max }: Spread): string =>
  [
    ["median", p50],
    ["p95", p95],
    ["p99", p99],
    ["max", max],
  ]
    .map(([name, ms]) => `${name} ${Number(ms).toFixed(1)}`)
    .join("   ")
    .concat(" ms");
