/**
 * A database and a board of its own. What is measured here empties tables and sets counters back, which must never meet
 * the tables of anybody else: PostgreSQL may have been given.
 */
import { openPool, type Pool } from "#shared/store/pool.ts";
import { migrate } from "../../../db/migrate.ts";
import { startRedis } from "../../system/servers/redis.ts";
import type { Ground } from "../ground.ts";

export type Arena = {
  readonly pool: Pool;
  /** For the programs that work here. */
  readonly env: { readonly DATABASE_URL: string; readonly BOARD_REDIS_URL: string };
};

/** One looks, one holds workers back, two store. */
const CONNECTIONS = 4;
/** A checkpoint or a vacuum after a million rows, on a machine that does other things too. */
const STATEMENT_TIMEOUT_MS = 180_000;
const CONNECT_TIMEOUT_MS = 5_000;

export const openArena = async ({ servers, closers }: Ground, name: string): Promise<Arena> => {
  const serverUrl = servers.postgres?.url ?? "";
  const database = `coffee_bench_${name}_${process.pid}`;
  await administer(serverUrl, `CREATE DATABASE ${database}`);
  closers.add(database, () => administer(serverUrl, `DROP DATABASE ${database} WITH (FORCE)`));
  const url = new URL(serverUrl);
  url.pathname = database;
  await migrate(url.href, () => undefined);
  const board = await startRedis({ name: `redis-board-${name}`, role: "board" });
  closers.add(`the board of ${name}`, () => board.stop());
  const pool = openConnections(url.href, CONNECTIONS);
  closers.add(`connections to ${database}`, () => pool.end());
  return { pool, env: { DATABASE_URL: url.href, BOARD_REDIS_URL: board.url } };
};

const openConnections = (databaseUrl: string, maxConnections: number): Pool =>
  openPool(
    {
      databaseUrl,
      program: "coffee-bench",
      maxConnections,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
    },
    () => undefined,
  );

const administer = async (serverUrl: string, statement: string): Promise<void> => {
  const admin = openConnections(serverUrl, 1);
  try {
    await admin.query(statement);
  } finally {
    await admin.end();
  }
};
