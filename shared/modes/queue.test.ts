import { beforeEach, expect, test } from "vitest";
import { openQueue, type Waiter } from "./queue.ts";

type Call = Waiter<number, string>;

let now: number;
let queue: ReturnType<typeof openQueue<number, string>>;
beforeEach(() => {
  now = 1_000;
  queue = openQueue({ maxItems: 1_000_000, maxQueued: 1_000_000 }, () => now);
});

/** Adds calls of this many items each, and starts a write of all that is queued. */
const startWrite = (calls: number, items = 1): readonly Call[] => {
  for (let call = 0; call < calls; call++)
    queue.push({
      items: Array(items).fill(0),
      addedAt: now,
      resolve: () => undefined,
      reject: () => undefined,
      isLate: false,
    });
  return queue.startWrite();
};
/** The backend answers this many of their items, by default all. */
const endWrite = (group: readonly Call[], answered = group.flatMap(({ items }) => items).length): void =>
  queue.endWrite(group, answered);
const isTooSlowAfter = (ms: number): boolean => {
  now += ms;
  return queue.isTooSlow();
};

test("admits a burst of 50 ms, however large", () => {
  startWrite(5_000);
  expect(isTooSlowAfter(50)).toBe(false);
  expect(isTooSlowAfter(1)).toBe(true);
});

test("counts queued calls and those in flight", () => {
  startWrite(33);
  expect(isTooSlowAfter(60)).toBe(false);
  for (const group of [startWrite(31), startWrite(1)]) expect(group).not.toEqual([]);
  expect(queue.isTooSlow()).toBe(true);
});

test("admits 64 orders however slow the backend is, and more only when 250 ms are enough for them", () => {
  startWrite(64);
  expect(isTooSlowAfter(60)).toBe(false);
  startWrite(1);
  expect(isTooSlowAfter(0)).toBe(true);
  endWrite(startWrite(400));
  expect(isTooSlowAfter(0)).toBe(false);
  startWrite(35);
  expect(isTooSlowAfter(0)).toBe(false);
  startWrite(1);
  expect(isTooSlowAfter(0)).toBe(true);
});

test("does not take a backend that pauses for a moment for a slow one", () => {
  const [perTick, tickMs] = [10, 10];
  for (let ms = 0; ms < 2_000; ms += tickMs) {
    endWrite(startWrite(perTick));
    now += tickMs;
  }
  const slowAfterMs = [];
  for (let ms = 0; ms <= 400; ms += tickMs) {
    startWrite(perTick);
    if (isTooSlowAfter(tickMs)) slowAfterMs.push(ms);
  }
  expect(slowAfterMs[0]).toBeGreaterThanOrEqual(150);
  expect(slowAfterMs[0]).toBeLessThanOrEqual(250);
  expect(slowAfterMs.at(-1)).toBe(400);
});

test("counts orders, not calls, but admits four large batches", () => {
  startWrite(4, 1_000);
  expect(isTooSlowAfter(1_000)).toBe(false);
  startWrite(1, 1_000);
  expect(isTooSlowAfter(0)).toBe(true);
  endWrite(startWrite(20, 1_000));
  expect(isTooSlowAfter(0)).toBe(false);
});

test("is too slow while a write hangs, and no longer when it ends", () => {
  endWrite(startWrite(1_000));
  const hanging = startWrite(65);
  expect(isTooSlowAfter(2_000)).toBe(true);
  endWrite(hanging);
  expect(isTooSlowAfter(0)).toBe(false);
});

test("does not count orders as written that the backend did not answer", () => {
  endWrite(startWrite(1_000), 0);
  startWrite(65);
  expect(isTooSlowAfter(60)).toBe(true);
});

test("does not count orders written more than 2 s ago", () => {
  endWrite(startWrite(1_000));
  now += 2_010;
  startWrite(65);
  expect(isTooSlowAfter(60)).toBe(true);
});
