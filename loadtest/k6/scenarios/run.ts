/** The run in each virtual user of k6: settings, plan, orders, and the current arrival. */
import { SharedArray } from "k6/data";
import exec from "k6/execution";
import { catalogueFrom } from "../../../shared/domain/catalogue.ts";
import { openOrders } from "../lib/orders.ts";
import { type Planned, planOf } from "../lib/plan.ts";
import { plannedOffsets } from "../lib/schedule.ts";
import { settingsFrom } from "../lib/settings.ts";
import { profileNamed } from "../profiles/all.ts";

/** Each virtual user evaluates this file at another time; a shared array is evaluated once. */
const [initialMs = 0] = new SharedArray<number>("when k6 was started", () => [Date.now()]);

export const settings = settingsFrom(__ENV, initialMs);
export const plan = planOf(profileNamed(settings.profile), settings);

/** A relative path is relative to the project. */
const catalogueText = (): string => {
  const { catalogueFile } = settings;
  return open(
    catalogueFile.startsWith("/") ? catalogueFile : import.meta.resolve(`../../../${catalogueFile}`),
  );
};

/** One copy of ten thousand stores, not one for each virtual user. */
const stores = new SharedArray<string>("stores", () =>
  catalogueFrom(JSON.parse(catalogueText())).stores.filter((store) => !settings.probeStores.includes(store)),
);
const drinks = new SharedArray<string>("drinks", () => [
  ...catalogueFrom(JSON.parse(catalogueText())).drinks,
]);

export const orders = openOrders({ seed: settings.seed, stores, drinks: [...drinks] });
/** What a probe orders. */
export const anyDrink = drinks[0] ?? "";

type Instance = typeof exec.instance;
type Scenario = typeof exec.scenario;

/** Cached, because k6 creates a new object on each access. */
let instance: Instance | null = null;

/** Milliseconds since the start of the run, with fractions: many replies take less than the 1 ms of Date.now. */
export const nowMs = (): number => {
  instance ??= exec.instance;
  return instance.currentTestRunDuration;
};

/** A virtual user may run another scenario later. */
type Current = {
  readonly planned: Planned;
  readonly scenario: Scenario;
  readonly startMs: number;
  readonly offsetOf: (iteration: number) => number;
};
let current: Current | null = null;

/** When the scenario began, by the clock of the machine. */
export const startTime = (): number => exec.scenario.startTime;

export type Arrival = {
  readonly planned: Planned;
  readonly iteration: number;
  readonly plannedMs: number;
  /** Not in any figure. */
  readonly isWarmUp: boolean;
  /** The first one after the warm-up. */
  readonly isFirst: boolean;
};

/** The current iteration and its planned time. */
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

const READINGS = 3;

/**
 * k6 reports the start of a scenario in whole milliseconds, and its progress as an exact share. Between two readings of the
 * clock time only passes, so the latest of several results is the best.
 */
const startOf = (scenario: Scenario, { schedule, durationMs }: Planned): number => {
  // without arrivals the share is of iterations, and past the end it no longer changes
  if (schedule === null || scenario.progress >= 1) return nowMs() - (Date.now() - scenario.startTime);
  let latest = Number.NEGATIVE_INFINITY;
  for (let reading = 0; reading < READINGS; reading++)
    latest = Math.max(latest, nowMs() - scenario.progress * durationMs);
  return latest;
};
