/** What operators watch of the database itself: what waits for a person, and what holds v1 up. */
import type { Pool } from "./pool.ts";

/** A stream that ended as dead letters must not make each look at them dear; so many are as bad as more. */
export const MOST_TOLD = 10_000;

/** Each mode by itself: that one is flooded hides nothing of another. */
const OPEN_LETTERS = `
SELECT asked.source, (SELECT count(*)::float8 FROM (
  SELECT FROM dead_letters AS letter
  WHERE letter.source = asked.source AND replayed_at IS NULL AND discarded_at IS NULL LIMIT ${MOST_TOLD}) AS open) AS letters
FROM unnest($1::text[]) AS asked (source)`;

/** Letters of each mode that nobody has replayed or discarded yet; `MOST_TOLD` stands for that many or more. */
export const openLetters = async (
  pool: Pool,
  modes: readonly string[],
): Promise<ReadonlyMap<string, number>> => {
  const { rows } = await pool.query<{ source: string; letters: number }>(OPEN_LETTERS, [modes]);
  return new Map(rows.map(({ source, letters }) => [source, letters]));
};

/**
 * Over all databases of the cluster, because transaction ids are. A prepared transaction has no session. What other roles
 * do is only told to a role that may know.
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
