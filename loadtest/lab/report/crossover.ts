/** Which mode is cheapest while meeting the objective, at each rate: the question of the whole project. */

import type { ObjectiveName } from "../judge/objectives.ts";
import { MODE_NAMES } from "../run/arrangements.ts";
import type { Suite } from "../run/results.ts";
import { boundsOf, type CostPoint, capacitiesOf, costsOf } from "./figures.ts";

export type Contender = {
  readonly mode: string;
  readonly costs: readonly CostPoint[];
  /** Orders per second: what held, and what failed. */
  readonly capacity: number;
  readonly failsAt: number;
};

export type Segment = {
  readonly from: number;
  readonly to: number;
  /** The cheapest and those whose interval overlaps with its: between them no difference is shown. Empty: none carries it. */
  readonly modes: readonly string[];
};

export type Crossover = { readonly contenders: readonly Contender[]; readonly segments: readonly Segment[] };

/** Between 10 and 10 000 orders per second, a step of the grid is then 3.5 percent: less than capacity's own ±5. */
const STEPS = 200;
/** How far the picture goes beyond what the best carries. */
const BEYOND = 1.25;

export const crossoverOf = (suite: Suite, ordersPerRequest: number, objective: ObjectiveName): Crossover => {
  const capacities = capacitiesOf(suite, "E2").filter(
    (each) => each.ordersPerRequest === ordersPerRequest && each.variant === "",
  );
  const contenders = MODE_NAMES.flatMap((mode): Contender[] => {
    const capacity = capacities.find((each) => each.mode === mode);
    const costs = costsOf(suite, mode, ordersPerRequest, objective);
    if (!capacity || costs.length === 0) return [];
    const { low, high } = boundsOf(capacity, objective);
    return [
      { mode, capacity: low, failsAt: high, costs: costs.filter((each) => each.ordersPerSecond <= low) },
    ];
  }).filter(({ costs }) => costs.length > 0);
  return { contenders, segments: segmentsOf(contenders) };
};

export const segmentsOf = (contenders: readonly Contender[]): Segment[] => {
  const starts = contenders.map(({ costs }) => costs[0]?.ordersPerSecond ?? Number.NaN);
  const capacities = contenders.map(({ capacity }) => capacity);
  // nothing is said of a rate at which not every mode was measured
  const [from, to] = [Math.max(...starts), Math.max(...capacities) * BEYOND];
  if (!(from < to)) return [];
  const grid = Array.from({ length: STEPS }, (_, step) => from * (to / from) ** (step / STEPS));
  const edges = [...grid, ...capacities.filter((capacity) => capacity > from), to].sort((a, b) => a - b);
  const segments: Segment[] = [];
  for (const [index, edge] of edges.entries()) {
    const next = edges[index + 1];
    if (next === undefined || next === edge) continue;
    const modes = cheapestAt(contenders, Math.sqrt(edge * next));
    const last = segments.at(-1);
    if (last?.modes.join() === modes.join()) segments[segments.length - 1] = { ...last, to: next };
    else segments.push({ from: edge, to: next, modes });
  }
  return withoutSlivers(segments, capacities);
};

/** Narrower than what a capacity is known to, a segment is chance: it goes with its neighbour, if one may be cheapest in both. */
const SLIVER = 1.1;

const withoutSlivers = (segments: readonly Segment[], capacities: readonly number[]): Segment[] => {
  const kept: Segment[] = [];
  for (const segment of segments) {
    const last = kept.at(-1);
    if (last && belongTogether(last, segment, capacities)) kept[kept.length - 1] = joined(last, segment);
    else kept.push(segment);
  }
  return kept;
};

/** Also a first sliver, with the one after it. */
const belongTogether = (last: Segment, next: Segment, capacities: readonly number[]): boolean => {
  if (last.modes.join() === next.modes.join()) return true;
  // where a mode ends is no chance: joined over that, it would be called the cheapest of rates that it does not carry
  if (capacities.includes(next.from)) return false;
  const hasSliver = isSliver(last) || isSliver(next);
  return hasSliver && last.modes.some((mode) => next.modes.includes(mode));
};

const isSliver = ({ from, to }: Segment): boolean => to / from < SLIVER;

/** A sliver takes what is said of its neighbour; of two of them, either's modes may be the cheapest. */
const joined = (last: Segment, next: Segment): Segment => {
  const output = [last, next].filter((each) => !isSliver(each));
  const modes = (output.length > 0 ? output : [last, next]).flatMap((each) => each.modes);
  return { from: last.from, to: next.to, modes: MODE_NAMES.filter((mode) => modes.includes(mode)) };
};

/** In the order of the modes. Empty above the rate at which the generator was the limit of a mode: it may carry more, and be the cheapest. */
const cheapestAt = (contenders: readonly Contender[], rate: number): string[] => {
  if (contenders.some(({ capacity, failsAt }) => !Number.isFinite(failsAt) && rate > capacity)) return [];
  const costs = contenders
    .filter(({ capacity }) => capacity >= rate)
    .map(({ mode, costs }) => ({ mode, ...costAt(costs, rate) }))
    .sort((a, b) => a.cost - b.cost);
  const [best] = costs;
  // a mode whose interval overlaps with the best one's may be the best
  if (!best) return [];
  const equals = costs.filter(({ low }) => low <= best.high).map(({ mode }) => mode);
  return MODE_NAMES.filter((mode) => equals.includes(mode));
};

type Cost = { readonly cost: number; readonly low: number; readonly high: number };

/** Between two rates along a straight line of the logarithms; beyond the last as there. */
export const costAt = (costs: readonly CostPoint[], rate: number): Cost => {
  const above = costs.findIndex(({ ordersPerSecond }) => ordersPerSecond >= rate);
  const [before, after] = [costs[above < 0 ? costs.length - 1 : Math.max(0, above - 1)], costs.at(above)];
  if (!before || !after) throw new Error("a cost of nothing");
  const width = Math.log(after.ordersPerSecond / before.ordersPerSecond);
  const share = width === 0 ? 0 : Math.log(rate / before.ordersPerSecond) / width;
  const between = (a: number, b: number): number => a * (b / a) ** share;
  return {
    cost: between(before.cost, after.cost),
    low: between(before.interval.low, after.interval.low),
    high: between(before.interval.high, after.interval.high),
  };
};
