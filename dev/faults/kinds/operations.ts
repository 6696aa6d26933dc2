/** What operators do: scale workers up and down, restart one process after the other, run migrations. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { modeNamed } from "#shared/modes/all.ts";
import type { RedisClient } from "#shared/runtime/redis.ts";
import { serversOf } from "#shared/servers.ts";
import { withDatabase, withRedis } from "../../system/database.ts";
import { waitUntil } from "../../system/wait.ts";
import type { Fault, Scene } from "../faults.ts";
import type { FaultySystem } from "../system.ts";
import { endProcess, stopSignalOf } from "./processes.ts";

const READY_WITHIN_MS = 30_000;
/** Long enough for a consumer group to share its partitions again. */
const STAY_MS = 5_000;
const BOARD_WRITER = "coffee-board-writer";
const MOST_WORKERS = 4;

/** In every mode a started worker writes the board over its own connection. */
const startedWorkers = async (board: RedisClient): Promise<number> => {
  const list = String(await board.client("LIST"));
  return list.split("\n").filter((line) => line.includes(` name=${BOARD_WRITER} `)).length;
};

/** The oldest workers are removed, so that a new one remains. */
const scaleWorkers = async ({ system }: Scene): Promise<void> => {
  await withRedis(system.addresses.board, async (board) => {
    while (system.workers.length < MOST_WORKERS) await system.addWorker();
    const areStarted = async (): Promise<boolean> => (await startedWorkers(board)) === MOST_WORKERS;
    await waitUntil(`${MOST_WORKERS} workers have started`, areStarted, READY_WITHIN_MS);
  });
  await sleep(STAY_MS);
  while (system.workers.length > 1) await system.removeWorker();
};

/** As an orchestrator does it: each only when everything is ready again. */
const restartAll = async ({ system }: Scene): Promise<void> => {
  for (const program of [...system.workers, ...system.apis]) {
    await endProcess(program, "SIGTERM");
    await untilReady(system);
  }
  for (const name of serversOf([modeNamed(system.mode)])) {
    await endProcess(system.server(name), stopSignalOf(name));
    await untilReady(system);
  }
};

const untilReady = async ({ urls, mode }: FaultySystem): Promise<void> => {
  for (const url of urls) {
    const isReady = async (): Promise<boolean> => {
      const response = await fetch(`${url}/readyz`);
      const { modes } = (await response.json()) as { modes: Record<string, { health: string }> };
      return response.status === 200 && modes[mode]?.health === "ok";
    };
    await waitUntil(`${url} is ready and ${mode} ok`, isReady, READY_WITHIN_MS);
  }
};

const CONCURRENT = 3;
const ROUNDS = 2;
const root = join(import.meta.dirname, "..", "..", "..");

/** The migrations as operators run them, several at the same time; each has to report success. */
const migrateConcurrently = async (databaseUrl: string): Promise<void> => {
  const env = { ...process.env, DATABASE_URL: databaseUrl, LOG_LEVEL: "warn" };
  const run = async (): Promise<number> => {
    const child = spawn(process.execPath, ["db/main.ts"], { cwd: root, env, stdio: "ignore" });
    const [code] = (await once(child, "exit")) as [number | null];
    return code ?? -1;
  };
  const codes = await Promise.all(Array.from({ length: CONCURRENT }, run));
  if (codes.some((code) => code !== 0))
    throw new Error(`the migrations of ${new URL(databaseUrl).pathname} exited with ${codes.join(", ")}`);
};

/** Everything that migrations create, as text. Retention renews one constraint as time passes, which is left out. */
const SCHEMA = `
SELECT 'column ' || concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default) AS thing
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'check ' || conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
          WHERE connamespace = 'public'::regnamespace AND conname <> 'not_older_than_the_orders_kept'
UNION ALL SELECT 'function ' || proname || ' ' || md5(prosrc) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT 'migration ' || name FROM migrations
ORDER BY 1`;

const schemaOf = (databaseUrl: string): Promise<string[]> =>
  withDatabase(databaseUrl, async (pool) =>
    (await pool.query<{ thing: string }>(SCHEMA)).rows.map(({ thing }) => thing),
  );

/** On the database in use, whose schema has to stay, and on an empty one, which has to get the same. */
const migrateOften = async ({ system }: Scene): Promise<void> => {
  const used = system.addresses.postgres;
  const empty = Object.assign(new URL(used), { pathname: "/faults_empty" }).href;
  const before = await schemaOf(used);
  for (let round = 0; round < ROUNDS; round++) await migrateConcurrently(used);
  const created = await withDatabase(used, async (pool) => {
    await pool.query("CREATE DATABASE faults_empty");
    await migrateConcurrently(empty);
    const schema = await schemaOf(empty);
    await pool.query("DROP DATABASE faults_empty");
    return schema;
  });
  for (const [where, schema] of Object.entries({ "in use": await schemaOf(used), "new": created }))
    if (!isDeepStrictEqual(schema, before))
      throw new Error(`the schema of the database ${where} differs: ${differenceOf(schema, before)}`);
};

const differenceOf = (a: readonly string[], b: readonly string[]): string =>
  [...a.filter((thing) => !b.includes(thing)), ...b.filter((thing) => !a.includes(thing))]
    .slice(0, 3)
    .join("; ");

export const operations: readonly Fault[] = [
  { name: "workers-1-4-1", setup: { workers: 1 }, strike: scaleWorkers, recoverWithinSeconds: 20 },
  { name: "rolling-restart", setup: { apis: 2 }, strike: restartAll, recoverWithinSeconds: 30 },
  { name: "migrate-thrice", strike: migrateOften, recoverWithinSeconds: 15 },
];
