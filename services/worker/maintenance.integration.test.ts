import { Registry } from "prom-client";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { Log } from "#shared/ports.ts";
import type { Pool } from "#shared/store/pool.ts";
import { caller, sold } from "#shared/store/reconcile.fixture.ts";
import { repair } from "#shared/store/repair.ts";
import { keeps, makeWeeks, ordersOf, partitions } from "#shared/store/retention.fixture.ts";
import { countOrders } from "#shared/store/store.fixture.ts";
import { migrate } from "../../db/migrate.ts";
import { numberOf } from "../../dev/system/database.ts";
import { metricOf } from "../../dev/system/programs.ts";
import {
  freshDatabase,
  freshName,
  poolForTest,
  poolOn,
  silent,
  someOrders,
  until,
} from "../../test/fresh.ts";
import { processesForTest } from "../../test/processes.ts";
import { openKeeper, openSampler } from "./maintenance.ts";
import { openWorkerMetrics } from "./metrics.ts";

const start = (pool: Pool) => {
  const lines: (Record<string, unknown> & { message: string })[] = [];
  const write = (fields: object, message: string): void => void lines.push({ ...fields, message });
  const log: Log = { info: write, warn: write, error: write };
  const keeper = openKeeper(pool, keeps, log);
  onTestFinished(async () => void (await keeper.close()));
  return { lines, keeper };
};
const doneAt = (pool: Pool): Promise<number> =>
  numberOf(pool, "SELECT coalesce(extract(epoch FROM nullif(done_at, '-infinity')), 0) FROM retention");

test("workers that start make the coming weeks, and drop what is old once a day", async () => {
  const pool = poolForTest(await freshDatabase(), 8);
  await makeWeeks(pool, 120, 100);
  await countOrders(pool, ordersOf(110, 5));
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
  await countOrders(pool, ordersOf(110, 5));
  await pool.query(`DROP TABLE ${newest}`);
  const later = start(pool);
  await until("the coming weeks are made", async () => (await partitions(pool)).includes(newest));
  await later.keeper.close();
  expect(await doneAt(pool)).toBe(first);
  expect(await numberOf(pool, "SELECT count(*) FROM orders")).toBe(5);
});

test("without PostgreSQL it logs the failure, and closes at once", async () => {
  const pool = poolForTest("postgres://postgres@127.0.0.1:1/nowhere");
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
  const admin = poolForTest(database, 1);
  await admin.query(`CREATE ROLE ${role} LOGIN; CREATE SCHEMA ${role} AUTHORIZATION ${role}`);
  const url = new URL(database);
  url.username = role;
  await migrate(url.href, () => undefined);
  const pool = poolForTest(url.href);
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

describe("the rollup check", () => {
  let databaseUrl: string;
  let pool: Pool;
  beforeAll(async () => {
    databaseUrl = await freshDatabase();
    pool = poolOn(databaseUrl);
  });
  beforeEach(() => sold(pool));
  afterAll(() => pool.end());

  const open = (log: Log = silent) => {
    const registry = new Registry();
    const metrics = openWorkerMetrics(registry, "v2");
    const sampler = openSampler({ databaseUrl, mode: "v2", log, reconcileEveryMs: 20, metrics });
    onTestFinished(() => sampler.close());
    return registry;
  };
  /** The value of a metric; `undefined` when it has none. */
  const valueIn = (text: string, name: string): number | undefined => {
    const line = text.split("\n").find((each) => each.startsWith(`${name}{`));
    return line === undefined ? undefined : Number(line.split(" ").at(-1));
  };
  const difference = async (registry: Registry): Promise<number | undefined> =>
    valueIn(await registry.metrics(), "coffee_reconcile_difference_orders");

  test("is 0 while the figures are exact, tells by how many orders they are not, and is 0 again", async () => {
    await countOrders(pool, someOrders(20, 9));
    const told: object[] = [];
    const registry = open({ ...silent, error: (fields) => told.push(fields) });
    await until("a look", async () => (await difference(registry)) !== undefined);
    expect(await difference(registry)).toBe(0);
    const at = valueIn(await registry.metrics(), "coffee_reconcile_sampled_timestamp_seconds") ?? 0;
    expect(Math.abs(at - Date.now() / 1000)).toBeLessThan(10);

    const hour = "bucket = (SELECT max(bucket) FROM rollup_hour_drink WHERE mode = 'v2')";
    const lost = await numberOf(
      pool,
      `SELECT sum(orders) FROM rollup_hour_drink WHERE mode = 'v2' AND ${hour}`,
    );
    await pool.query(`DELETE FROM rollup_hour_drink WHERE mode = 'v2' AND ${hour}`);
    // an hour that is not the current one any more is met by chance; then a look may also have met another
    await until("it is found", async () => (await difference(registry)) === lost);
    expect(told[0]).toMatchObject({ mode: "v2", apart: lost });
    await repair(pool, caller);
    await until("it is exact again", async () => (await difference(registry)) === 0);
  });

  test("comes to earlier hours too, and leaves other modes' alone", async () => {
    await pool.query(
      "UPDATE rollup_minute SET revenue_cents = revenue_cents + 1 WHERE bucket < now() - interval '3 hours'",
    );
    const registry = open();
    await until("one is found", async () => ((await difference(registry)) ?? 0) > 0);
    // and stays found: the next looks are at it too, until it is repaired
    const looked = async (): Promise<number> =>
      valueIn(await registry.metrics(), "coffee_reconcile_sampled_timestamp_seconds") ?? 0;
    for (let look = 0, last = await looked(); look < 5; look++) {
      await until("another look", async () => (await looked()) > last);
      last = await looked();
      expect(await difference(registry)).toBeGreaterThan(0);
    }
    await repair(pool, caller);
    await pool.query("UPDATE rollup_minute SET orders = orders + 1 WHERE mode = 'v1'");
    await until("the repaired", async () => (await difference(registry)) === 0);
    const asked = await numberOf(pool, "SELECT extract(epoch FROM clock_timestamp())");
    await until(
      "looks after that",
      async () =>
        (valueIn(await registry.metrics(), "coffee_reconcile_sampled_timestamp_seconds") ?? 0) > asked + 0.5,
    );
    expect(await difference(registry)).toBe(0);
  });

  test("has no figure while it cannot look, says so once, and goes on", async () => {
    const warnings: string[] = [];
    const registry = open({ ...silent, warn: (_fields, message) => warnings.push(message) });
    await until("a look", async () => (await difference(registry)) === 0);
    await pool.query("ALTER TABLE dropped RENAME TO away");
    try {
      await until("no figure", async () => (await difference(registry)) === undefined);
    } finally {
      await pool.query("ALTER TABLE away RENAME TO dropped");
    }
    await until("a figure again", async () => (await difference(registry)) === 0);
    expect(warnings).toEqual(["rollup check failed, retrying"]);
  });

  test("is in the metrics of a worker, which still stops", async () => {
    const { startWorker } = await processesForTest(databaseUrl);
    const worker = startWorker("v1", { RECONCILE_EVERY_MS: "100" });
    const port = (): string | undefined => /"port":(\d+)/.exec(worker.output())?.[1];
    await until("it serves metrics", () => port() !== undefined);
    const sampled = 'coffee_reconcile_sampled_timestamp_seconds{mode="v1"}';
    await until("it has compared", async () => (await metricOf(`http://127.0.0.1:${port()}`, sampled)) > 0);
    expect(await worker.kill("SIGTERM")).toBe(0);
  });
});
