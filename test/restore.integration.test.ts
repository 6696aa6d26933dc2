/** The restore drill: what becomes of the orders when PostgreSQL is lost and an older state takes its place. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterEach, expect, inject, test } from "vitest";
import type { Dashboard } from "#shared/domain/dashboard.ts";
import { modes } from "#shared/modes/all.ts";
import { loadSettings } from "#shared/runtime/config.ts";
import { closeRedis, openRedis, redisOptions } from "#shared/runtime/redis.ts";
import type { Pool } from "#shared/store/pool.ts";
import { migrate } from "../db/migrate.ts";
import { driftOf, numberOf } from "../dev/system/database.ts";
import { startPostgres } from "../dev/system/servers/postgres.ts";
import { startRedis } from "../dev/system/servers/redis.ts";
import { freshDatabase, freshName, poolOn, until } from "./fresh.ts";
import { dump, restore } from "./logical-dump.ts";
import { type System, startSystem } from "./system.ts";
import { startWorkerHere, type WorkerHere } from "./worker-here.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (let close = closers.pop(); close; close = closers.pop()) await close();
});

type Counts = Partial<Record<"v1" | "v2" | "v3", number>>;
type Ground = Pick<System, "databaseUrl" | "board" | "stream">;

const poolFor = (databaseUrl: string): Pool => {
  const pool = poolOn(databaseUrl, 8);
  closers.push(() => pool.end());
  return pool;
};
const openGround = async (databaseUrl: string): Promise<Ground> => {
  const board = await startRedis({ name: "redis-board", role: "board" });
  closers.push(() => board.stop());
  const stream = await startRedis({ name: "redis-stream", role: "stream" });
  closers.push(() => stream.stop());
  return { databaseUrl, board, stream };
};
const openApi = async (
  on: Ground,
  env: Record<string, string>,
  names: readonly string[],
): Promise<System> => {
  const system = await startSystem({ on, env, modes: names, workers: false });
  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => {
    closing ??= system.close();
    return closing;
  };
  closers.push(close);
  return { ...system, close };
};
const startWorkers = async (
  on: Ground,
  pool: Pool,
  env: Record<string, string>,
  names: readonly string[],
) => {
  const urls = {
    DATABASE_URL: on.databaseUrl,
    BOARD_REDIS_URL: on.board.url,
    STREAM_REDIS_URL: on.stream.url,
    KAFKA_BROKERS: inject("kafkaBrokers"),
    V1_TICK_MS: "100",
  };
  const workers: WorkerHere[] = modes
    .filter(({ name }) => names.includes(name))
    .map((mode) => {
      const settings = loadSettings(mode.knobs, { ...urls, ...env }) as Record<string, unknown>;
      return startWorkerHere(mode, settings, on.board.url, pool);
    });
  const stop = (): Promise<unknown> => Promise.all(workers.map((worker) => worker.stop()));
  closers.push(stop);
  return { stop };
};
const post = async ({ url }: System, counts: Counts): Promise<void> => {
  const one = async (mode: string): Promise<void> => {
    const response = await fetch(`${url}/api/${mode}/order`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ drink: "latte", store: "uptown", price: 4.5 }),
    });
    // a cold API on a busy machine may have to refuse
    if (response.status === 503) {
      await sleep(1_000 * Number(response.headers.get("retry-after")));
      return one(mode);
    }
    expect(response.status, await response.text()).toBe(mode === "v1" ? 201 : 202);
  };
  await Promise.all(
    Object.entries(counts).flatMap(([mode, count]) => Array.from({ length: count }, () => one(mode))),
  );
};
const dashboardOf = async ({ url }: System): Promise<Dashboard> =>
  (await (await fetch(`${url}/api/dashboard`)).json()) as Dashboard;
const figures = ({ modes: found }: Dashboard): Counts =>
  Object.fromEntries(Object.entries(found).map(([mode, { orders }]) => [mode, orders]));
const untilShown = (system: System, counts: Counts): Promise<void> =>
  until(`the dashboard shows ${JSON.stringify(counts)}`, async () => {
    const shown = figures(await dashboardOf(system));
    return Object.entries(counts).every(([mode, count]) => shown[mode as keyof Counts] === count);
  }).catch(async (error: unknown) => {
    throw new Error(`it shows ${JSON.stringify(figures(await dashboardOf(system)))}`, { cause: error });
  });

/** Asks for the dashboard all the time; tells the epochs in the order seen, each with the most orders shown in it. */
const watchEpochs = (system: System) => {
  const seen: [epoch: number, orders: number][] = [];
  let stopped = false;
  const watching = (async () => {
    while (!stopped) {
      const dashboard = await dashboardOf(system);
      const orders = Object.values(figures(dashboard)).reduce((sum, count) => sum + count, 0);
      const last = seen.at(-1);
      if (last?.[0] === dashboard.epoch) last[1] = Math.max(last[1], orders);
      else seen.push([dashboard.epoch, orders]);
    }
  })();
  const stop = async (): Promise<[epoch: number, orders: number][]> => {
    stopped = true;
    await watching;
    return seen;
  };
  closers.push(stop);
  return stop;
};
const expectExact = async (pool: Pool, orders: number): Promise<void> => {
  expect(await numberOf(pool, "SELECT count(*) FROM orders")).toBe(orders);
  expect(await driftOf(pool)).toEqual([]);
};

