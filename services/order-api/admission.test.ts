import { beforeEach, expect, test } from "vitest";
import { type Admission, openAdmission } from "./admission.ts";

let now: number;
let admission: Admission;
beforeEach(() => {
  now = 1_000;
  admission = openAdmission(() => now);
});

/** So many requests of so many orders each. */
const enter = (requests: number, orders = 1): ((answered?: number) => void) => {
  const leave = Array.from({ length: requests }, () => admission.enter(orders));
  return (answered = orders) => {
    for (const each of leave) each(answered);
  };
};
const isFullAfter = (ms: number): boolean => {
  now += ms;
  return admission.isFull();
};

test("a burst comes in, however large", () => {
  enter(5_000);
  expect(isFullAfter(50)).toBe(false);
  expect(isFullAfter(1)).toBe(true);
});

test("few may wait a while, many only when as many are answered in a quarter of a second", () => {
  enter(64);
  expect(isFullAfter(60)).toBe(false);
  enter(1);
  expect(isFullAfter(0)).toBe(true);
  enter(400)();
  expect(isFullAfter(0)).toBe(false);
  enter(35);
  expect(isFullAfter(0)).toBe(false);
  enter(1);
  expect(isFullAfter(0)).toBe(true);
});

test("a backend that pauses for a moment is as fast as before", () => {
  const [perTick, tickMs] = [10, 10];
  for (let ms = 0; ms < 2_000; ms += tickMs) {
    enter(perTick)();
    now += tickMs;
  }
  const fullAfterMs = [];
  for (let ms = 0; ms <= 400; ms += tickMs) {
    enter(perTick);
    if (isFullAfter(tickMs)) fullAfterMs.push(ms);
  }
  expect(fullAfterMs[0]).toBeGreaterThanOrEqual(150);
  expect(fullAfterMs[0]).toBeLessThanOrEqual(250);
  expect(fullAfterMs.at(-1)).toBe(400);
});

test("orders are what counts: of large batches only a few wait", () => {
  enter(4, 1_000);
  expect(isFullAfter(1_000)).toBe(false);
  enter(1, 1_000);
  expect(isFullAfter(0)).toBe(true);
  enter(20, 1_000)();
  expect(isFullAfter(0)).toBe(false);
});

test("a backend that hangs closes its door to the many, and opens it when it answers", () => {
  enter(1_000)();
  const leave = enter(65);
  expect(isFullAfter(2_000)).toBe(true);
  leave();
  expect(isFullAfter(0)).toBe(false);
});

test("what was given up was not answered", () => {
  enter(1_000)(0);
  enter(65);
  expect(isFullAfter(60)).toBe(true);
});

test("what was answered long ago does not count", () => {
  enter(1_000)();
  now += 2_010;
  enter(65);
  expect(isFullAfter(60)).toBe(true);
});
