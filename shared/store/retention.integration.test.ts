import { afterEach, beforeEach, expect, test } from "vitest";
import { numberOf } from "../../dev/system/database.ts";
import { freshDatabase, poolOn, until } from "../../test/fresh.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../domain/time.ts";
import { adoptRestored } from "../modes/direct/count-stored.ts";
import { storeOrders } from "../modes/direct/stored-orders.ts";
import { encodeOrders } from "../wire/order-message.ts";
import { readBoard } from "./board-read.ts";
import { setAside } from "./dead-letters.ts";
import { isPoison } from "./errors.ts";
import type { Pool } from "./pool.ts";
import {
  count,
  countAllStored,
  droppedUntil,
  dryRun,
  keeps,
  makeWeeks,
  ordersOf,
  partitions,
  retainNow,
} from "./retention.fixture.ts";
import { retain } from "./retention.ts";
import type { Outcome } from "./retention-rows.ts";
import { schemaLock } from "./schema.ts";

let databaseUrl: string;
let pool: Pool;
beforeEach(async () => {
  databaseUrl = await freshDatabase();
  const opened = poolOn(databaseUrl, 6);
  pool = opened;
  return () => opened.end();
});
const sessions: Pool[] = [];
afterEach(async () => {
  for (let session = sessions.pop(); session; session = sessions.pop()) await session.end();
});

const ROLLUPS = ["rollup_minute", "rollup_hour", "rollup_hour_store", "rollup_hour_drink", "rollup_day"];
const figures = async (): Promise<unknown[]> =>
  (
    await pool.query(
      ROLLUPS.map((table) => `SELECT '${table}' AS rollup, bucket, mode, orders, revenue_cents FROM ${table}`)
        .join(" UNION ALL ")
        .concat(" ORDER BY 1, 2, 3, 4, 5"),
    )
  ).rows;
const total = (): Promise<number> => numberOf(pool, "SELECT coalesce(sum(orders), 0) FROM rollup_day");
const ordersLeft = (): Promise<number> => numberOf(pool, "SELECT count(*) FROM orders");

test("weeks of orders go when all of them are old enough, and nothing newer does", async () => {
  await makeWeeks(pool, 130, 85);
  for (const days of [130, 105, 98, 96, 90, 89, 60, 1, 0]) await count(pool, ordersOf(days, 3));
  const before = await partitions(pool);
  const outcomes = await retainNow(pool);
  const cut = Date.now() - keeps.ordersKeepDays * DAY_MS;
  const kept = await pool.query<{ ms: number }>(
    "SELECT ('x' || left(replace(order_id::text, '-', ''), 12))::bit(48)::bigint::float8 AS ms FROM orders",
  );
  const ages = kept.rows.map(({ ms }) => ms);
  expect(ages.filter((ms) => ms >= cut)).toHaveLength(4 * 3);
  // a week that began before the cut and ends after it stays whole
  for (const ms of ages) expect(ms).toBeGreaterThanOrEqual(cut - 7 * DAY_MS);
  const gone = outcomes?.filter(({ fate }) => fate === "dropped").map(({ relation }) => relation) ?? [];
  expect(gone.length).toBeGreaterThanOrEqual(4);
  expect(await partitions(pool)).toEqual(before.filter((name) => !gone.includes(name)));
  // 130, 105 and 98 days ago are in weeks that ended by then; 90 and 96 depend on the day of the week
  expect(await ordersLeft()).toBeLessThanOrEqual(6 * 3);
  expect(await total()).toBe(9 * 3);
});

test("what went is told in `dropped`: the latest event of the orders, and it never goes down", async () => {
  await makeWeeks(pool, 130, 100);
  const old = ordersOf(110, 5);
  const late = { ...ordersOf(120, 1)[0], eventTimeMs: Date.now() - 95 * DAY_MS };
  await count(pool, [...old, late as (typeof old)[number]]);
  await retainNow(pool);
  const { orders } = await droppedUntil(pool);
  expect(orders).toBe(late.eventTimeMs);
  await pool.query("UPDATE retention SET orders_floor = '-infinity'");
  await pool.query("ALTER TABLE orders_default DROP CONSTRAINT not_older_than_the_orders_kept");
  await makeWeeks(pool, 130, 120);
  await count(pool, ordersOf(121, 2));
  await retainNow(pool);
  expect((await droppedUntil(pool))["orders"]).toBe(orders);
});

