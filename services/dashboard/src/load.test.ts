import { expect, test } from "vitest";
import { answered, due, isLoadOver, LOAD_EVERY_MS, LOAD_SECONDS, startLoad } from "./load.ts";

test("the rate determines the orders due, and none are due after the end", () => {
  let load = startLoad(7, 5_000);
  let sum = 0;
  for (let now = 5_000; now < 5_000 + (LOAD_SECONDS + 10) * 1_000; now += LOAD_EVERY_MS) {
    const next = due(load, now, 0);
    load = next.load;
    sum += next.orders;
  }
  expect([sum, load.sent, load.skipped]).toEqual([7 * LOAD_SECONDS, 7 * LOAD_SECONDS, 0]);
  expect([isLoadOver(load, 5_000), isLoadOver(load, 5_000 + LOAD_SECONDS * 1_000)]).toEqual([false, true]);
});

test("orders that cannot be sent are skipped, not sent later in a burst", () => {
  const busy = due(startLoad(100, 0), 1_000, 4);
  expect([busy.orders, busy.load.skipped]).toEqual([0, 100]);
  expect(due(busy.load, 1_100, 0).orders).toBe(10);
});

test("a rejection pauses the mode for as long as the server asks", () => {
  const paused = answered(
    startLoad(100, 0),
    { rejected: 10, unconfirmed: 0, reason: "Too many pending.", retryAfterMs: 2_000 },
    500,
  );
  expect(paused).toMatchObject({ rejected: 10, reason: "Too many pending.", pausedUntilMs: 2_500 });
  expect(due(paused, 2_000, 0).orders).toBe(0);
  // at most one second's orders of those due meanwhile
  expect(due(paused, 2_500, 0)).toMatchObject({ orders: 100, load: { sent: 100, skipped: 150 } });
  expect(answered(paused, { accepted: 3, rejected: 1 }, 600)).toMatchObject({ accepted: 3, rejected: 11 });
});
