import { afterEach, expect, test } from "vitest";
import type { Log } from "#shared/ports.ts";
import type { Pool } from "#shared/store/pool.ts";
import { count, keeps, makeWeeks, ordersOf, partitions } from "#shared/store/retention.fixture.ts";
import { numberOf } from "../../dev/faults/recount.ts";
import { freshDatabase, poolOn, until } from "../../test/fresh.ts";
import { openKeeper } from "./keeper.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (let close = closers.pop(); close; close = closers.pop()) await close();
});

const start = (pool: Pool) => {
  const told: string[] = [];
  const tell = (_: object, message: string): void => void told.push(message);
  const log: Log = { info: tell, warn: tell, error: tell };
  const keeper = openKeeper(pool, keeps, log);
  closers.push(() => keeper.close());
  return { told, keeper };
};
const doneAt = (pool: Pool): Promise<number> =>
  numberOf(pool, "SELECT coalesce(extract(epoch FROM nullif(done_at, '-infinity')), 0) FROM retention");

test("workers that start make the coming weeks, and drop what is old once a day", async () => {
  const pool = poolOn(await freshDatabase(), 8);
  closers.push(() => pool.end());
  await makeWeeks(pool, 120, 100);
  await count(pool, ordersOf(110, 5));
  const weeks = await partitions(pool);
  const newest = weeks.filter((name) => name !== "orders_default").at(-1) ?? "";
  await pool.query(`DROP TABLE ${newest}`);
  const keepers = [start(pool), start(pool), start(pool)];
  await until("it is done", async () => (await doneAt(pool)) > 0);
  await until("the coming weeks are made", async () => (await partitions(pool)).includes(newest));
  expect(await numberOf(pool, "SELECT count(*) FROM orders")).toBe(0);
  const first = await doneAt(pool);
  await Promise.all(keepers.map(({ keeper }) => keeper.close()));
  expect(keepers.flatMap(({ told }) => told).every((message) => message.includes("is dropped"))).toBe(true);

  await pool.query("UPDATE retention SET orders_floor = '-infinity'");
  await pool.query("ALTER TABLE orders_default DROP CONSTRAINT not_older_than_the_orders_kept");
  await count(pool, ordersOf(110, 5));
  await pool.query(`DROP TABLE ${newest}`);
  const later = start(pool);
  await until("the coming weeks are made", async () => (await partitions(pool)).includes(newest));
  await later.keeper.close();
  expect(await doneAt(pool)).toBe(first);
  expect(await numberOf(pool, "SELECT count(*) FROM orders")).toBe(5);
});

test("without PostgreSQL it tells, and closes at once", async () => {
  const pool = poolOn("postgres://postgres@127.0.0.1:1/nowhere");
  closers.push(() => pool.end());
  const { told, keeper } = start(pool);
  await until("it tells", () => told.length > 0);
  expect(told).toEqual([expect.stringContaining("trying again")]);
  const started = Date.now();
  await keeper.close();
  expect(Date.now() - started).toBeLessThan(900);
});
