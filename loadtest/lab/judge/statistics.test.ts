import { expect, test } from "vitest";
import { randomFrom } from "../../../shared/domain/random.ts";
import { intervalOf, medianOf, percentileOf, percentilesOf, ratioOf } from "./statistics.ts";

test("the median is the middle, or between the two in the middle, in whatever order", () => {
  expect(medianOf([9, 1, 5])).toBe(5);
  expect(medianOf([10, 2, 4, 100])).toBe(7);
  expect(() => medianOf([])).toThrow("no values");
});

test("a percentile is a value that was there", () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect(percentileOf(hundred, 0.99)).toBe(99);
  expect(percentileOf(hundred, 0.5)).toBe(50);
  expect(percentileOf(hundred, 1)).toBe(100);
  expect(percentileOf([], 0.5)).toBeNaN();
  expect(percentilesOf([3, 1, 2])).toEqual({ p50: 2, p90: 3, p95: 3, p99: 3, p999: 3, max: 3, count: 3 });
  expect(percentilesOf([]).count).toBe(0);
});

test("few values give their span, and say so", () => {
  expect(intervalOf([5, 3, 9])).toEqual({ low: 3, high: 9, by: "min..max", count: 3 });
  expect(intervalOf([4])).toEqual({ low: 4, high: 4, by: "min..max", count: 1 });
  expect(() => intervalOf([])).toThrow("no values");
});

test("the bootstrap is the same again, and holds the true median about 95 times of 100", () => {
  const random = randomFrom(7);
  const drawn = (): number[] => Array.from({ length: 15 }, () => random.gap(10));
  const values = drawn();
  expect(intervalOf(values)).toEqual(intervalOf(values));
  expect(intervalOf(values).by).toBe("bootstrap 95 %");
  const trueMedian = 10 * Math.log(2);
  const held = Array.from({ length: 60 }, () => intervalOf(drawn())).filter(
    ({ low, high }) => low <= trueMedian && trueMedian <= high,
  ).length;
  expect(held).toBeGreaterThan(50);
});

test("a ratio of many values finds a difference, and none where there is none", () => {
  const random = randomFrom(3);
  const about = (middle: number): number[] =>
    Array.from({ length: 12 }, () => middle * (0.9 + 0.2 * random.next()));
  const twice = ratioOf(about(20), about(10));
  expect(twice.ratio).toBeCloseTo(2, 0);
  expect(twice.interval.low).toBeGreaterThan(1.5);
  const same = ratioOf(about(10), about(10)).interval;
  expect(same.low).toBeLessThan(1);
  expect(same.high).toBeGreaterThan(1);
});

test("a ratio of few values spans every pair of them", () => {
  const { ratio, interval } = ratioOf([10, 12], [4, 5]);
  expect(ratio).toBeCloseTo(11 / 4.5);
  expect(interval).toEqual({ low: 2, high: 3, by: "min..max", count: 2 });
});
