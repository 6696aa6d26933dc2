import { expect, test } from "vitest";
import type { CostPoint } from "./costs.ts";
import { type Contender, costAt, crossoverSentence, segmentsOf } from "./crossover.ts";

const point = (ordersPerSecond: number, cost: number, spread = 0.02): CostPoint => ({
  ordersPerSecond,
  cost,
  interval: { low: cost * (1 - spread), high: cost * (1 + spread), by: "min..max", count: 3 },
});
const contender = (mode: string, capacity: number, costs: readonly CostPoint[]): Contender => ({
  ...{ mode, capacity, failsAt: capacity * 1.08, costs },
});

test("interpolates a cost between two rates, and keeps the last one beyond", () => {
  const costs = [point(10, 4), point(1_000, 1)];
  const found = [10, 100, 1_000, 5_000].map((rate) => costAt(costs, rate).cost);
  for (const [index, cost] of [4, 2, 1, 1].entries()) expect(found[index]).toBeCloseTo(cost);
});

test("names the cheapest mode of each range without gaps, and none beyond the last capacity", () => {
  const segments = segmentsOf([
    contender("v1", 1_000, [point(10, 1), point(1_000, 1)]),
    contender("v2", 3_000, [point(10, 4), point(100, 1), point(1_000, 0.4), point(3_000, 0.4)]),
    contender("v3", 9_000, [point(10, 9), point(9_000, 0.8)]),
  ]);
  expect(segments.map(({ modes }) => modes)).toEqual([["v1"], ["v1", "v2"], ["v2"], ["v3"], []]);
  const [v1, , v2, v3] = segments.map(({ to }) => to);
  expect(v1).toBeGreaterThan(80);
  expect(v1).toBeLessThan(125);
  expect([v2, v3]).toEqual([3_000, 9_000]);
  for (const [index, { to }] of segments.slice(0, -1).entries()) expect(segments[index + 1]?.from).toBe(to);
});

test("starts where every mode was measured; modes with overlapping intervals are equal", () => {
  const segments = segmentsOf([
    contender("v1", 1_000, [point(50, 1, 0.2), point(1_000, 1, 0.2)]),
    contender("v2", 1_000, [point(10, 1.1, 0.2), point(1_000, 1.1, 0.2)]),
  ]);
  expect(segments[0]).toMatchObject({ from: 50, modes: ["v1", "v2"] });
  expect(segmentsOf([])).toEqual([]);
});

test("makes no statement beyond a rate at which the generator was the limit of a mode", () => {
  const v1 = contender("v1", 1_000, [point(10, 1)]);
  const v2 = contender("v2", 2_000, [point(10, 2)]);
  const open = { ...v1, failsAt: Number.POSITIVE_INFINITY };
  const sentence = (...contenders: readonly Contender[]): string =>
    crossoverSentence({ contenders, segments: segmentsOf(contenders) });
  expect(sentence(v1, v2)).toMatch(
    /^v1 from 10 to 1.000 orders\/s; v2 from 1.000 to 2.000 orders\/s; beyond 2.000 no mode meets the objective$/,
  );
  expect(sentence(open, v2)).toMatch(
    /^v1 from 10 to 1.000 orders\/s; v2 nowhere; beyond 1.000 the generator was the limit$/,
  );
});

test("a narrow segment joins its neighbour, but no mode is the cheapest beyond its capacity", () => {
  const [v1, v2] = [contender("v1", 1_050, [point(10, 1.2)]), contender("v2", 1_000, [point(10, 1)])];
  const rangesOf = (...contenders: readonly Contender[]) =>
    segmentsOf(contenders).map(({ to, modes }) => [Math.round(to), modes]);
  expect(rangesOf(v1, v2)).toEqual([
    [1_000, ["v2"]],
    [1_050, ["v1"]],
    [1_313, []],
  ]);
  expect(rangesOf({ ...v1, costs: [point(10, 1)] }, v2)).toEqual([
    [1_000, ["v1", "v2"]],
    [1_050, ["v1"]],
    [1_313, []],
  ]);
  // where two lines meet, the modes are equal in a narrow segment, and not from there on
  const falling = contender("v1", 1_000, [point(10, 1), point(1_000, 0.5)]);
  const meeting = contender("v2", 1_000, [point(10, 1.04), point(1_000, 1)]);
  expect(rangesOf(falling, meeting).slice(0, -1)).toEqual([[1_000, ["v1"]]]);
});

test("lists both ranges of a mode that is the cheapest twice", () => {
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
