import type { QueryResultRow } from "pg";
import type { Pool } from "./pool.ts";

/** The caller of a transaction: how long one statement may take, and whether the result is still wanted. */
export type Caller = { readonly longestMs: number; readonly signal: AbortSignal };

/** A statement of the transaction; resolves with its rows. */
export type Run = <Row extends QueryResultRow>(text: string, values?: unknown[]) => Promise<Row[]>;

/** For hash tables of many groups, which by default would spill to disk at a few thousand. */
const MEMORY = "64MB";
/** A busy server checks this often whether its client is still connected. */
const STILL_THERE_MS = 1_000;
/** The client waits this much longer, in case the server does not answer at all. */
const OVER_MS = 500;

/**
 * One transaction that may take long: the caller sets the limit of a statement, whatever the pool's own timeout is. When
 * `signal` aborts, or this process dies, the server aborts it and rolls it back.
 */
export const transaction = async <T>(
  pool: Pool,
  kind: string,
  { longestMs, signal }: Caller,
  work: (run: Run) => Promise<T>,
): Promise<T> => {
  const client = await pool.connect();
  let released = false;
  const release = (broken: boolean): void => {
    if (!released) client.release(broken);
    released = true;
  };
  const abort = (): void => release(true);
  const run: Run = async <Row extends QueryResultRow>(text: string, values: unknown[] = []) => {
    const statement = { text, values, query_timeout: longestMs + OVER_MS };
    return (await client.query<Row>(statement)).rows;
  };
  signal.addEventListener("abort", abort, { once: true });
  try {
    signal.throwIfAborted();
    // JIT would compile for longer than the statement takes
    await client.query(`BEGIN ${kind}; SET LOCAL statement_timeout = ${longestMs}; SET LOCAL jit = off;
      SET LOCAL work_mem = '${MEMORY}'; SET LOCAL client_connection_check_interval = ${STILL_THERE_MS}`);
    const result = await work(run);
    await client.query("COMMIT");
    release(false);
    return result;
  } finally {
    signal.removeEventListener("abort", abort);
    release(true);
  }
};

/**
 * Over all databases of the cluster, because transaction ids are. A prepared transaction has no session. PostgreSQL shows
 * the sessions of other roles only to a role with pg_read_all_stats.
 */
const OLDEST_WRITER = `
SELECT CASE WHEN pg_has_role('pg_read_all_stats', 'USAGE') THEN
  coalesce(greatest(0, extract(epoch FROM clock_timestamp() - min(began))), 0)::float8 END AS seconds FROM (
  SELECT xact_start AS began FROM pg_stat_activity WHERE backend_xid IS NOT NULL
  UNION ALL SELECT prepared FROM pg_prepared_xacts) AS writers`;

/**
 * Age of the oldest transaction that writes, 0 when there is none: v1's watermark cannot pass it. Null where this role
 * may not see the transactions of others (pg_monitor).
 */
export const oldestWriterSeconds = async (pool: Pool): Promise<number | null> => {
  const { rows } = await pool.query<{ seconds: number | null }>(OLDEST_WRITER);
  return rows[0]?.seconds ?? null;
};
