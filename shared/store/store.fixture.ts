/** A fresh database for a test file, orders stored and counted in it, and sessions that hold locks on it. */
import { afterAll, beforeEach } from "vitest";
import { emptied, numberOf } from "../../dev/system/database.ts";
import { freshDatabase, poolOn, until } from "../../test/fresh.ts";
import type { Order } from "../domain/order.ts";
import { countStored } from "../modes/direct/count-stored.ts";
import { storeOrders, uncounted } from "../modes/direct/stored-orders.ts";
import { encodeOrders } from "../wire/order-message.ts";
import { type Counted, countCarried } from "./count.ts";
import type { Client, Pool } from "./pool.ts";

/** A pool on a fresh database for all tests of a file. `timeZone` is a default of the database: buckets stay UTC. */
export const openTestPool = async (maxConnections = 4, timeZone?: string): Promise<Pool> => {
  const databaseUrl = await freshDatabase();
  if (timeZone !== undefined) await setTimeZone(databaseUrl, timeZone);
  const pool = poolOn(databaseUrl, maxConnections);
  afterAll(() => pool.end());
  return pool;
};

const setTimeZone = async (databaseUrl: string, timeZone: string): Promise<void> => {
  const setter = poolOn(databaseUrl, 1);
  await setter.query(
    `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET timezone = ''${timeZone}''', current_database()); END $$`,
  );
  await setter.end();
};

/** The same, and the database is emptied before each test. */
export const openEmptiedPool = async (maxConnections?: number, timeZone?: string): Promise<Pool> => {
  const pool = await openTestPool(maxConnections, timeZone);
  beforeEach(() => emptied(pool));
  return pool;
};

export const countOrders = (
  pool: Pool,
  orders: readonly Order[],
  part = 0,
  source = "v2",
  position = "1-0",
): Promise<Counted> => countCarried(pool, { source, part, position, messages: encodeOrders(orders) });

/** Stores orders as v1 does; the ids of the new ones. */
export const store = async (on: Pool | Client, orders: readonly Order[]): Promise<Set<string>> =>
  (await storeOrders(on, "v1", encodeOrders(orders))).ids ?? new Set(orders.map(({ id }) => id));

export const tick = (pool: Pool, part = 0): Promise<Counted> => countStored(pool, { source: "v1", part });

/** Ticks until no stored order is left: transactions of other databases hold back this one's watermark too. */
export const untilStoredCounted = (pool: Pool): Promise<void> =>
  until("all stored orders are counted", async () => {
    await tick(pool);
    return (await uncounted(pool, 1_000_000)).orders === 0;
  });

const LOCK_WAITERS =
  "FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database() AND pid <> pg_backend_pid()";

export const untilLockWaiters = (pool: Pool, count: number): Promise<void> =>
  until(
    `${count} sessions wait for a lock`,
    async () => (await numberOf(pool, `SELECT count(*) ${LOCK_WAITERS}`)) === count,
  );

/** Ends the sessions that wait for a lock and run a statement like this; resolves with how many there were. */
export const endLockWaiters = async (pool: Pool, statement = "%"): Promise<number> =>
  (await pool.query(`SELECT pg_terminate_backend(pid) ${LOCK_WAITERS} AND query LIKE $1`, [statement])).rows
    .length;

/** Runs `work` while a transaction with these statements is open; it ends with `work` at the latest. */
export const whileHeld = async <T>(
  pool: Pool,
  statements: string,
  work: (holder: Client) => Promise<T>,
): Promise<T> => {
  const holder = await pool.connect();
  try {
    await holder.query(`SET idle_in_transaction_session_timeout = 0; BEGIN; ${statements}`);
    return await work(holder);
  } finally {
    holder.release(true);
  }
};

/** Rows that this session's statements have read of the tables whose names match; for a pool of one connection. */
export const rowsRead = async (session: Pool, tables: string): Promise<number> => {
  await session.query("SELECT pg_stat_force_next_flush()");
  return numberOf(
    session,
    `SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables WHERE relname ~ '${tables}'`,
  );
};
