/** A run second by second: what clients met, what waited, and who worked. */
import type { GeneratorOutput, Request, Visible } from "../generators/output.ts";
import type { Run, Second } from "../run/results.ts";
import { type Sample, sumOf } from "../sample/sampler.ts";
import { medianOf, percentileOf } from "./statistics.ts";
import { cpuOf, cpuSecondsOf, namesIn, rounded, type Window } from "./usage.ts";

const SECOND_MS = 1_000;

/** Until the last sample: the drain after the load belongs to the run. */
export const secondsOf = (
  { startMs, requests, visible }: GeneratorOutput,
  samples: readonly Sample[],
  mode: string,
): Second[] => {
  const secondOf = (atMs: number): number => Math.floor((atMs - startMs) / SECOND_MS);
  const byPlan = Map.groupBy(requests, ({ plannedAtMs }) => secondOf(plannedAtMs));
  const seen = Map.groupBy(visible, ({ atMs }) => secondOf(atMs));
  const last = Math.max(secondOf(samples.at(-1)?.atMs ?? startMs), ...byPlan.keys(), 0);
  const names = namesIn(samples);
  const lags = samples.map((sample) => [sample.atMs, lagOf(sample, mode)] as const);
  return Array.from({ length: last + 1 }, (_, t): Second => {
    const window = { startMs: startMs + t * SECOND_MS, endMs: startMs + (t + 1) * SECOND_MS };
    const own = byPlan.get(t) ?? [];
    const fresh = (seen.get(t) ?? []).map(({ freshnessMs }) => freshnessMs);
    return {
      t,
      sent: own.length,
      acknowledged: countOf(own, "acknowledged"),
      refused: own.length - countOf(own, "acknowledged"),
      ...latenciesOf(own),
      freshP50: shareOf(fresh, 0.5),
      freshP99: shareOf(fresh, 0.99),
      lagOrders: lagAt(lags, window),
      ...usesIn(samples, names, window),
    };
  });
};

const countOf = (requests: readonly Request[], outcome: Request["outcome"]): number =>
  requests.filter((request) => request.outcome === outcome).length;

const latenciesOf = (requests: readonly Request[]): Pick<Second, "ackP50" | "ackP99"> => {
  const latencies = requests
    .filter(({ outcome }) => outcome === "acknowledged")
    .map(({ latencyMs }) => latencyMs);
  return { ackP50: shareOf(latencies, 0.5), ackP99: shareOf(latencies, 0.99) };
};

const shareOf = (values: readonly number[], share: number): number | null =>
  values.length === 0 ? null : rounded(percentileOf(values, share), 1);

/** Accepted and not counted, as the API sees it; null while it cannot say. */
const lagOf = ({ pages }: Sample, mode: string): number | null => {
  const page = pages.get("order-api");
  return page === undefined || page.size === 0 ? null : sumOf(page, "coffee_ingest_lag_orders", { mode });
};

/** The last that was known by the end of the second. */
const lagAt = (lags: readonly (readonly [number, number | null])[], { endMs }: Window): number => {
  const known = lags.filter(([atMs, lag]) => atMs <= endMs && lag !== null);
  const [, lag] = known.at(-1) ?? [];
  return lag !== undefined && lag !== null && Number.isFinite(lag) ? lag : 0;
};

const usesIn = (
  samples: readonly Sample[],
  names: readonly string[],
  window: Window,
): Pick<Second, "cpu" | "rss"> => {
  const at = samples.findLast(({ atMs }) => atMs <= window.endMs);
  return {
    cpu: Object.fromEntries(
      names.map((name) => [name, rounded(cpuSecondsOf(samples, window, cpuOf(name)), 3)]),
    ),
    rss: Object.fromEntries(names.map((name) => [name, Math.round(at?.uses.get(name)?.residentBytes ?? 0)])),
  };
};

/** A backlog that only swings does not grow: more than this many seconds' orders have to be added. */
const GROWN_BY_SECONDS = 1;

/**
 * Whether more came in than was counted: the median of the backlog in the last third of the measured time, compared with that
 * of the first. Two thirds lie between their middles, so in 30 s a rate 5 % too high shows.
 */
export const backlogGrew = (
  seconds: readonly Second[],
  load: { readonly seconds: number; readonly ordersPerSecond: number },
): boolean => {
  const measured = seconds.filter(({ t }) => t < load.seconds).map(({ lagOrders }) => lagOrders);
  const third = Math.floor(measured.length / 3);
  if (third === 0) return false;
  const grown = medianOf(measured.slice(-third)) - medianOf(measured.slice(0, third));
  return grown > load.ordersPerSecond * GROWN_BY_SECONDS;
};

/** What a fault cost: for how long nothing was acknowledged, and when all was as promised again (dev/faults/recovery.ts). */

/** Of SLO-I (SCALE.md). */
const ACK_MS = 100;
const FRESH_MS = 1_000;
const SHARE_IN_TIME = 0.99;
/** So long it has to hold to be called recovered. */
const WINDOW_MS = 2_000;
const STEP_MS = 100;

type InjectedFault = { readonly what: string; readonly fromMs: number; readonly untilMs: number };

/** Recovery counts from when what was injected runs again. */
export const faultOf = (
  injected: InjectedFault,
  requests: readonly Request[],
  visible: readonly Visible[],
  endMs: number,
): NonNullable<Run["fault"]> => {
  const found = recoveryMs(injected, requests, visible, endMs);
  return {
    what: injected.what,
    downtimeSeconds: rounded(downtimeMs(injected, requests) / 1_000, 2),
    recoverySeconds: found === null ? null : rounded(found / 1_000, 2),
  };
};

/**
 * The longest time after the strike in which no request that was planned was acknowledged in time; 0 when it is not
 * more than between any two requests.
 */
const downtimeMs = ({ fromMs }: InjectedFault, requests: readonly Request[]): number => {
  let longest = 0;
  let begunMs: number | null = null;
  for (const request of requests) {
    if (request.plannedAtMs < fromMs - WINDOW_MS) continue;
    if (isInTime(request)) {
      if (begunMs !== null) longest = Math.max(longest, request.plannedAtMs - begunMs);
      begunMs = null;
    } else begunMs ??= request.plannedAtMs;
  }
  const last = requests.at(-1)?.plannedAtMs ?? 0;
  return begunMs === null ? longest : Math.max(longest, last - begunMs);
};

const isInTime = ({ outcome, latencyMs }: Request): boolean =>
  outcome === "acknowledged" && latencyMs <= ACK_MS;

/** Null when there is no such window. */
const recoveryMs = (
  { untilMs }: InjectedFault,
  requests: readonly Request[],
  visible: readonly Visible[],
  endMs: number,
): number | null => {
  for (let startMs = untilMs; startMs + WINDOW_MS <= endMs; startMs += STEP_MS) {
    const isDue = (atMs: number): boolean => atMs >= startMs && atMs < startMs + WINDOW_MS;
    const own = requests.filter(({ plannedAtMs }) => isDue(plannedAtMs));
    const inTime = own.filter(isInTime).length;
    const fresh = visible.filter(({ atMs }) => isDue(atMs)).map(({ freshnessMs }) => freshnessMs);
    const isFresh = fresh.length > 0 && percentileOf(fresh, SHARE_IN_TIME) <= FRESH_MS;
    if (own.length > 0 && inTime >= own.length * SHARE_IN_TIME && isFresh) return startMs - untilMs;
  }
  return null;
};
