import { afterEach, expect, test } from "vitest";
import type { Log } from "#shared/ports.ts";
import type { Pool } from "#shared/store/pool.ts";
import { count, keeps, makeWeeks, ordersOf, partitions } from "#shared/store/retention.fixture.ts";
import { migrate } from "../../db/migrate.ts";
import { numberOf } from "../../dev/system/database.ts";
import { freshDatabase, freshName, poolOn, until } from "../../test/fresh.ts";
import { openKeeper } from "./keeper.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (let close = closers.pop(); close; close = closers.pop()) await close();
});

const start = (pool: Pool) => {
  const lines: (Record<string, unknown> & { message: string })[] = [];
  const write = (fields: object, message: string): void => void lines.push({ ...fields, message });
  const log: Log = { info: write, warn: write, error: write };
  const keeper = openKeeper(pool, keeps, log);
  closers.push(() => keeper.close());
  return { lines, keeper };
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
  const messages = new Set(keepers.flatMap(({ lines }) => lines.map(({ message }) => message)));
  expect([...messages]).toEqual(["dropped by retention"]);

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

test("without PostgreSQL it logs the failure, and closes at once", async () => {
  const pool = poolOn("postgres://postgres@127.0.0.1:1/nowhere");
  closers.push(() => pool.end());
  const { lines, keeper } = start(pool);
  await until("the failure is logged", () => lines.length > 0);
  expect(lines).toEqual([
    expect.objectContaining({
      message: "partition maintenance failed, retrying",
      reason: expect.stringContaining("ECONNREFUSED"),
    }),
  ]);
  // not given up at its deadline
  expect(await keeper.close()).toBe(true);
});

test("retries within seconds, later each time, until the database lets it", async () => {
  const role = freshName("owner");
  const database = await freshDatabase(undefined, "template0");
  const admin = poolOn(database, 1);
  closers.push(() => admin.end());
  await admin.query(`CREATE ROLE ${role} LOGIN; CREATE SCHEMA ${role} AUTHORIZATION ${role}`);
  const url = new URL(database);
  url.username = role;
  await migrate(url.href, () => undefined);
  const pool = poolOn(url.href);
  closers.push(() => pool.end());
  const weeks = await partitions(pool);
  await pool.query(`DROP TABLE ${weeks.filter((name) => name !== "orders_default").at(-1)}`);
  await admin.query(`REVOKE CREATE ON SCHEMA ${role} FROM ${role}`);

  const { lines } = start(pool);
  await until("it has failed twice", () => lines.length === 2);
  const failure = {
    message: "partition maintenance failed, retrying",
    reason: `permission denied for schema ${role}`,
  };
  expect(lines).toMatchObject([
    { ...failure, failures: 1 },
    { ...failure, failures: 2 },
  ]);
  const [first, second] = lines.map(({ retryInMs }) => Number(retryInMs)) as [number, number];
  expect(first).toBeGreaterThanOrEqual(2_500);
  expect(first).toBeLessThanOrEqual(5_000);
  expect(second).toBeGreaterThanOrEqual(5_000);
  expect(second).toBeLessThanOrEqual(10_000);

  await admin.query(`GRANT CREATE ON SCHEMA ${role} TO ${role}`);
  await until("the missing week is made", async () => (await partitions(pool)).length === weeks.length);
  await until("that is logged", () => lines.length === 3);
  expect(lines[2]).toEqual({ message: "partition maintenance recovered", failures: 2 });
});
