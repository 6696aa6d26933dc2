/** What a run sends and when: a profile with the settings of the run. Pure. */
import {
  type Arrivals,
  type Profile,
  SCENARIO_NUMBERS,
  type ScenarioName,
  type Stage,
} from "../profiles/profile.ts";
import type { Customers } from "./orders.ts";
import { durationMsOf, isConstant, peakPerSecond, type Schedule, scheduleOf } from "./schedule.ts";
import type { Settings } from "./settings.ts";

/** One scenario of this run. */
export type Planned = {
  readonly name: ScenarioName;
  readonly number: number;
  readonly sends: Arrivals["sends"] | "probes" | "nothing";
  readonly customers: Customers;
  /** When it starts, from the run's start, and how long it lasts. */
  readonly startMs: number;
  readonly durationMs: number;
  /** Null where connections are held instead. */
  readonly schedule: Schedule | null;
  /** From the scenario's start. Orders planned before that are in the ledger and in no figure. */
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
  const additional = (name: "probe" | "watchers", sends: "probes" | "nothing"): Planned => ({
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
      ...(settings.probesPerSecond > 0 ? [additional("probe", "probes")] : []),
      ...(watchers > 0 ? [additional("watchers", "nothing")] : []),
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
 * At the profile's first rate, within the same scenario: the virtual users of another one would start to measure with cold
 * code and new connections.
 */
const warmedUp = (schedule: Schedule, warmUpMs: number): Schedule => {
  if (warmUpMs === 0) return schedule;
  const [first] = schedule.stages;
  if (first && isConstant(schedule))
    return { ...schedule, stages: [{ ...first, durationMs: first.durationMs + warmUpMs }] };
  return { ...schedule, stages: [{ to: schedule.from, durationMs: warmUpMs }, ...schedule.stages] };
};

/** An order that no dashboard shows by then is missed: the freshness of the relaxed objective. */
export const VISIBLE_WITHIN_MS = 65_000;
/** The API decides within 2 s: as many requests are under way when each reply takes so long. */
const REPLIES_TAKE_SECONDS = 2.5;
/** Below a few dozen, one stall of a slow machine would use them all. */
const LEAST_UNDER_WAY = 20;

/** Requests of a scenario that may be under way; k6 needs a virtual user for each. */
export const mostUnderWay = (schedule: Schedule, { mostVus }: Pick<Settings, "mostVus">): number =>
  Math.min(mostVus, Math.max(LEAST_UNDER_WAY, Math.ceil(peakPerSecond(schedule) * REPLIES_TAKE_SECONDS)));
