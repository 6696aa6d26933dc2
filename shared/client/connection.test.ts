import { expect, test } from "vitest";
import { retryDelayMs } from "./connection.ts";

const SPREAD = Array.from({ length: 101 }, (_, index) => index / 100);
const delays = (early: number, late: number): number[] =>
  SPREAD.map((random) => retryDelayMs({ early, late }, random));

test("clients that lose their connections together make their first attempts over more than a second", () => {
  expect([Math.min(...delays(0, 0)), Math.max(...delays(0, 0))]).toEqual([0, 1_200]);
});

test("in a short outage the next attempt comes within 1.2 s, and never at once", () => {
  for (const early of [1, 2, 50]) {
    expect(Math.min(...delays(early, 0))).toBe(600);
    expect(Math.max(...delays(early, 0))).toBe(1_200);
  }
});

test("in a long outage the wait doubles up to 15 s", () => {
  const longest = [1, 2, 3, 4, 5, 50].map((late) => Math.max(...delays(60, late)));
  expect(longest).toEqual([2_400, 4_800, 9_600, 15_000, 15_000, 15_000]);
  expect(Math.min(...delays(60, 50))).toBe(7_500);
});

test("waits are spread evenly, so that attempts do not come together", () => {
  const between = delays(5, 0).map((delay, index, all) => delay - (all[index - 1] ?? delay));
  expect(Math.max(...between)).toBeLessThan(7);
});
