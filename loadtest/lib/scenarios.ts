/** From a profile and the settings of a run to k6's scenarios and thresholds: pure. */
import {
  type Arrivals,
  type Profile,
  SCENARIO_NUMBERS,
  type ScenarioName,
  type Stage,
} from "../profiles/profile.ts";
import type { Customers } from "./orders.ts";
import { durationMsOf, isConstant, peakPerSecond, type Schedule, scheduleOf } from "./schedule.ts";
import { DEFAULT_REPLY_WITHIN_SECONDS, type Settings } from "./settings.ts";

/** One scenario of this run. */
export type Planned = {
  readonly name: ScenarioName;
  readonly number: number;
  readonly sends: Arrivals["sends"] | "probes" | "nothing";
  readonly customers: Customers;
  /** When it begins and how long it lasts, from the run's start. */
  readonly startMs: number;
  readonly durationMs: number;
  /** Null where connections are held instead. */
  readonly schedule: Schedule | null;
  /** What is planned before, from the scenario's start, counts in the ledger and in no figure. */
  readonly warmUpMs: number;
};

export type Plan = {
  readonly scenarios: readonly Planned[];
  readonly perSecond: number;
  readonly watchers: number;
  readonly stopsAtLimit: boolean;
};

const SECOND_MS = 1_000;

export const planOf = (profile: Profile, settings: Settings): Plan => {
  const perSecond = settings.perSecond ?? profile.perSecond;
  const ownSeconds = profile.stages.reduce((sum, { seconds }) => sum + seconds, 0);
  const stretch = (settings.seconds ?? ownSeconds) / ownSeconds;
  const startMs = settings.warmUpSeconds * SECOND_MS;
  const base = { customers: "anybody", startMs, warmUpMs: 0 } as const;
  // a warm-up at no rate is only a pause
  const warmUpMs = profile.from === 0 ? 0 : startMs;

  const arrivals = profile.arrivals.map(({ name, sends, customers, share }): Planned => {
    const schedule = warmedUp(scheduled(profile, perSecond * share, stretch), warmUpMs);
    return {
      ...base,
      startMs: startMs - warmUpMs,
      warmUpMs,
      name,
      number: SCENARIO_NUMBERS[name],
      sends,
      customers,
      durationMs: durationMsOf(schedule),
      schedule,
    };
  });
  const durationMs = Math.max(...arrivals.map((each) => each.durationMs - each.warmUpMs));
  const beside = (name: "probe" | "watchers", sends: "probes" | "nothing"): Planned => ({
    ...base,
    name,
    number: SCENARIO_NUMBERS[name],
    sends,
    durationMs,
    schedule: null,
  });
  const watchers = settings.watchers ?? profile.watchers;
  return {
    perSecond,
    watchers,
    stopsAtLimit: profile.stopsAtLimit,
    scenarios: [
      ...arrivals,
      ...(settings.probesPerSecond > 0 ? [beside("probe", "probes")] : []),
      ...(watchers > 0 ? [beside("watchers", "nothing")] : []),
    ],
  };
};

const scheduled = ({ from, stages }: Profile, perSecond: number, stretch: number): Schedule =>
  scheduleOf(
    from * perSecond,
    stages.map(({ seconds, factor }: Stage) => ({
      toPerSecond: factor * perSecond,
      durationMs: Math.round(seconds * stretch * SECOND_MS),
    })),
  );

/**
 * At the rate with which the profile begins, by the same virtual users: others would measure with cold code of their own,
 * and open a connection each, when the figures begin to count.
 */
const warmedUp = (schedule: Schedule, warmUpMs: number): Schedule => {
  if (warmUpMs === 0) return schedule;
  const [first] = schedule.stages;
  if (first && isConstant(schedule))
    return { ...schedule, stages: [{ ...first, durationMs: first.durationMs + warmUpMs }] };
  return { ...schedule, stages: [{ to: schedule.from, durationMs: warmUpMs }, ...schedule.stages] };
};

/** No order is left without an outcome: k6 waits for replies that are under way. */
const REPLIES_AFTER_END_MS = (DEFAULT_REPLY_WITHIN_SECONDS + 5) * SECOND_MS;
/** An order that no dashboard shows by then is missed: the relaxed objective's freshness. */
export const VISIBLE_WITHIN_MS = 65_000;
const PROBES_AFTER_END_MS = VISIBLE_WITHIN_MS + REPLIES_AFTER_END_MS;
/** So many requests are under way when replies take this long, and no arrival is dropped: the API decides within 2 s. */
const VUS_FOR_REPLIES_OF_S = 2.5;
/** Below a few dozen, one stall of a slow machine would take them all. */
const LEAST_VUS = 20;
/** Connections that one of k6's virtual users holds: it takes a megabyte itself. */
export const CONNECTIONS_PER_VU = 50;

/** Virtual users, one for each request that may be under way. */
export const vusFor = (schedule: Schedule, mostVus: number): number =>
  Math.min(mostVus, Math.max(LEAST_VUS, Math.ceil(peakPerSecond(schedule) * VUS_FOR_REPLIES_OF_S)));

/** As k6 takes it. */
export type Scenario = Readonly<Record<string, unknown>> & { readonly executor: string };

export const k6Scenarios = (plan: Plan, mostVus: number): Record<string, Scenario> =>
  Object.fromEntries(plan.scenarios.map((each) => [each.name, scenarioOf(each, plan, mostVus)]));

const EXEC = { orders: "order", dashboards: "read", probes: "probe", nothing: "watch" } as const;

const scenarioOf = (planned: Planned, plan: Plan, mostVus: number): Scenario => {
  const { sends, startMs, durationMs, schedule } = planned;
  const common = { exec: EXEC[sends], startTime: `${startMs}ms` };
  if (schedule === null) {
    const isProbe = sends === "probes";
    return {
      executor: "per-vu-iterations",
      ...common,
      vus: isProbe ? 1 : Math.ceil(plan.watchers / CONNECTIONS_PER_VU),
      iterations: 1,
      maxDuration: `${durationMs + (isProbe ? PROBES_AFTER_END_MS : 0)}ms`,
      gracefulStop: `${REPLIES_AFTER_END_MS}ms`,
    };
  }
  const vus = vusFor(schedule, mostVus);
  const pool = { preAllocatedVUs: vus, maxVUs: vus, gracefulStop: `${REPLIES_AFTER_END_MS}ms` };
  const timeUnit = `${schedule.unitMs}ms`;
  if (isConstant(schedule))
    return {
      executor: "constant-arrival-rate",
      ...common,
      ...pool,
      timeUnit,
      rate: schedule.from,
      duration: `${durationMs}ms`,
    };
  return {
    executor: "ramping-arrival-rate",
    ...common,
    ...pool,
    timeUnit,
    startRate: schedule.from,
    stages: schedule.stages.map(({ to, durationMs: ms }) => ({ target: to, duration: `${ms}ms` })),
  };
};
