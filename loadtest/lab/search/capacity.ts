/**
 * The search for capacity: the highest rate at which an objective holds. Geometric steps find a rate that holds and one
 * that fails, bisection brings them together, and repeated runs confirm what is left. Given the points so far it says
 * what to try next, so that an interrupted search resumes and a finished one can be checked by anyone.
 */

import type { SearchSettings } from "../experiments/layout.ts";
import {
  isGeneratorFull,
  judge,
  OBJECTIVE_NAMES,
  type ObjectiveName,
  type Standing,
  standingOf,
} from "../judge/objectives.ts";
import { type Interval, intervalOf } from "../judge/statistics.ts";
import type { Run } from "../run/results.ts";

/** One run of a search, in the order in which they were made. Rates are requests per second. */
export type Point = {
  readonly rate: number;
  /** Acknowledged requests per second. */
  readonly achieved: number;
  /** What was wrong with it. */
  readonly voids: readonly string[];
  /** The generator had no more of its cores: it would not have another time. */
  readonly isGeneratorFull: boolean;
  readonly recordOf: Readonly<Record<ObjectiveName, Judged>>;
};
type Judged = { readonly is: Standing; readonly because: readonly string[] };

/**
 * A confirmation that fails takes this from the rate, the first two times and so on: who fails by chance wherever he is
 * tried comes down to where he holds. After all of them a tenth is left.
 */
const LOWERED_BY = [0.05, 0.05, 0.1, 0.1, 0.2, 0.2, 0.3, 0.3, 0.3, 0.3] as const;
/** A void run is repeated up to twice; a rate that is void thrice cannot be measured here. */
const MOST_VOIDS = 3;

export type Capacity = {
  readonly objective: ObjectiveName;
  /** Requests per second; 0 when even the floor fails. */
  readonly rate: number;
  /** What the confirmations acknowledged per second, and their interval. Null without any. */
  readonly confirmed: readonly number[];
  readonly interval: Interval | null;
  readonly isConfirmed: boolean;
  readonly firstFailing: { readonly rate: number; readonly because: string } | null;
  /** Set when the search could go no higher for a reason that is not the system's: capacity is at least `rate`. */
  readonly limit: { readonly rate: number; readonly because: string } | null;
};

export type Step =
  | {
      readonly rate: number;
      readonly purpose: "step" | "bisect" | "confirm";
      readonly objective: ObjectiveName;
    }
  | { readonly found: Readonly<Record<ObjectiveName, Capacity>> };

/** The stricter objective first: its points are the looser one's too. */
export const nextStep = (points: readonly Point[], settings: SearchSettings): Step => {
  const states = OBJECTIVE_NAMES.map((objective) => replay(points, settings, objective));
  for (const state of states) {
    if (settings.confirmations[state.objective] === 0) continue;
    const wanted = wantedBy(state, settings);
    if (wanted) return { ...wanted, objective: state.objective };
  }
  const [interactive, relaxed] = states.map(resultOf);
  if (!interactive || !relaxed) throw new Error("an objective without a result");
  return { found: { interactive, relaxed } };
};

/** What a search has found so far, finished or not: the report's view of the same points. */
export const capacityOf = (
  points: readonly Point[],
  settings: SearchSettings,
  objective: ObjectiveName,
): Capacity => resultOf(replay(points, settings, objective));

export const pointOf = (run: Run): Point => ({
  rate: run.load.requestsPerSecond,
  achieved: run.ackMs.count / run.load.seconds,
  voids: run.voids,
  isGeneratorFull: isGeneratorFull(run),
  recordOf: { interactive: judgedBy(run, "interactive"), relaxed: judgedBy(run, "relaxed") },
});

const judgedBy = (run: Run, name: ObjectiveName): Judged => ({
  is: standingOf(run, name),
  because: judge(run, name).because,
});

type State = {
  readonly objective: ObjectiveName;
  /** The highest rate that held with none failing beneath; null before one. */
  low: number | null;
  /** The lowest that failed, or could not be measured. */
  high: number | null;
  firstFailing: Capacity["firstFailing"];
  limit: Capacity["limit"];
  /** Null while searching. */
  candidate: number | null;
  confirmed: number[];
  lowerings: number;
  /** Whether each rate that was run held every time. */
  readonly held: Map<number, boolean>;
  readonly voids: Map<number, number>;
  isDone: boolean;
};

const replay = (points: readonly Point[], settings: SearchSettings, objective: ObjectiveName): State => {
  const state: State = {
    objective,
    low: null,
    high: null,
    firstFailing: null,
    limit: null,
    candidate: null,
    confirmed: [],
    lowerings: 0,
    held: new Map(),
    voids: new Map(),
    isDone: false,
  };
  for (const point of points) {
    if (state.isDone) break;
    // only in a row: once measured, a rate can be
    const isVoid = point.recordOf[objective].is === "void";
    if (!isVoid) {
      state.voids.delete(point.rate);
      const holds = point.recordOf[objective].is === "holds";
      state.held.set(point.rate, holds && (state.held.get(point.rate) ?? true));
    }
    if (isVoid) takeVoid(state, point);
    else if (state.candidate === null) takeSearched(state, point);
    else if (point.rate === state.candidate) takeConfirmation(state, point, settings);
    settle(state, settings);
  }
  return state;
};

