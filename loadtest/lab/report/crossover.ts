/** Which mode is cheapest while meeting the objective, at each rate: the question of the whole project. */
import type { ObjectiveName } from "../judge/objectives.ts";
import { MODE_NAMES } from "../run/arrangements.ts";
import type { Suite } from "../run/results.ts";
import { type CostPoint, costsOf } from "./costs.ts";
import { boundsOf, modeCapacities } from "./figures.ts";
import { numberText } from "./numbers.ts";

export type Contender = {
  readonly mode: string;
  readonly costs: readonly CostPoint[];
  /** Orders per second: the highest rate that held, and the first that failed. */
  readonly capacity: number;
  readonly failsAt: number;
};

export type Segment = {
  readonly from: number;
  readonly to: number;
  /** The cheapest, and those whose interval overlaps with its interval. Empty: no mode carries these rates. */
  readonly modes: readonly string[];
};

export type Crossover = { readonly contenders: readonly Contender[]; readonly segments: readonly Segment[] };

/** A step is 3.5 % between 10 and 10 000 orders per second: less than the ±5 % of a capacity. */
const STEPS = 200;
/** How far the picture extends beyond the highest capacity. */
const BEYOND = 1.25;

export const crossoverOf = (suite: Suite, ordersPerRequest: number, objective: ObjectiveName): Crossover => {
  const capacities = modeCapacities(suite).filter((each) => each.ordersPerRequest === ordersPerRequest);
  const contenders = MODE_NAMES.flatMap((mode): Contender[] => {
    const capacity = capacities.find((each) => each.mode === mode);
    if (!capacity) return [];
    const { low, high } = boundsOf(capacity, objective);
    const costs = costsOf(suite, mode, ordersPerRequest, objective).filter(
      (each) => each.ordersPerSecond <= low,
    );
    return costs.length === 0 ? [] : [{ mode, capacity: low, failsAt: high, costs }];
  });
  return { contenders, segments: segmentsOf(contenders) };
};

export const segmentsOf = (contenders: readonly Contender[]): Segment[] => {
  const capacities = contenders.map(({ capacity }) => capacity);
  // no statement about a rate at which not every mode was measured
  const from = Math.max(...contenders.map(({ costs }) => costs[0]?.ordersPerSecond ?? Number.NaN));
  const to = Math.max(...capacities) * BEYOND;
  if (!(from < to)) return [];
  const grid = Array.from({ length: STEPS }, (_, step) => from * (to / from) ** (step / STEPS));
  const edges = [...grid, ...capacities.filter((capacity) => capacity > from), to].sort((a, b) => a - b);
  const segments = edges.slice(1).flatMap((next, index): Segment[] => {
    const edge = edges[index] ?? from;
    const modes = cheapestAt(contenders, Math.sqrt(edge * next));
    return edge === next ? [] : [{ from: edge, to: next, modes }];
  });
  const isSame = (last: Segment, next: Segment): boolean => last.modes.join() === next.modes.join();
  const whole = merged(segments, isSame, (last, next) => ({ ...last, to: next.to }));
  return merged(whole, (last, next) => isSame(last, next) || isSliverOf(last, next, capacities), joined);
};

/** Joins each segment to the previous one where they belong together. */
const merged = (
  segments: readonly Segment[],
  belongTogether: (last: Segment, next: Segment) => boolean,
  join: (last: Segment, next: Segment) => Segment,
): Segment[] => {
  const kept: Segment[] = [];
  for (const next of segments) {
    const last = kept.at(-1);
    if (last && belongTogether(last, next)) kept[kept.length - 1] = join(last, next);
    else kept.push(next);
  }
  return kept;
};

/** A capacity is known to a tenth, so a narrower segment is chance. It joins a neighbour with which it shares a mode. */
const SLIVER = 1.1;
const isSliver = ({ from, to }: Segment): boolean => to / from < SLIVER;

const isSliverOf = (last: Segment, next: Segment, capacities: readonly number[]): boolean =>
  // the end of a mode is not chance: joined across it, the mode would be the cheapest at rates that it does not carry
  !capacities.includes(next.from) &&
  (isSliver(last) || isSliver(next)) &&
  last.modes.some((mode) => next.modes.includes(mode));

/** A sliver takes the modes of its neighbour. Two slivers have the modes of both. */
const joined = (last: Segment, next: Segment): Segment => {
  const both = [last, next];
  const wide = both.filter((each) => !isSliver(each));
  const modes = (wide.length > 0 ? wide : both).flatMap((each) => each.modes);
  return { from: last.from, to: next.to, modes: MODE_NAMES.filter((mode) => modes.includes(mode)) };
};

/** In the order of the modes. Empty beyond a rate that the generator could not exceed: that mode may be cheapest there. */
const cheapestAt = (contenders: readonly Contender[], rate: number): string[] => {
  if (contenders.some(({ capacity, failsAt }) => !Number.isFinite(failsAt) && rate > capacity)) return [];
  const costs = contenders
    .filter(({ capacity }) => capacity >= rate)
    .map(({ mode, costs }) => ({ mode, ...costAt(costs, rate) }))
    .sort((a, b) => a.cost - b.cost);
  const [best] = costs;
  if (!best) return [];
  // a mode whose interval overlaps with that of the best may be the best
  const equals = costs.filter(({ low }) => low <= best.high).map(({ mode }) => mode);
  return MODE_NAMES.filter((mode) => equals.includes(mode));
};

type Cost = { readonly cost: number; readonly low: number; readonly high: number };

/** Between two rates on a straight line of the logarithms; beyond the last rate its cost. */
export const costAt = (costs: readonly CostPoint[], rate: number): Cost => {
  const above = costs.findIndex(({ ordersPerSecond }) => ordersPerSecond >= rate);
  const [before, after] = [costs[above < 0 ? costs.length - 1 : Math.max(0, above - 1)], costs.at(above)];
  if (!before || !after) throw new Error("no costs to interpolate between");
  const width = Math.log(after.ordersPerSecond / before.ordersPerSecond);
  const share = width === 0 ? 0 : Math.log(rate / before.ordersPerSecond) / width;
  const between = (a: number, b: number): number => a * (b / a) ** share;
  return {
    cost: between(before.cost, after.cost),
    low: between(before.interval.low, after.interval.low),
    high: between(before.interval.high, after.interval.high),
  };
};

/** Whether the generator was the limit of a mode, so that no rate failed. */
export const isOpen = (contenders: readonly Contender[]): boolean =>
  contenders.some(({ failsAt }) => !Number.isFinite(failsAt));

/** Lists the rates at which each mode is, or may be, the cheapest. Empty without segments. */
export const crossoverSentence = ({ contenders, segments }: Crossover): string => {
  if (segments.length === 0) return "";
  const ranges = contenders.map(({ mode }) => {
    const own = segments.filter(({ modes }) => modes.includes(mode));
    const spans = merged(
      own,
      (last, next) => last.to === next.from,
      (last, next) => ({ ...last, to: next.to }),
    ).map(({ from, to }) => `${numberText(from)} to ${numberText(to)}`);
    return spans.length === 0 ? `${mode} nowhere` : `${mode} from ${spans.join(" and from ")} orders/s`;
  });
  const beyond = isOpen(contenders) ? "the generator was the limit" : "no mode meets the objective";
  const ends = segments.filter(({ modes }) => modes.length === 0);
  return [...ranges, ...ends.map(({ from }) => `beyond ${numberText(from)} ${beyond}`)].join("; ");
};
