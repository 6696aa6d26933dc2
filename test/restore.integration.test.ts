/** Restore drills: PostgreSQL is lost and replaced by an older state of it. */
import { execFileSync } from "node:child_process";
import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { modes } from "#shared/modes/all.ts";
import { loadSettings } from "#shared/runtime/config.ts";
import { openClosers } from "#shared/runtime/lifecycle.ts";
import type { Pool } from "#shared/store/pool.ts";
import { migrate } from "../db/migrate.ts";
import { driftOf, numberOf, withRedis } from "../dev/system/database.ts";
import { temporaryFolder } from "../dev/system/launcher.ts";
import { startPostgres } from "../dev/system/servers/postgres.ts";
import { closeAll, freshName, freshServers, poolForTest, type Servers, until, variablesOf } from "./fresh.ts";
import { countedAt, dashboardOf, postOrder, untilDecided } from "./requests.ts";
import { type System, startSystem } from "./system.ts";
import { startWorkerHere, type WorkerHere } from "./worker-here.ts";

/** As by pg_dump and psql, which the embedded PostgreSQL does not include. By table, its rows as PostgreSQL's own JSON: never parsed here, since a bigint may not fit into a number. */
type Dump = ReadonlyMap<string, string>;

const TABLES = `
SELECT relname AS name FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND relname <> 'migrations'`;

/** All tables in one snapshot, transaction ids and the system identifier included. */
const dump = async (pool: Pool): Promise<Dump> => {
  const client = await pool.connect();
  try {
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    const tables = new Map<string, string>();
    for (const { name } of (await client.query<{ name: string }>(TABLES)).rows) {
      const text = `SELECT coalesce(json_agg(t), '[]')::text AS rows FROM ${name} AS t`;
      tables.set(name, (await client.query<{ rows: string }>(text)).rows[0]?.rows ?? "[]");
    }
    await client.query("COMMIT");
    return tables;
  } finally {
    client.release();
  }
};

/** Into a migrated database; replaces the rows that migrations inserted. */
const restore = async (pool: Pool, tables: Dump): Promise<void> => {
  for (const [name, rows] of tables) {
    await pool.query(`DELETE FROM ${name}`);
    await pool.query(
      `INSERT INTO ${name} OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_recordset(NULL::${name}, $1)`,
      [rows],
    );
  }
};

type Counts = Partial<Record<"v1" | "v2" | "v3", number>>;

const serversForTest = (databaseUrl?: string): Promise<Servers> => {
  const closers = openClosers();
  onTestFinished(() => closeAll(closers));
  return freshServers(closers, databaseUrl);
};
const openApi = async (
  on: Servers,
  env: Record<string, string>,
  names: readonly string[],
): Promise<System> => {
  const system = await startSystem({ on, env, modes: names, workers: false });
  onTestFinished(system.close);
  return system;
};
const startWorkers = (on: Servers, pool: Pool, env: Record<string, string>, names: readonly string[]) => {
  const workers: WorkerHere[] = modes
    .filter(({ name }) => names.includes(name))
    .map((mode) => {
      const variables = { ...variablesOf(on), V1_TICK_MS: "100", ...env };
      const settings = loadSettings(mode.knobs, variables) as Record<string, unknown>;
      return startWorkerHere(mode, settings, on.board.url, pool);
    });
  const stop = (): Promise<unknown> => Promise.all(workers.map((worker) => worker.stop()));
  onTestFinished(async () => void (await stop()));
  return { stop };
};
const post = async ({ url }: System, counts: Counts): Promise<void> => {
  const one = async (mode: string): Promise<void> => {
    const response = await untilDecided(() => postOrder(url, mode));
    expect(response.status, await response.text()).toBe(mode === "v1" ? 201 : 202);
  };
  await Promise.all(
    Object.entries(counts).flatMap(([mode, count]) => Array.from({ length: count }, () => one(mode))),
  );
};
const untilShown = ({ url }: System, counts: Counts): Promise<void> =>
  until(`the dashboard shows ${JSON.stringify(counts)}`, async () => {
    const shown = await countedAt(url);
    if (Object.entries(counts).every(([mode, count]) => shown[mode] === count)) return true;
    throw new Error(`it shows ${JSON.stringify(shown)}`);
  });
const epochOf = async ({ url }: System): Promise<number> => (await dashboardOf(url)).epoch;

/** Polls the dashboard; `stop` returns the epochs in the order seen, each with its maximum of orders. */
const watchEpochs = ({ url }: System) => {
  const seen: [epoch: number, orders: number][] = [];
  let stopped = false;
  const watching = (async () => {
    while (!stopped) {
      const { epoch, modes: found } = await dashboardOf(url);
      const orders = Object.values(found).reduce((sum, mode) => sum + mode.orders, 0);
      const last = seen.at(-1);
      if (last?.[0] === epoch) last[1] = Math.max(last[1], orders);
      else seen.push([epoch, orders]);
    }
  })();
  const stop = async (): Promise<[epoch: number, orders: number][]> => {
    stopped = true;
    await watching;
    return seen;
  };
  onTestFinished(async () => void (await stop()));
  return stop;
};
const expectExact = async (pool: Pool, orders: number): Promise<void> => {
  expect(await numberOf(pool, "SELECT count(*) FROM orders")).toBe(orders);
  expect(await driftOf(pool)).toEqual([]);
};

