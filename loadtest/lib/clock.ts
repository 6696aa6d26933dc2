/** Milliseconds since the run began, finer than the whole ones of Date.now, which are longer than many a reply takes. */
import exec from "k6/execution";
import { plan } from "./run.ts";
import type { Planned } from "./scenarios.ts";
import { plannedOffsets } from "./schedule.ts";

type Instance = typeof exec.instance;
type Scenario = typeof exec.scenario;

/** k6 makes a new object each time it is asked for one. */
let instance: Instance | null = null;

export const nowMs = (): number => {
  instance ??= exec.instance;
  return instance.currentTestRunDuration;
};

/** The scenario that this virtual user runs; it may run another one later. */
type Current = {
  readonly planned: Planned;
  readonly scenario: Scenario;
  readonly startMs: number;
  readonly offsetOf: (iteration: number) => number;
};
let current: Current | null = null;

/** When the scenario began, by the clock of the machine: for whoever lays other figures beside its own. */
export const startTime = (): number => exec.scenario.startTime;

export type Arrival = {
  readonly planned: Planned;
  readonly iteration: number;
  readonly plannedMs: number;
  /** It counts in no figure. */
  readonly isWarmUp: boolean;
  /** The first that counts. */
  readonly isFirst: boolean;
};

/** The iteration that is running, and when it was due. */
export const arrival = (): Arrival => {
  if (current === null || current.scenario.name !== current.planned.name) current = enter();
  const { planned, scenario, startMs, offsetOf } = current;
  const iteration = scenario.iterationInTest;
  const { warmUpMs } = planned;
  const offsetMs = offsetOf(iteration);
  const isWarmUp = offsetMs < warmUpMs;
  const isFirst = !isWarmUp && (iteration === 0 || offsetOf(iteration - 1) < warmUpMs);
  return { planned, iteration, plannedMs: startMs + offsetMs, isWarmUp, isFirst };
};

const enter = (): Current => {
  const { scenario } = exec;
  const planned = plan.scenarios.find(({ name }) => name === scenario.name);
  if (planned === undefined) throw new Error(`${scenario.name} is not part of this run`);
  const offsetOf = planned.schedule === null ? () => 0 : plannedOffsets(planned.schedule);
  return { planned, scenario, startMs: startOf(scenario, planned), offsetOf };
};

const LOOKS = 3;

/**
 * k6 tells the start of a scenario in whole milliseconds, and how far it is as an exact share. Between two looks at the
 * clock time only passes, so the latest of several results is the best.
 */
const startOf = (scenario: Scenario, { schedule, durationMs }: Planned): number => {
  // without arrivals the share is of iterations, and past the end it stands still
  if (schedule === null || scenario.progress >= 1) return nowMs() - (Date.now() - scenario.startTime);
  let latest = Number.NEGATIVE_INFINITY;
  for (let look = 0; look < LOOKS; look++)
    latest = Math.max(latest, nowMs() - scenario.progress * durationMs);
  return latest;
};
