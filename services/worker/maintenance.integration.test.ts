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

test("starting workers create the coming weeks, and drop expired data once a day", async () => {
  const pool = poolForTest(await freshDatabase(), 8);
  await makeWeeks(pool, 120, 100);
  await countOrders(pool, ordersOf(110, 5));
  const weeks = await partitions(pool);
  const newest = weeks.filter((name) => name !== "orders_default").at(-1) ?? "";
  await pool.query(`DROP TABLE ${newest}`);
  const keepers = [start(pool), start(pool), start(pool)];
  await until("it is done", async () => (await doneAt(pool)) > 0);
  await until("the coming weeks exist", async () => (await partitions(pool)).includes(newest));
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
  await until("the coming weeks exist", async () => (await partitions(pool)).includes(newest));
  await later.keeper.close();
  expect(await doneAt(pool)).toBe(first);
  expect(await numberOf(pool, "SELECT count(*) FROM orders")).toBe(5);
});

test("logs the failure without PostgreSQL, and closes", async () => {
  const pool = poolForTest("postgres://postgres@127.0.0.1:1/nowhere");
  const { lines, keeper } = start(pool);
  await until("the failure is logged", () => lines.length > 0);
  expect(lines).toEqual([
    expect.objectContaining({
      message: "partition maintenance failed, retrying",
      reason: expect.stringContaining("ECONNREFUSED"),
    }),
  ]);
  // before its deadline
  expect(await keeper.close()).toBe(true);
});

test("retries within seconds, later each time, until it has the right", async () => {
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
  await until("the missing week exists", async () => (await partitions(pool)).length === weeks.length);
  await until("the recovery is logged", () => lines.length === 3);
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

  test("exposes by how many orders the rollups differ, and 0 once they are repaired", async () => {
    await countOrders(pool, someOrders(20, 9));
    const logged: object[] = [];
    const registry = open({ ...silent, error: (fields) => logged.push(fields) });
    await until("a comparison", async () => (await difference(registry)) !== undefined);
    expect(await difference(registry)).toBe(0);
    const hour = "bucket = (SELECT max(bucket) FROM rollup_hour_drink WHERE mode = 'v2')";
    const lost = await numberOf(
      pool,
      `SELECT sum(orders) FROM rollup_hour_drink WHERE mode = 'v2' AND ${hour}`,
    );
    await pool.query(`DELETE FROM rollup_hour_drink WHERE mode = 'v2' AND ${hour}`);
    // an earlier hour is compared at random; a comparison may also have another hour
    await until("it is found", async () => (await difference(registry)) === lost);
    expect(logged[0]).toMatchObject({ mode: "v2", apart: lost });
    await repair(pool, caller);
    await until("it is exact again", async () => (await difference(registry)) === 0);
  });

  test("compares earlier hours too, and only those of its mode", async () => {
    await pool.query(
      "UPDATE rollup_minute SET revenue_cents = revenue_cents + 1 WHERE bucket < now() - interval '3 hours'",
    );
    const registry = open();
    await until("one is found", async () => ((await difference(registry)) ?? 0) > 0);
    // later comparisons have it too, until it is repaired
    const comparedAt = async (): Promise<number> =>
      valueIn(await registry.metrics(), "coffee_reconcile_sampled_timestamp_seconds") ?? 0;
    for (let comparison = 0, last = await comparedAt(); comparison < 5; comparison++) {
      await until("another comparison", async () => (await comparedAt()) > last);
      last = await comparedAt();
      expect(await difference(registry)).toBeGreaterThan(0);
    }
    await repair(pool, caller);
    await pool.query("UPDATE rollup_minute SET orders = orders + 1 WHERE mode = 'v1'");
    await until("the repair is seen", async () => (await difference(registry)) === 0);
    const repairedAt = await numberOf(pool, "SELECT extract(epoch FROM clock_timestamp())");
    await until("later comparisons", async () => (await comparedAt()) > repairedAt + 0.5);
    expect(await difference(registry)).toBe(0);
  });

  test("exposes no figure while it fails, logs that once, and continues", async () => {
    const warnings: string[] = [];
    const registry = open({ ...silent, warn: (_fields, message) => warnings.push(message) });
    await until("a comparison", async () => (await difference(registry)) === 0);
    await pool.query("ALTER TABLE dropped RENAME TO renamed");
    try {
      await until("no figure", async () => (await difference(registry)) === undefined);
    } finally {
      await pool.query("ALTER TABLE renamed RENAME TO dropped");
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