/** Neither good nor bad; but what cannot be measured bounds the search like a ceiling. */
const takeVoid = (state: State, { rate, voids, isGeneratorFull }: Point): void => {
  const count = isGeneratorFull ? MOST_VOIDS : (state.voids.get(rate) ?? 0) + 1;
  state.voids.set(rate, count);
  if (count < MOST_VOIDS || (state.high !== null && rate >= state.high)) return;
  state.high = rate;
  state.limit = { rate, because: `void${isGeneratorFull ? "" : ` ${count} times`}: ${voids.join("; ")}` };
  if (rate === state.candidate) {
    // it held once and cannot be confirmed: what is beneath has to do
    state.confirmed = [];
    lower(state, rate);
  }
  if (state.low !== null && state.low >= rate) state.low = null;
};

const takeSearched = (state: State, point: Point): void => {
  const { is } = point.recordOf[state.objective];
  if (is === "fails") fail(state, point);
  else if (state.high === null || point.rate < state.high) state.low = Math.max(state.low ?? 0, point.rate);
};

const fail = (state: State, { rate, recordOf }: Point): void => {
  if (state.high !== null && rate >= state.high) return;
  state.high = rate;
  state.firstFailing = { rate, because: recordOf[state.objective].because.join("; ") };
  // the system fails below what could not be measured, which is then no matter
  state.limit = null;
  if (state.low !== null && state.low >= rate) state.low = null;
};

const takeConfirmation = (state: State, point: Point, settings: SearchSettings): void => {
  if (point.recordOf[state.objective].is === "holds") {
    state.confirmed.push(point.achieved);
    state.isDone = state.confirmed.length >= settings.confirmations[state.objective];
    return;
  }
  fail(state, point);
  state.confirmed = [];
  lower(state, point.rate);
};

const lower = (state: State, rate: number): void => {
  const by = LOWERED_BY[state.lowerings++];
  state.candidate = by === undefined ? null : Math.max(1, Math.floor(rate * (1 - by)));
  state.isDone = by === undefined;
};

/** From search to confirmation, and to the end without one. */
const settle = (state: State, settings: SearchSettings): void => {
  const { low, high } = state;
  if (state.candidate === null && low !== null) {
    const isNarrow = high !== null && (high <= low * settings.resolution || high - low <= 1);
    if (isNarrow) state.candidate = low;
    if (high === null && low >= settings.ceilingRate) {
      state.candidate = low;
      state.limit = { rate: low, because: "the generator's ceiling" };
    }
  }
  const isHopeless = low === null && high !== null && high <= settings.floorRate;
  if (isHopeless) state.isDone = true;
};

type Wanted = { readonly rate: number; readonly purpose: "step" | "bisect" | "confirm" };

const wantedBy = (state: State, settings: SearchSettings): Wanted | null => {
  const { low, high, candidate, isDone } = state;
  if (isDone) return null;
  if (candidate !== null) return { rate: candidate, purpose: "confirm" };
  const between = (rate: number): number =>
    Math.min(settings.ceilingRate, Math.max(settings.floorRate, Math.round(rate)));
  if (low === null && high === null) return { rate: between(settings.startRate), purpose: "step" };
  if (low === null)
    return { rate: between(Math.min((high ?? 0) / settings.factor, (high ?? 0) - 1)), purpose: "step" };
  if (high === null) return { rate: between(Math.max(low * settings.factor, low + 1)), purpose: "step" };
  // the geometric middle, as the resolution is a ratio
  return {
    rate: Math.min(high - 1, Math.max(low + 1, Math.round(Math.sqrt(low * high)))),
    purpose: "bisect",
  };
};

/** Of a search that was not confirmed: the highest rate that held whenever it was run, with none failing beneath. */
const heldIn = ({ held, high }: State): number =>
  Math.max(0, ...[...held].flatMap(([rate, holds]) => (holds && rate < (high ?? rate + 1) ? [rate] : [])));

const resultOf = (state: State): Capacity => {
  const { objective, confirmed, firstFailing, limit, isDone } = state;
  const isConfirmed = isDone && confirmed.length > 0;
  return {
    objective,
    rate: isConfirmed ? (state.candidate ?? 0) : heldIn(state),
    confirmed,
    interval: confirmed.length > 0 ? intervalOf(confirmed) : null,
    isConfirmed,
    firstFailing,
    limit,
  };
};