test("a batch that is delivered again after its orders were dropped counts nothing, and is poison", async () => {
  await makeWeeks(pool, 120, 100);
  const old = ordersOf(110, 20);
  expect((await count(pool, old)).orders).toBe(20);
  expect((await count(pool, old)).duplicates).toBe(20);
  await retainNow(pool);
  expect(await ordersLeft()).toBe(0);
  const before = await figures();
  const again = await count(pool, old, 3).catch((error: unknown) => error);
  expect(isPoison(again)).toBe(true);
  expect(String(again)).toMatch(/not_older_than_the_orders_kept/);
  // nor does v1 take it
  await expect(storeOrders(pool, "v1", encodeOrders(old))).rejects.toThrow(/not_older_than_the_orders_kept/);
  expect(await figures()).toEqual(before);
  // and nobody makes the dropped weeks again
  await makeWeeks(pool, 130, 80);
  await expect(count(pool, old)).rejects.toThrow(/not_older_than_the_orders_kept/);
});

test("a partition stays while v1 has orders to count in it", async () => {
  await makeWeeks(pool, 120, 100);
  await storeOrders(pool, "v1", encodeOrders(ordersOf(110, 7)));
  const kept = (await retainNow(pool))?.find(({ fate }) => fate === "uncounted");
  expect(kept?.relation).toMatch(/^orders_\d{8}$/);
  // also one that was stored after the look, when the lock is there
  const { rows } = await pool.query("SELECT drop_order_partition($1, now()) AS gone", [kept?.relation]);
  expect(rows).toEqual([{ gone: false }]);
  expect(await ordersLeft()).toBe(7);
  await countAllStored(pool);
  expect(await retainNow(pool)).toContainEqual(expect.objectContaining({ fate: "dropped" }));
  expect(await ordersLeft()).toBe(0);
  expect(await total()).toBe(7);
});

test("orders of the default partition go by rows, but for those still to be counted", async () => {
  await count(pool, ordersOf(120, 12_000));
  await storeOrders(pool, "v1", encodeOrders(ordersOf(121, 4)));
  await count(pool, ordersOf(50, 3));
  expect(await retainNow(pool)).toContainEqual({
    relation: "orders_default",
    amount: "12000 rows",
    fate: "dropped",
  });
  expect(await ordersLeft()).toBe(7);
  await countAllStored(pool);
  await retainNow(pool);
  expect(await ordersLeft()).toBe(3);
  expect(await total()).toBe(12_007);
});

test("a restored database is adopted also while orders below the floor wait to be deleted", async () => {
  await storeOrders(pool, "v1", encodeOrders(ordersOf(120, 4)));
  await retainNow(pool);
  expect(await ordersLeft()).toBe(4);
  await pool.query("UPDATE meta SET system_identifier = 1");
  expect(await adoptRestored(pool, { source: "v1", part: 0 })).toMatchObject({ orders: 4 });
  await expect(count(pool, ordersOf(119, 1))).rejects.toThrow(/not_older_than_the_orders_kept/);
  await retainNow(pool);
  expect(await ordersLeft()).toBe(0);
});

test("buckets go once they are over for so long, each rollup by its own days", async () => {
  // hours go by whole days: one of 2.5 days ago would go in the morning and stay in the evening
  for (const days of [0, 0.9, 1.2, 3.2, 40, 80]) await count(pool, ordersOf(days, 5, days * 10 + 1));
  await retainNow(pool, { minutesKeepDays: 1, hoursKeepDays: 2, daysKeepDays: 60 });
  const buckets = async (table: string): Promise<number> =>
    numberOf(pool, `SELECT count(DISTINCT bucket) FROM ${table}`);
  expect(await buckets("rollup_minute")).toBe(2);
  for (const table of ["rollup_hour", "rollup_hour_store", "rollup_hour_drink"])
    expect(await buckets(table)).toBe(3);
  const until = await droppedUntil(pool);
  const at = (days: number): number => Date.now() - days * DAY_MS;
  const bucketEnd = (ms: number, width: number): number => ms - (ms % width) + width;
  expect(Math.abs((until["rollup_minute"] ?? 0) - bucketEnd(at(1.2), MINUTE_MS))).toBeLessThanOrEqual(
    MINUTE_MS,
  );
  expect(until["rollup_hour"]).toBe(until["rollup_hour_store"]);
  expect(Math.abs((until["rollup_hour"] ?? 0) - bucketEnd(at(3.2), HOUR_MS))).toBeLessThanOrEqual(HOUR_MS);
  expect(until["rollup_day"]).toBe(bucketEnd(at(80), DAY_MS));
  expect(until["dead_letters"]).toBeUndefined();
});

