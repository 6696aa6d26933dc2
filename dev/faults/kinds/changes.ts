/** The ordinary life of an installation: more workers and fewer, restarts one by one, migrations. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { closeRedis, openRedis, type RedisClient, redisOptions } from "#shared/runtime/redis.ts";
import { openDatabase } from "../../system/database.ts";
import { waitUntil } from "../../system/wait.ts";
import type { Fault, Scene } from "../fault.ts";
import type { Ground } from "../ground.ts";
import { SERVERS } from "../wiring.ts";
import { end, stopSignalOf } from "./processes.ts";

const READY_MS = 30_000;
/** Long enough for a consumer group to share its partitions anew. */
const STAY_MS = 5_000;
const BOARD_WRITER = "coffee-board-writer";
const MOST_WORKERS = 4;

/** Each that has started writes the board by a connection of its own, whatever its mode. */
const startedWorkers = async (board: RedisClient): Promise<number> => {
  const list = String(await board.client("LIST"));
  return list.split("\n").filter((line) => line.includes(` name=${BOARD_WRITER} `)).length;
};

/** The first ones end, so that it is a newcomer who stays. */
const scaleWorkers = async ({ ground }: Scene): Promise<void> => {
  const board = openRedis(ground.addresses.board, redisOptions("coffee-faults"), () => undefined);
  try {
    await once(board, "ready");
    while (ground.workers.length < MOST_WORKERS) await ground.addWorker();
    const isStarted = async (): Promise<boolean> => (await startedWorkers(board)) === MOST_WORKERS;
    await waitUntil(`${MOST_WORKERS} workers have started`, isStarted, READY_MS);
    await sleep(STAY_MS);
    while (ground.workers.length > 1) await ground.removeWorker();
  } finally {
    await closeRedis(board);
  }
};

/** As an orchestrator does it: the next only when everything before it is ready again. */
const restartAll = async ({ ground }: Scene): Promise<void> => {
  const servers = SERVERS.filter(({ modes }) => modes === undefined || modes.includes(ground.mode));
  for (const program of [...ground.workers, ...ground.apis]) {
    await end(program, "SIGTERM");
    await untilReady(ground);
  }
  for (const { name } of servers) {
    await end(ground.server(name), stopSignalOf(name));
    await untilReady(ground);
  }
};

const untilReady = async ({ urls, mode }: Ground): Promise<void> => {
  for (const url of urls) {
    const isReady = async (): Promise<boolean> => {
      try {
        const response = await fetch(`${url}/readyz`);
        const { modes } = (await response.json()) as { modes: Record<string, { health: string }> };
        return response.status === 200 && modes[mode]?.health === "ok";
      } catch {
        // not listening yet
        return false;
      }
    };
    await waitUntil(`${url} is ready and well`, isReady, READY_MS);
  }
};

const AT_ONCE = 3;
const ROUNDS = 2;
const root = join(import.meta.dirname, "..", "..", "..");

/** The migrations as operators run them, several at once; each has to say that the schema is there. */
const migrateAtOnce = async (databaseUrl: string): Promise<void> => {
  const env = { ...process.env, DATABASE_URL: databaseUrl, LOG_LEVEL: "warn" };
  const run = async (): Promise<number> => {
    const child = spawn(process.execPath, ["db/main.ts"], { cwd: root, env, stdio: "ignore" });
    const [code] = (await once(child, "exit")) as [number | null];
    return code ?? -1;
  };
  const codes = await Promise.all(Array.from({ length: AT_ONCE }, run));
  if (codes.some((code) => code !== 0))
    throw new Error(`the migrations ended with ${codes.join(", ")} in ${new URL(databaseUrl).pathname}`);
};

/** Everything that migrations make, in words; one constraint is the keeper's, who makes it anew as time passes. */
const SCHEMA = `
SELECT 'column ' || concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default) AS thing
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'check ' || conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
          WHERE connamespace = 'public'::regnamespace AND conname <> 'not_older_than_the_orders_kept'
UNION ALL SELECT 'function ' || proname || ' ' || md5(prosrc) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT 'migration ' || name FROM migrations
ORDER BY 1`;

const schemaOf = async (databaseUrl: string): Promise<string[]> => {
  const pool = openDatabase(databaseUrl);
  try {
    return (await pool.query<{ thing: string }>(SCHEMA)).rows.map(({ thing }) => thing);
  } finally {
    await pool.end();
  }
};

/** On the database in use, whose schema stays, and on an empty one, which gets the same. */
const migrateOften = async ({ ground }: Scene): Promise<void> => {
  const used = ground.addresses.postgres;
  const empty = Object.assign(new URL(used), { pathname: "/faults_empty" }).href;
  const pool = openDatabase(used);
  try {
    const before = await schemaOf(used);
    for (let round = 0; round < ROUNDS; round++) await migrateAtOnce(used);
    await pool.query("CREATE DATABASE faults_empty");
    await migrateAtOnce(empty);
    const made = await schemaOf(empty);
    await pool.query("DROP DATABASE faults_empty");
    for (const [where, schema] of Object.entries({ "in use": await schemaOf(used), "new": made }))
      if (!isDeepStrictEqual(schema, before))
        throw new Error(`the schema ${where} differs: ${differenceOf(schema, before)}`);
  } finally {
    await pool.end();
  }
};

const differenceOf = (a: readonly string[], b: readonly string[]): string =>
  [...a.filter((thing) => !b.includes(thing)), ...b.filter((thing) => !a.includes(thing))]
    .slice(0, 3)
    .join("; ");

export const changes: readonly Fault[] = [
  { name: "workers-1-4-1", ground: { workers: 1 }, strike: scaleWorkers, recoverWithinSeconds: 20 },
  { name: "rolling-restart", ground: { apis: 2 }, strike: restartAll, recoverWithinSeconds: 30 },
  { name: "migrate-thrice", strike: migrateOften, recoverWithinSeconds: 15 },
];
