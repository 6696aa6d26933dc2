import { beforeEach, expect, test } from "vitest";
import { numberOf } from "../../dev/system/database.ts";
import { freshDatabase, poolOn, until } from "../../test/fresh.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../domain/time.ts";
import { adoptRestored } from "../modes/direct/count-stored.ts";
import { readBoard } from "./board-read.ts";
import { storeLetter } from "./dead-letters.ts";
import { isPoison } from "./errors.ts";
import type { Pool } from "./pool.ts";
import {
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
import { countOrders, store, untilStoredCounted, whileHeld } from "./store.fixture.ts";

let pool: Pool;
beforeEach(async () => {
  const opened = poolOn(await freshDatabase(), 6);
  pool = opened;
  return () => opened.end();
});

const ROLLUPS = ["rollup_minute", "rollup_hour", "rollup_hour_store", "rollup_hour_drink", "rollup_day"];
const figures = async (): Promise<unknown[]> => {
  const all = ROLLUPS.map((table) => `SELECT '${table}', bucket, mode, orders, revenue_cents FROM ${table}`);
  return (await pool.query({ text: `${all.join(" UNION ALL ")} ORDER BY 1, 2, 3, 4, 5`, rowMode: "array" }))
    .rows;
};
const total = (): Promise<number> => numberOf(pool, "SELECT coalesce(sum(orders), 0) FROM rollup_day");
const ordersLeft = (): Promise<number> => numberOf(pool, "SELECT count(*) FROM orders");
const TOO_OLD = /not_older_than_the_orders_kept/;

test("drops the weeks of orders that have expired as a whole, and none newer", async () => {
  await makeWeeks(pool, 130, 85);
  for (const days of [130, 105, 98, 96, 90, 89, 60, 1, 0]) await countOrders(pool, ordersOf(days, 3));
  const before = await partitions(pool);
  const outcomes = await retainNow(pool);
  const cut = Date.now() - keeps.ordersKeepDays * DAY_MS;
  const kept = await pool.query<{ ms: number }>(
    "SELECT ('x' || left(replace(order_id::text, '-', ''), 12))::bit(48)::bigint::float8 AS ms FROM orders",
  );
  const ages = kept.rows.map(({ ms }) => ms);
  expect(ages.filter((ms) => ms >= cut)).toHaveLength(4 * 3);
  // a week that starts before the cut and ends after it stays whole
  for (const ms of ages) expect(ms).toBeGreaterThanOrEqual(cut - 7 * DAY_MS);
  const dropped = outcomes?.filter(({ fate }) => fate === "dropped").map(({ relation }) => relation) ?? [];
  expect(dropped.length).toBeGreaterThanOrEqual(4);
  expect(await partitions(pool)).toEqual(before.filter((name) => !dropped.includes(name)));
  // 130, 105 and 98 days ago are in weeks that ended by then; 90 and 96 depend on the day of the week
  expect(await ordersLeft()).toBeLessThanOrEqual(6 * 3);
  expect(await total()).toBe(9 * 3);
});

test("records the latest event dropped in `dropped`, which never goes down", async () => {
  await makeWeeks(pool, 130, 100);
  const [late = expect.fail("an order")] = ordersOf(120, 1);
  const eventTimeMs = Date.now() - 95 * DAY_MS;
  await countOrders(pool, [...ordersOf(110, 5), { ...late, eventTimeMs }]);
  await retainNow(pool);
  expect((await droppedUntil(pool))["orders"]).toBe(eventTimeMs);
  await pool.query("UPDATE retention SET orders_floor = '-infinity'");
  await pool.query("ALTER TABLE orders_default DROP CONSTRAINT not_older_than_the_orders_kept");
  await makeWeeks(pool, 130, 120);
  await countOrders(pool, ordersOf(121, 2));
  await retainNow(pool);
  expect((await droppedUntil(pool))["orders"]).toBe(eventTimeMs);
});

test("rejects a redelivered batch as poison after its orders were dropped, and counts nothing", async () => {
  await makeWeeks(pool, 120, 100);
  const old = ordersOf(110, 20);
  expect((await countOrders(pool, old)).orders).toBe(20);
  expect((await countOrders(pool, old)).duplicates).toBe(20);
  await retainNow(pool);
  expect(await ordersLeft()).toBe(0);
  const before = await figures();
  const again = await countOrders(pool, old, 3).catch((error: unknown) => error);
  expect(isPoison(again)).toBe(true);
  expect(String(again)).toMatch(TOO_OLD);
  await expect(store(pool, old)).rejects.toThrow(TOO_OLD);
  expect(await figures()).toEqual(before);
  // the dropped weeks are not created again
  await makeWeeks(pool, 130, 80);
  await expect(countOrders(pool, old)).rejects.toThrow(TOO_OLD);
});

test("keeps a partition while it contains uncounted orders of v1", async () => {
  await makeWeeks(pool, 120, 100);
  await store(pool, ordersOf(110, 7));
  const kept = (await retainNow(pool))?.find(({ fate }) => fate === "uncounted");
  expect(kept?.relation).toMatch(/^orders_\d{8}$/);
  // checked again under the lock, for an order that was stored meanwhile
  const { rows } = await pool.query("SELECT drop_order_partition($1, now()) AS dropped", [kept?.relation]);
  expect(rows).toEqual([{ dropped: false }]);
  expect(await ordersLeft()).toBe(7);
  await untilStoredCounted(pool);
  expect(await retainNow(pool)).toContainEqual(expect.objectContaining({ fate: "dropped" }));
  expect([await ordersLeft(), await total()]).toEqual([0, 7]);
});

test("deletes counted orders of the default partition by rows", async () => {
  await countOrders(pool, ordersOf(120, 12_000));
  await store(pool, ordersOf(121, 4));
  await countOrders(pool, ordersOf(50, 3));
  const deleted = { relation: "orders_default", amount: "12000 rows", fate: "dropped" };
  expect(await retainNow(pool)).toContainEqual(deleted);
  expect(await ordersLeft()).toBe(7);
  await untilStoredCounted(pool);
  await retainNow(pool);
  expect([await ordersLeft(), await total()]).toEqual([3, 12_007]);
});

test("lets a restored database be adopted while orders below the floor are still stored", async () => {
  await store(pool, ordersOf(120, 4));
  await retainNow(pool);
  expect(await ordersLeft()).toBe(4);
  await pool.query("UPDATE meta SET system_identifier = 1");
  expect(await adoptRestored(pool, { source: "v1", part: 0 })).toMatchObject({ orders: 4 });
  await expect(countOrders(pool, ordersOf(119, 1))).rejects.toThrow(TOO_OLD);
  await retainNow(pool);
  expect(await ordersLeft()).toBe(0);
});

test("deletes the expired buckets of each rollup by its own setting", async () => {
  // hours expire by whole days: one of 2.5 days ago would be deleted in the morning and kept in the evening
  for (const days of [0, 0.9, 1.2, 3.2, 40, 80]) await countOrders(pool, ordersOf(days, 5, days * 10 + 1));
  await retainNow(pool, { minutesKeepDays: 1, hoursKeepDays: 2, daysKeepDays: 60 });
  const buckets = (table: string) => numberOf(pool, `SELECT count(DISTINCT bucket) FROM ${table}`);
  expect(await buckets("rollup_minute")).toBe(2);
  for (const table of ["rollup_hour", "rollup_hour_store", "rollup_hour_drink"])
    expect(await buckets(table)).toBe(3);
  const until = await droppedUntil(pool);
  const distance = (rollup: string, daysAgo: number, width: number): number => {
    const ms = Date.now() - daysAgo * DAY_MS;
    return Math.abs((until[rollup] ?? 0) - (ms - (ms % width) + width));
  };
  expect(distance("rollup_minute", 1.2, MINUTE_MS)).toBeLessThanOrEqual(MINUTE_MS);
  expect(distance("rollup_hour", 3.2, HOUR_MS)).toBeLessThanOrEqual(HOUR_MS);
  expect(until["rollup_hour"]).toBe(until["rollup_hour_store"]);
  expect(distance("rollup_day", 80, DAY_MS)).toBe(0);
  expect(until["dead_letters"]).toBeUndefined();
});

test("deletes expired dead letters", async () => {
  const letter = { source: "v2", origin: "1", index: 0, payload: "x", reason: "22P02", detail: "not JSON" };
  for (const origin of ["1", "2", "3"]) await storeLetter(pool, { ...letter, origin });
  await pool.query(
    "UPDATE dead_letters SET set_aside_at = now() - interval '2200 hours' WHERE origin <> '3'",
  );
  expect(await retainNow(pool)).toEqual([{ relation: "dead_letters", amount: "2 rows", fate: "dropped" }]);
  expect(await numberOf(pool, "SELECT count(*) FROM dead_letters")).toBe(1);
  expect((await droppedUntil(pool))["dead_letters"]).toBeLessThan(Date.now() - 2_199 * HOUR_MS);
});

test("does not change the board", async () => {
  await makeWeeks(pool, 120, 85);
  for (const days of [0, 0.01, 1, 12, 28, 29, 33, 95, 110]) await countOrders(pool, ordersOf(days, 40));
  const steadyBoard = async () => {
    const { asOfUs: _, storesAsOfUs: __, ...board } = await readBoard(pool, null, []);
    expect(board.views["all"]?.topDrinks.length).toBeGreaterThan(0);
    return JSON.parse(JSON.stringify(board, (key, value) => (/^(rate|freshness)/.test(key) ? null : value)));
  };
  const before = await steadyBoard();
  await retainNow(pool, { minutesKeepDays: 1, hoursKeepDays: 1, daysKeepDays: 31, ordersKeepDays: 38 });
  expect(await ordersLeft()).toBeLessThan(9 * 40);
  expect(await steadyBoard()).toEqual(before);
});

test("lists in a dry run what would be dropped, and changes nothing", async () => {
  await makeWeeks(pool, 120, 100);
  await countOrders(pool, ordersOf(110, 5));
  await store(pool, ordersOf(117, 5));
  await countOrders(pool, ordersOf(140, 5));
  const everything = async (): Promise<unknown[]> => [
    await partitions(pool),
    await figures(),
    await ordersLeft(),
    await droppedUntil(pool),
    (await pool.query("SELECT * FROM retention")).rows,
  ];
  const before = await everything();
  const listed = (await dryRun(pool)) ?? [];
  expect(listed).toContainEqual({ relation: "orders_default", amount: "5 rows", fate: "would be dropped" });
  expect(listed.map(({ fate }) => fate)).toContain("uncounted");
  expect(listed.map(({ relation }) => relation)).toContain("rollup_minute");
  expect(await everything()).toEqual(before);
  await countOrders(pool, ordersOf(139, 1));
});

test("runs in one process at a time, and when due only once a day", async () => {
  await whileHeld(pool, `SELECT pg_advisory_lock(${schemaLock("retention")})`, async () =>
    expect(await retainNow(pool)).toBeNull(),
  );
  const due = () => retain(pool, keeps, { signal: new AbortController().signal, ifDue: true });
  let done = 0;
  await until("PostgreSQL notices the end of the holder's session", async () => {
    done = (await Promise.all([due(), due()])).filter((outcomes) => outcomes !== null).length;
    return done > 0;
  });
  expect(done).toBe(1);
  expect(await due()).toBeNull();
  await pool.query("UPDATE retention SET done_at = now() - interval '25 hours'");
  expect(await due()).toEqual([]);
});

test("does not disturb a long read of all orders: they are dropped the next time", async () => {
  await makeWeeks(pool, 120, 100);
  await countOrders(pool, ordersOf(110, 5));
  await whileHeld(pool, "LOCK TABLE orders IN ACCESS SHARE MODE", async () => {
    const stopping = new AbortController();
    const busy = retain(pool, keeps, { signal: stopping.signal });
    // between its attempts orders are counted
    for (let seed = 1; seed <= 10; seed++) await countOrders(pool, ordersOf(0, 5, seed));
    stopping.abort();
    await expect(busy).rejects.toThrow();
    expect(await ordersLeft()).toBe(55);
  });
  let outcomes: Outcome[] | null = null;
  await until("PostgreSQL notices the end of both sessions", async () => {
    outcomes = await retainNow(pool);
    return outcomes?.some(({ fate }) => fate === "dropped") ?? false;
  });
  expect(await ordersLeft()).toBe(50);
});