test("dead letters go after their days", async () => {
  const letter = { source: "v2", origin: "1", index: 0, payload: "x", reason: "22P02", detail: "no JSON" };
  for (const origin of ["1", "2", "3"]) await setAside(pool, { ...letter, origin });
  await pool.query(
    "UPDATE dead_letters SET set_aside_at = now() - interval '2200 hours' WHERE origin <> '3'",
  );
  expect(await retainNow(pool)).toEqual([{ relation: "dead_letters", amount: "2 rows", fate: "dropped" }]);
  expect(await numberOf(pool, "SELECT count(*) FROM dead_letters")).toBe(1);
  expect((await droppedUntil(pool))["dead_letters"]).toBeLessThan(Date.now() - 2_199 * HOUR_MS);
});

test("the board is the same before and after", async () => {
  await makeWeeks(pool, 120, 85);
  for (const days of [0, 0.01, 1, 12, 28, 29, 33, 95, 110]) await count(pool, ordersOf(days, 40));
  const { asOfUs: _, storesAsOfUs: __, ...before } = await readBoard(pool, null, []);
  await retainNow(pool, { minutesKeepDays: 1, hoursKeepDays: 1, daysKeepDays: 31, ordersKeepDays: 38 });
  expect(await ordersLeft()).toBeLessThan(9 * 40);
  const { asOfUs: ___, storesAsOfUs: ____, ...after } = await readBoard(pool, null, []);
  const steady = (board: typeof before): unknown =>
    JSON.parse(JSON.stringify(board, (key, value) => (/^(rate|freshness)/.test(key) ? null : value)));
  expect(steady(after)).toEqual(steady(before));
  expect(before.views["all"]?.topDrinks.length).toBeGreaterThan(0);
});

test("a dry run tells what would go and changes nothing", async () => {
  await makeWeeks(pool, 120, 100);
  await count(pool, ordersOf(110, 5));
  await storeOrders(pool, "v1", encodeOrders(ordersOf(117, 5)));
  await count(pool, ordersOf(140, 5));
  const everything = async (): Promise<unknown[]> => [
    await partitions(pool),
    await figures(),
    await ordersLeft(),
    await droppedUntil(pool),
    (await pool.query("SELECT * FROM retention")).rows,
  ];
  const before = await everything();
  const told = (await dryRun(pool)) ?? [];
  expect(told).toContainEqual({ relation: "orders_default", amount: "5 rows", fate: "would be dropped" });
  expect(told.map(({ fate }) => fate)).toContain("uncounted");
  expect(told.map(({ relation }) => relation)).toContain("rollup_minute");
  expect(await everything()).toEqual(before);
  await count(pool, ordersOf(139, 1));
});

test("only one at a time, and when it is due only once a day", async () => {
  const held = poolOn(databaseUrl, 1);
  sessions.push(held);
  await held.query(`SELECT pg_advisory_lock(${schemaLock("retention")})`);
  expect(await retainNow(pool)).toBeNull();
  await held.query("SELECT pg_advisory_unlock_all()");
  const due = () => retain(pool, keeps, { signal: new AbortController().signal, ifDue: true });
  const both = await Promise.all([due(), due()]);
  expect(both.filter((outcomes) => outcomes !== null)).toHaveLength(1);
  expect(await due()).toBeNull();
  await pool.query("UPDATE retention SET done_at = now() - interval '25 hours'");
  expect(await due()).toEqual([]);
});

test("who reads all orders for long is not disturbed: they go the next time", async () => {
  await makeWeeks(pool, 120, 100);
  await count(pool, ordersOf(110, 5));
  const reader = poolOn(databaseUrl, 1);
  sessions.push(reader);
  await reader.query(
    "SET idle_in_transaction_session_timeout = 0; BEGIN; LOCK TABLE orders IN ACCESS SHARE MODE",
  );
  const stopping = new AbortController();
  const busy = retain(pool, keeps, { signal: stopping.signal });
  // meanwhile orders are stored and counted, between its attempts
  for (let seed = 1; seed <= 10; seed++) await count(pool, ordersOf(0, 5, seed));
  stopping.abort();
  await expect(busy).rejects.toThrow();
  expect(await ordersLeft()).toBe(55);
  await reader.query("COMMIT");
  let outcomes: Outcome[] | null = null;
  await until("the server knows that who was broken off has gone", async () => {
    outcomes = await retainNow(pool);
    return outcomes !== null;
  });
  expect(outcomes).toContainEqual(expect.objectContaining({ fate: "dropped" }));
  expect(await ordersLeft()).toBe(50);
});
