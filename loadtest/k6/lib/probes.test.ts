import { expect, test } from "vitest";
import { openProbes } from "./probes.ts";

const WITHIN_MS = 65_000;
const showing = (...counts: [string, number][]) => new Map(counts);
const opened = (...counts: [string, number][]) => {
  const probes = openProbes(WITHIN_MS);
  probes.shown("10:00", showing(...counts), 0);
  return probes;
};

test("sends nothing before the first dashboard", () => {
  const probes = openProbes(WITHIN_MS);
  expect(probes.begin("a", 0)).toBe(false);
  probes.shown("10:00", showing(), 5);
  expect(probes.begin("a", 6)).toBe(true);
});

test("reports an order as visible when its store shows one more than before", () => {
  const probes = opened(["a", 7]);
  expect(probes.begin("a", 100)).toBe(true);
  expect(probes.shown("10:00", showing(["a", 7], ["b", 1]), 150)).toEqual([]);
  expect(probes.pending()).toBe(1);
  expect(probes.shown("10:00", showing(["a", 8]), 180)).toEqual([{ freshnessMs: 80 }]);
  expect(probes.pending()).toBe(0);
});

test("has one pending order for each store", () => {
  const probes = opened();
  expect([probes.begin("a", 1), probes.begin("a", 2), probes.begin("b", 3)]).toEqual([true, false, true]);
  expect(probes.shown("10:00", showing(["a", 1], ["b", 1]), 10)).toEqual([
    { freshnessMs: 9 },
    { freshnessMs: 7 },
  ]);
  expect(probes.begin("a", 11)).toBe(true);
});

test("frees the store of a refused order", () => {
  const probes = opened();
  probes.begin("a", 1);
  probes.refused("a");
  expect(probes.begin("a", 2)).toBe(true);
  expect(probes.shown("10:00", showing(["a", 1]), 5)).toEqual([{ freshnessMs: 3 }]);
});

test("keeps the store of an unknown order busy until its time is over", () => {
  const probes = opened();
  probes.begin("a", 0);
  probes.unknown("a");
  expect(probes.shown("10:00", showing(["a", 1]), 10)).toEqual([]);
  expect(probes.begin("a", 11)).toBe(false);
  expect(probes.missed(WITHIN_MS)).toBe(0);
  expect(probes.begin("a", WITHIN_MS + 1)).toBe(true);
});

test("counts an order as missed once, and frees its store when the order is shown after all", () => {
  const probes = opened();
  probes.begin("a", 1_000);
  expect(probes.missed(1_000 + WITHIN_MS - 1)).toBe(0);
  expect(probes.missed(1_000 + WITHIN_MS)).toBe(1);
  expect(probes.missed(2_000 + WITHIN_MS)).toBe(0);
  expect(probes.pending()).toBe(0);
  expect(probes.begin("a", 70_000)).toBe(false);
  expect(probes.shown("10:00", showing(["a", 1]), 80_000)).toEqual([]);
  expect(probes.begin("a", 80_001)).toBe(true);
});

test("drops pending orders when the hour changes", () => {
  const probes = opened(["a", 41]);
  probes.begin("a", 1);
  expect(probes.shown("11:00", showing(["a", 1]), 20)).toEqual([]);
  expect(probes.pending()).toBe(0);
  // it may still be counted in the new hour, where the next one would be taken for it
  expect(probes.begin("a", 21)).toBe(false);
  expect(probes.begin("b", 22)).toBe(true);
  expect(probes.shown("11:00", showing(["a", 1], ["b", 1]), 40)).toEqual([{ freshnessMs: 18 }]);
  expect(probes.missed(WITHIN_MS + 1)).toBe(0);
  expect(probes.begin("a", WITHIN_MS + 2)).toBe(true);
  expect(probes.shown("11:00", showing(["a", 2]), WITHIN_MS + 7)).toEqual([{ freshnessMs: 5 }]);
});
