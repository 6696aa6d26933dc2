/** Retention while orders are stored, counted and read: nothing is lost and nothing is counted twice. */
import { expect, test } from "vitest";
import { numberOf } from "../../dev/system/database.ts";
import { someOrders } from "../../test/fresh.ts";
import { uncounted } from "../modes/direct/stored-orders.ts";
import { makeWeeks, ordersOf, partitions, retainNow } from "./retention.fixture.ts";
import { countOrders, openTestPool, store, tick, untilStoredCounted } from "./store.fixture.ts";

const pool = await openTestPool(12);

test("drops twenty weeks by two concurrent runs while every batch is delivered twice", async () => {
  await makeWeeks(pool, 240, 100);
  const old = Array.from({ length: 20 }, (_, week) => ordersOf(100 + 7 * week, 50));
  for (const orders of old) await countOrders(pool, orders);
  await store(pool, ordersOf(150, 60, 999));
  const weeks = (await partitions(pool)).length;
  let sent = old.length * 50 + 60;
  let seed = 1;
  let stopped = false;
  const repeat = async (work: (seed: number) => Promise<number>): Promise<void> => {
    while (!stopped) {
      const orders = await work(seed++);
      sent += orders;
    }
  };
  const countTwice = (part: number) =>
    repeat(async (next) => {
      const orders = someOrders(200, next);
      await countOrders(pool, orders, part);
      await countOrders(pool, orders, part + 1);
      return orders.length;
    });
  const storing = () => repeat(async (next) => (await store(pool, someOrders(100, next))).size);
  const ticking = repeat(async () => {
    await tick(pool);
    await uncounted(pool, 1_000_000);
    return 0;
  });
  const load = [countTwice(0), countTwice(4), storing(), storing(), ticking];
  const outcomes = [];
  const longDays = { minutesKeepDays: 300 };
  for (let round = 0; round < 10; round++) {
    const both = await Promise.all([retainNow(pool, longDays), retainNow(pool, longDays)]);
    outcomes.push(...both.flatMap((each) => each ?? []));
  }
  stopped = true;
  await Promise.all(load);
  await untilStoredCounted(pool);
  await retainNow(pool, longDays);

  const dropped = outcomes.filter(({ fate }) => fate === "dropped").map(({ relation }) => relation);
  expect(new Set(dropped).size).toBe(dropped.length);
  expect(dropped.length).toBeGreaterThanOrEqual(19);
  expect((await partitions(pool)).length).toBeLessThanOrEqual(weeks - 19);
  for (const rollup of ["minute", "hour", "hour_store", "hour_drink", "day"])
    expect(await numberOf(pool, `SELECT sum(orders) FROM rollup_${rollup}`), rollup).toBe(sent);
});
