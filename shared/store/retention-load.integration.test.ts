/** Retention beside those who store, count and read: nothing is lost, nothing counted twice, and nobody waits for long. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { numberOf } from "../../dev/system/database.ts";
import { freshDatabase, poolOn, someOrders } from "../../test/fresh.ts";
import { countStored } from "../modes/direct/count-stored.ts";
import { storeOrders, uncounted } from "../modes/direct/stored-orders.ts";
import { encodeOrders } from "../wire/order-message.ts";
import type { Pool } from "./pool.ts";
import { count, countAllStored, makeWeeks, ordersOf, partitions, retainNow } from "./retention.fixture.ts";

/** Each attempt to drop may hold up everybody for 50 ms and the drop itself; a loaded machine takes its share. */
const LONGEST_WAIT_MS = 1_500;

let pool: Pool;
beforeAll(async () => {
  pool = poolOn(await freshDatabase(), 12);
});
afterAll(() => pool.end());

test("twenty weeks go twice at once under load, with every batch delivered twice", async () => {
  await makeWeeks(pool, 240, 100);
  const old = Array.from({ length: 20 }, (_, week) => ordersOf(100 + 7 * week, 50));
  for (const orders of old) await count(pool, orders);
  await storeOrders(pool, "v1", encodeOrders(ordersOf(150, 60, 999)));
  const weeks = (await partitions(pool)).length;
  let stopped = false;
  let sent = old.length * 50 + 60;
  let seed = 1;
  const waits: Record<string, number> = {};
  const timed = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const started = performance.now();
    const result = await work();
    waits[what] = Math.max(waits[what] ?? 0, performance.now() - started);
    return result;
  };
  const counting = async (part: number): Promise<void> => {
    while (!stopped) {
      const orders = someOrders(200, seed++);
      await timed("count", () => count(pool, orders, part));
      await timed("count", () => count(pool, orders, part + 1));
      sent += orders.length;
    }
  };
  const storing = async (): Promise<void> => {
    while (!stopped) {
      const orders = someOrders(100, seed++);
      await timed("store", () => storeOrders(pool, "v1", encodeOrders(orders)));
      sent += orders.length;
    }
  };
  const ticking = async (): Promise<void> => {
    while (!stopped) {
      await timed("tick", () => countStored(pool, { source: "v1", part: 0 }));
      await timed("lag", () => uncounted(pool, 1_000_000));
    }
  };
  const load = [counting(0), counting(4), storing(), storing(), ticking()];
  const outcomes = [];
  const longDays = { minutesKeepDays: 300 };
  for (let round = 0; round < 10; round++) {
    const both = await Promise.all([retainNow(pool, longDays), retainNow(pool, longDays)]);
    outcomes.push(...both.flatMap((each) => each ?? []));
  }
  stopped = true;
  await Promise.all(load);
  await countAllStored(pool);
  await retainNow(pool, longDays);

  const gone = outcomes.filter(({ fate }) => fate === "dropped").map(({ relation }) => relation);
  expect(new Set(gone).size).toBe(gone.length);
  expect(gone.length).toBeGreaterThanOrEqual(19);
  expect((await partitions(pool)).length).toBeLessThanOrEqual(weeks - 19);
  for (const rollup of ["minute", "hour", "hour_store", "hour_drink", "day"])
    expect(await numberOf(pool, `SELECT sum(orders) FROM rollup_${rollup}`), rollup).toBe(sent);
  for (const [what, ms] of Object.entries(waits)) expect(ms, what).toBeLessThan(LONGEST_WAIT_MS);
});
