import { expect, test } from "vitest";
import { answered, due, isLoadOver, LOAD_EVERY_MS, LOAD_SECONDS, startLoad } from "./load.ts";

test("as many are due as the rate says, and no more after the end", () => {
  let load = startLoad(7, 5_000);
  let sum = 0;
  for (let now = 5_000; now < 5_000 + (LOAD_SECONDS + 10) * 1_000; now += LOAD_EVERY_MS) {
    const next = due(load, now, 0);
    load = next.load;
    sum += next.orders;
  }
  expect([sum, load.sent, load.dropped]).toEqual([7 * LOAD_SECONDS, 7 * LOAD_SECONDS, 0]);
  expect([isLoadOver(load, 5_000), isLoadOver(load, 5_000 + LOAD_SECONDS * 1_000)]).toEqual([false, true]);
});

test("what cannot go is dropped, not sent later in a burst", () => {
  const busy = due(startLoad(100, 0), 1_000, 4);
  expect([busy.orders, busy.load.dropped]).toEqual([0, 100]);
  expect(due(busy.load, 1_100, 0).orders).toBe(10);
});

test("a refusal pauses this mode for as long as the server asks", () => {
  const refused = answered(
    startLoad(100, 0),
    { refused: 10, unsure: 0, reason: "Too many wait.", retryAfterMs: 2_000 },
    500,
  );
  expect(refused).toMatchObject({ refused: 10, reason: "Too many wait.", pausedUntilMs: 2_500 });
  expect(due(refused, 2_000, 0).orders).toBe(0);
  // of what was due meanwhile a second's worth
  expect(due(refused, 2_500, 0)).toMatchObject({ orders: 100, load: { sent: 100, dropped: 150 } });
  expect(answered(refused, { accepted: 3, refused: 1 }, 600)).toMatchObject({ accepted: 3, refused: 11 });
});
