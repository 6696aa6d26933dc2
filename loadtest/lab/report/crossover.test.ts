import { expect, test } from "vitest";
import { crossoverSentence } from "./charts/crossover.ts";
import { type Contender, costAt, segmentsOf } from "./crossover.ts";
import type { CostPoint } from "./figures.ts";

const point = (ordersPerSecond: number, cost: number, spread = 0.02): CostPoint => ({
  ordersPerSecond,
  cost,
  interval: { low: cost * (1 - spread), high: cost * (1 + spread), by: "min..max", count: 3 },
});
const contender = (mode: string, capacity: number, costs: readonly CostPoint[]): Contender => ({
  ...{ mode, capacity, failsAt: capacity * 1.08, costs },
});

test("a cost between two rates lies on the line of logarithms, and beyond the last stays", () => {
  const costs = [point(10, 4), point(1_000, 1)];
  expect(costAt(costs, 100).cost).toBeCloseTo(2);
  expect(costAt(costs, 10).cost).toBe(4);
  expect(costAt(costs, 1_000).cost).toBe(1);
  expect(costAt(costs, 5_000).cost).toBe(1);
});

test("names the cheapest mode of each range, equals together, and none beyond the last", () => {
  const segments = segmentsOf([
    contender("v1", 1_000, [point(10, 1), point(1_000, 1)]),
    contender("v2", 3_000, [point(10, 4), point(100, 1), point(1_000, 0.4), point(3_000, 0.4)]),
    contender("v3", 9_000, [point(10, 9), point(9_000, 0.8)]),
  ]);
  expect(segments.map(({ modes }) => modes)).toEqual(
    [["v1"], ["v1", "v2"], ["v2"], ["v3"], []].filter(
      // where two lines cross steeply, they are equal for less than a sliver
      (modes) => modes.length !== 2 || segments.some((each) => each.modes.length === 2),
    ),
  );
  const of = (mode: string) => segments.find(({ modes }) => modes.join() === mode);
  expect(of("v1")?.to).toBeGreaterThan(80);
  expect(of("v1")?.to).toBeLessThan(125);
  expect(of("v2")?.to).toBe(3_000);
  expect(of("v3")?.to).toBe(9_000);
  for (const [index, { from }] of segments.entries())
    if (index > 0) expect(from).toBe(segments[index - 1]?.to);
});

test("nothing is said of rates at which one of them was not measured, and intervals that overlap are equal", () => {
  const segments = segmentsOf([
    contender("v1", 1_000, [point(50, 1, 0.2), point(1_000, 1, 0.2)]),
    contender("v2", 1_000, [point(10, 1.1, 0.2), point(1_000, 1.1, 0.2)]),
  ]);
  expect(segments[0]).toMatchObject({ from: 50, modes: ["v1", "v2"] });
  expect(segmentsOf([])).toEqual([]);
});

test("beyond the last, where none failed, the generator was the limit", () => {
  const contenders = [contender("v1", 1_000, [point(10, 1)]), contender("v2", 2_000, [point(10, 2)])];
  const sentence = (all: readonly Contender[]): string =>
    crossoverSentence({ contenders: all, segments: segmentsOf(all) });
  expect(sentence(contenders)).toMatch(
    /^v1 from 10 to 1.000 orders\/s; v2 from 1.000 to 2.000 orders\/s; beyond 2.000 none meets the objective$/,
  );
  const open = contenders.map((each) => ({ ...each, failsAt: Number.POSITIVE_INFINITY }));
  expect(sentence(open)).toMatch(/beyond 1.000 the generator was the limit$/);
  // one that was not brought to its end may be the cheapest beyond it
  const [v1, v2] = [open[0], contenders[1]].flatMap((each) => each ?? []);
  expect(sentence([v1, v2].flatMap((each) => each ?? []))).toMatch(
    /^v1 from 10 to 1.000 orders\/s; v2 nowhere; beyond 1.000 the generator was the limit$/,
  );
});

test("a sliver takes what is said of its neighbour, but none is said to be the cheapest of rates that it does not carry", () => {
  const [v1, v2] = [contender("v1", 1_050, [point(10, 1.2)]), contender("v2", 1_000, [point(10, 1)])];
  expect(segmentsOf([v1, v2]).map(({ from, to, modes }) => ({ from, to: Math.round(to), modes }))).toEqual([
    { from: 10, to: 1_000, modes: ["v2"] },
    { from: 1_000, to: 1_050, modes: ["v1"] },
    { from: 1_050, to: 1_313, modes: [] },
  ]);
  const equal = segmentsOf([{ ...v1, costs: [point(10, 1)] }, v2]);
  expect(equal.map(({ to, modes }) => [Math.round(to), modes])).toEqual([
    [1_000, ["v1", "v2"]],
    [1_050, ["v1"]],
    [1_313, []],
  ]);
  // equal for a moment alone, where two lines meet: that does not make them equal from there on
  const falling = contender("v1", 1_000, [point(10, 1, 0.02), point(1_000, 0.5, 0.02)]);
  const meeting = contender("v2", 1_000, [point(10, 1.04, 0.02), point(1_000, 1, 0.02)]);
  expect(segmentsOf([falling, meeting]).slice(0, -1)).toEqual([{ from: 10, to: 1_000, modes: ["v1"] }]);
});

test("lists two ranges for a mode that is among the cheapest twice", () => {
  const contenders = ["v1", "v2"].map((mode) => contender(mode, 900, [point(10, 1)]));
  const segments = [
    { from: 10, to: 50, modes: ["v1", "v2"] },
    { from: 50, to: 300, modes: ["v1"] },
    { from: 300, to: 900, modes: ["v1", "v2"] },
  ];
  expect(crossoverSentence({ contenders, segments })).toBe(
    "v1 from 10 to 900 orders/s; v2 from 10 to 50 and from 300 to 900 orders/s",
  );
  expect(crossoverSentence({ contenders: [], segments: [] })).toBe("");
});
