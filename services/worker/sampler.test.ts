import { Registry } from "prom-client";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Log } from "#shared/ports.ts";
import type { Pool } from "#shared/store/pool.ts";
import { caller, count, sold } from "#shared/store/reconcile.fixture.ts";
import { repair } from "#shared/store/repair.ts";
import { numberOf } from "../../dev/system/database.ts";
import { startRedis } from "../../dev/system/servers/redis.ts";
import { freshDatabase, poolOn, silent, someOrders, startProgram, until } from "../../test/fresh.ts";
import { openWorkerMetrics } from "./metrics.ts";
import { openSampler } from "./sampler.ts";

let databaseUrl: string;
let pool: Pool;
const closers: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  databaseUrl = await freshDatabase();
  pool = poolOn(databaseUrl);
});
beforeEach(() => sold(pool));
afterEach(async () => {
  for (let close = closers.pop(); close; close = closers.pop()) await close();
});
afterAll(() => pool.end());

const open = (log: Log = silent) => {
  const registry = new Registry();
  const metrics = openWorkerMetrics(registry, "v2");
  const sampler = openSampler({ databaseUrl, mode: "v2", log, reconcileEveryMs: 20, metrics });
  closers.push(() => sampler.close());
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
  await count(pool, someOrders(20, 9));
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

test("the worker has it in its metrics, and ends with it", async () => {
  const redis = await startRedis({ name: "redis-board", role: "board" });
  closers.push(() => redis.stop());
  const worker = startProgram("services/worker/main.ts", {
    MODE: "v1",
    DATABASE_URL: databaseUrl,
    BOARD_REDIS_URL: redis.url,
    METRICS_PORT: "0",
    RECONCILE_EVERY_MS: "100",
  });
  closers.push(() => worker.kill("SIGKILL"));
  const port = (): string | undefined => /"port":(\d+)/.exec(worker.output())?.[1];
  await until("it serves", () => port() !== undefined);
  await until("a look", async () => {
    const text = await (await fetch(`http://127.0.0.1:${port()}/metrics`)).text();
    return valueIn(text, "coffee_reconcile_difference_orders") === 0;
  });
  expect(await worker.kill("SIGTERM")).toBe(0);
});