test("a dump restored into a new cluster counts its orders once, and the queues redeliver later ones", async () => {
  const names = ["v1", "v2", "v3"];
  const topic = freshName("orders");
  const env = { V3_TOPIC: topic, V3_GROUP: topic };
  const ground = await serversForTest();
  const pool = poolForTest(ground.databaseUrl, 8);
  const api = await openApi(ground, env, names);
  const workers = startWorkers(ground, pool, env, names);
  await post(api, { v1: 40, v2: 40, v3: 40 });
  await untilShown(api, { v1: 40, v2: 40, v3: 40 });
  await workers.stop();
  await post(api, { v1: 15, v2: 12, v3: 9 });

  // as before each dump: until this group is destroyed the stream keeps its entries from here on
  await withRedis(ground.stream.url, (redis) => redis.xgroup("CREATE", "coffee:orders", "since-dump", "0"));
  const tables = await dump(pool);
  const later = startWorkers(ground, pool, env, names);
  await post(api, { v1: 10, v2: 10, v3: 10 });
  await untilShown(api, { v1: 65, v2: 62, v3: 59 });
  await later.stop();
  await post(api, { v2: 7, v3: 6 });
  const before = await epochOf(api);
  await api.close();

  const cluster = await startPostgres({ durable: false });
  onTestFinished(() => cluster.stop());
  await migrate(cluster.url, () => undefined);
  const restored = poolForTest(cluster.url, 8);
  await restore(restored, tables);
  const ground2 = { ...ground, databaseUrl: cluster.url };
  // v1 accepts nothing until a worker has adopted the database; the board is still the old one
  startWorkers(ground2, restored, env, names);
  const api2 = await openApi(ground2, env, names);
  const stopWatching = watchEpochs(api2);
  // v1: the orders of the dump. v2 and v3: these, and those that their groups had not acknowledged.
  await untilShown(api2, { v1: 55, v2: 47, v3: 46 });
  const epoch = await epochOf(api2);
  expect(epoch).toBeGreaterThan(before);
  await expectExact(restored, 55 + 47 + 46);

  // new groups receive the orders that were acknowledged after the dump; those of the dump count once
  const replaying = { ...env, V2_GROUP: "since-dump", V3_GROUP: freshName("later") };
  startWorkers(ground2, restored, replaying, ["v2", "v3"]);
  await untilShown(api2, { v1: 55, v2: 69, v3: 65 });
  await post(api2, { v1: 5, v2: 5, v3: 5 });
  await untilShown(api2, { v1: 60, v2: 74, v3: 70 });
  await expectExact(restored, 60 + 74 + 70);
  const seen = await stopWatching();
  expect(seen.map(([each]) => each)).toEqual([...seen.map(([each]) => each)].sort((a, b) => a - b));
  expect(seen.at(-1)).toEqual([epoch, 60 + 74 + 70]);
});

test("an older copy of the data folder raises the epoch, and clients follow to fewer orders", async () => {
  const names = ["v1", "v2"];
  const closers = openClosers();
  onTestFinished(() => closeAll(closers));
  const dataDir = temporaryFolder("coffee-rt-drill-", closers);
  const [data, copy] = [join(dataDir, "data"), join(dataDir, "copy")];
  const cluster = await startPostgres({ durable: false, dataDir });
  onTestFinished(() => cluster.stop());
  await migrate(cluster.url, () => undefined);
  const ground = await serversForTest(cluster.url);
  const pool = poolForTest(cluster.url, 8);
  const api = await openApi(ground, {}, names);
  const workers = startWorkers(ground, pool, {}, names);
  await post(api, { v1: 30, v2: 30 });
  await untilShown(api, { v1: 30, v2: 30 });
  await workers.stop();
  await post(api, { v1: 8, v2: 6 });
  await cluster.stop();
  execFileSync("cp", ["-a", data, copy]);
  await cluster.start();
  await until("v1 accepts orders again", async () => (await fetch(`${api.url}/readyz`)).status === 200);

  const later = startWorkers(ground, pool, {}, names);
  await untilShown(api, { v1: 38, v2: 36 });
  for (let round = 1; round <= 5; round++) {
    await post(api, { v1: 2, v2: 2 });
    await untilShown(api, { v1: 38 + 2 * round, v2: 36 + 2 * round });
  }
  await later.stop();
  await post(api, { v2: 5 });
  const before = await epochOf(api);
  const stopWatching = watchEpochs(api);
  await cluster.stop();
  rmSync(data, { recursive: true });
  renameSync(copy, data);
  await cluster.start();

  // v1: the orders of the copy. v2: these, and those that its group had not acknowledged; the rest was trimmed.
  startWorkers(ground, pool, {}, names);
  await untilShown(api, { v1: 38, v2: 35 });
  expect(await epochOf(api)).toBe(before + 1);
  await post(api, { v1: 5, v2: 5 });
  await untilShown(api, { v1: 43, v2: 40 });
  await expectExact(pool, 43 + 40);
  expect(await stopWatching()).toEqual([
    [before, 48 + 46],
    [before + 1, 43 + 40],
  ]);
});