test("a dump restored into a new cluster: what it holds counts once, and the transports bring what they still have", async () => {
  const names = ["v1", "v2", "v3"];
  const topic = freshName("orders");
  const env = { V3_TOPIC: topic, V3_GROUP: topic };
  const ground = await openGround(await freshDatabase());
  const pool = poolFor(ground.databaseUrl);
  const api = await openApi(ground, env, names);
  const workers = await startWorkers(ground, pool, env, names);
  await post(api, { v1: 40, v2: 40, v3: 40 });
  await untilShown(api, { v1: 40, v2: 40, v3: 40 });
  await workers.stop();
  await post(api, { v1: 15, v2: 12, v3: 9 });

  // before each dump: what the stream has from here on stays in it, until this group is destroyed
  const redis = openRedis(ground.stream.url, redisOptions("test"), () => undefined);
  closers.push(() => closeRedis(redis));
  await until("Redis answers", async () => (await redis.ping().catch(() => "")) === "PONG");
  await redis.xgroup("CREATE", "coffee:orders", "since-dump", "0");
  const tables = await dump(pool);
  const later = await startWorkers(ground, pool, env, names);
  await post(api, { v1: 10, v2: 10, v3: 10 });
  await untilShown(api, { v1: 65, v2: 62, v3: 59 });
  await later.stop();
  await post(api, { v2: 7, v3: 6 });
  const before = (await dashboardOf(api)).epoch;
  await api.close();

  const cluster = await startPostgres({ durable: false });
  closers.push(() => cluster.stop());
  await migrate(cluster.url, () => undefined);
  const restored = poolFor(cluster.url);
  await restore(restored, tables);
  const ground2 = { ...ground, databaseUrl: cluster.url };
  // v1 takes nothing until a worker has adopted the database; the board is still the old one
  await startWorkers(ground2, restored, env, names);
  const api2 = await openApi(ground2, env, names);
  const stopWatching = watchEpochs(api2);
  // v1: the dump's, counted and not. v2 and v3: the dump's, and what their groups had not settled.
  await untilShown(api2, { v1: 55, v2: 47, v3: 46 });
  const { epoch } = await dashboardOf(api2);
  expect(epoch).toBeGreaterThan(before);
  await expectExact(restored, 55 + 47 + 46);

  // what was settled after the dump comes again to groups that have not seen it, and what is known counts once
  const replaying = { ...env, V2_GROUP: "since-dump", V3_GROUP: freshName("later") };
  await startWorkers(ground2, restored, replaying, ["v2", "v3"]);
  await untilShown(api2, { v1: 55, v2: 69, v3: 65 });
  await post(api2, { v1: 5, v2: 5, v3: 5 });
  await untilShown(api2, { v1: 60, v2: 74, v3: 70 });
  await expectExact(restored, 60 + 74 + 70);
  const seen = await stopWatching();
  expect(seen.map(([each]) => each)).toEqual([...seen.map(([each]) => each)].sort((a, b) => a - b));
  expect(seen.at(-1)).toEqual([epoch, 60 + 74 + 70]);
}, 90_000);

test("an older copy of the data folder: the same cluster, fewer orders, and clients follow to a new epoch", async () => {
  const names = ["v1", "v2"];
  const dataDir = mkdtempSync(join(tmpdir(), "coffee-rt-drill-"));
  closers.push(async () => rmSync(dataDir, { recursive: true, force: true }));
  const cluster = await startPostgres({ durable: false, dataDir });
  closers.push(() => cluster.stop());
  await migrate(cluster.url, () => undefined);
  const ground = await openGround(cluster.url);
  const pool = poolFor(cluster.url);
  const api = await openApi(ground, {}, names);
  const workers = await startWorkers(ground, pool, {}, names);
  await post(api, { v1: 30, v2: 30 });
  await untilShown(api, { v1: 30, v2: 30 });
  await workers.stop();
  await post(api, { v1: 8, v2: 6 });
  const copy = promisify(execFile);
  await cluster.stop();
  await copy("cp", ["-a", join(dataDir, "data"), join(dataDir, "copy")]);
  await cluster.start();
  await until("v1 takes orders again", async () => (await fetch(`${api.url}/readyz`)).status === 200);

  const later = await startWorkers(ground, pool, {}, names);
  await untilShown(api, { v1: 38, v2: 36 });
  for (let round = 1; round <= 5; round++) {
    await post(api, { v1: 2, v2: 2 });
    await untilShown(api, { v1: 38 + 2 * round, v2: 36 + 2 * round });
  }
  await later.stop();
  await post(api, { v2: 5 });
  const before = (await dashboardOf(api)).epoch;
  const stopWatching = watchEpochs(api);
  await cluster.stop();
  rmSync(join(dataDir, "data"), { recursive: true });
  await copy("mv", [join(dataDir, "copy"), join(dataDir, "data")]);
  await cluster.start();

  // v1: the copy's, counted and not. v2: the copy's, and what its group had not settled; the rest was trimmed.
  await startWorkers(ground, pool, {}, names);
  await untilShown(api, { v1: 38, v2: 35 });
  expect((await dashboardOf(api)).epoch).toBe(before + 1);
  await post(api, { v1: 5, v2: 5 });
  await untilShown(api, { v1: 43, v2: 40 });
  await expectExact(pool, 43 + 40);
  expect(await stopWatching()).toEqual([
    [before, 48 + 46],
    [before + 1, 43 + 40],
  ]);
}, 90_000);
