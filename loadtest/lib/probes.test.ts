import { expect, test } from "vitest";
import { openProbes } from "./probes.ts";

const WITHIN_MS = 65_000;
const showing = (...counts: [string, number][]) => new Map(counts);
const opened = (...counts: [string, number][]) => {
  const probes = openProbes(WITHIN_MS);
  probes.shown("10:00", showing(...counts), 0);
  return probes;
};

test("nothing is sent before a dashboard was seen", () => {
  const probes = openProbes(WITHIN_MS);
  expect(probes.begin("a", 0)).toBe(false);
  probes.shown("10:00", showing(), 5);
  expect(probes.begin("a", 6)).toBe(true);
});

test("an order is visible when its store shows one more than before, and not earlier", () => {
  const probes = opened(["a", 7]);
  expect(probes.begin("a", 100)).toBe(true);
  expect(probes.shown("10:00", showing(["a", 7], ["b", 1]), 150)).toEqual([]);
  expect(probes.underWay()).toBe(1);
  expect(probes.shown("10:00", showing(["a", 8]), 180)).toEqual([{ freshnessMs: 80 }]);
  expect(probes.underWay()).toBe(0);
});

test("a store has one order under way at a time, others are free", () => {
  const probes = opened();
  expect([probes.begin("a", 1), probes.begin("a", 2), probes.begin("b", 3)]).toEqual([true, false, true]);
  expect(probes.shown("10:00", showing(["a", 1], ["b", 1]), 10)).toEqual([
    { freshnessMs: 9 },
    { freshnessMs: 7 },
  ]);
  expect(probes.begin("a", 11)).toBe(true);
});

test("a refused order frees its store", () => {
  const probes = opened();
  probes.begin("a", 1);
  probes.refused("a");
  expect(probes.begin("a", 2)).toBe(true);
  expect(probes.shown("10:00", showing(["a", 1]), 5)).toEqual([{ freshnessMs: 3 }]);
});

test("of an unknown one nothing is concluded, and its store waits until it cannot come any more", () => {
  const probes = opened();
  probes.begin("a", 0);
  probes.unknown("a");
  expect(probes.shown("10:00", showing(["a", 1]), 10)).toEqual([]);
  expect(probes.begin("a", 11)).toBe(false);
  expect(probes.missed(WITHIN_MS)).toBe(0);
  expect(probes.begin("a", WITHIN_MS + 1)).toBe(true);
});

test("one that is not seen in time is missed once, and frees its store when it comes after all", () => {
  const probes = opened();
  probes.begin("a", 1_000);
  expect(probes.missed(1_000 + WITHIN_MS - 1)).toBe(0);
  expect(probes.missed(1_000 + WITHIN_MS)).toBe(1);
  expect(probes.missed(2_000 + WITHIN_MS)).toBe(0);
  expect(probes.underWay()).toBe(0);
  expect(probes.begin("a", 70_000)).toBe(false);
  expect(probes.shown("10:00", showing(["a", 1]), 80_000)).toEqual([]);
  expect(probes.begin("a", 80_001)).toBe(true);
});

test("with the hour counts begin anew, and what is under way is given up", () => {
  const probes = opened(["a", 41]);
  probes.begin("a", 1);
  expect(probes.shown("11:00", showing(["a", 1]), 20)).toEqual([]);
  expect(probes.underWay()).toBe(0);
  // it may still be counted in the new hour, where the next one would be taken for it
  expect(probes.begin("a", 21)).toBe(false);
  expect(probes.begin("b", 22)).toBe(true);
  expect(probes.shown("11:00", showing(["a", 1], ["b", 1]), 40)).toEqual([{ freshnessMs: 18 }]);
  expect(probes.missed(WITHIN_MS + 1)).toBe(0);
  expect(probes.begin("a", WITHIN_MS + 2)).toBe(true);
  expect(probes.shown("11:00", showing(["a", 2]), WITHIN_MS + 7)).toEqual([{ freshnessMs: 5 }]);
});
