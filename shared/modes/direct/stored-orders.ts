/** What v1 itself does with the orders table: store, look up, and read what is not counted yet. */
import { messagesIn } from "../../store/count.ts";
import type { Client, Pool } from "../../store/pool.ts";

/**
 * Usually all orders are new, which is returned in one row instead of one each. Sorted in a subquery, as in count.ts:
 * a sort that also carries the transaction id made the statement 2 % to 3 % slower.
 */
const STORE_ORDERS = `
WITH input AS MATERIALIZED (
  SELECT * FROM ${messagesIn("$2")}
), stored AS (
  INSERT INTO orders (order_id, mode, store, drink, price_cents, event_time, accepted_at, fingerprint, xid)
  SELECT id, $1, store, drink, price_cents, event_time, accepted_at, fingerprint, pg_current_xact_id()
  FROM (SELECT * FROM input ORDER BY id, position) AS sorted
  ON CONFLICT DO NOTHING
  RETURNING order_id
)
SELECT CASE WHEN (SELECT count(*) FROM stored) < (SELECT count(*) FROM input)
  THEN ARRAY(SELECT order_id::text FROM stored) END AS ids, current_setting('synchronous_commit') AS synchronous_commit`;

/** What the statement found; `ids` are the new ones, null when all of them are. */
export type Stored = {
  readonly ids: Set<string> | null;
  /** As set in the session that commits: behind a pooler it may differ from the one that was verified. */
  readonly synchronousCommit: string;
};

/** Stores the orders of `messages` (JSON text of an array) in one commit. */
export const storeOrders = async (pool: Pool | Client, mode: string, messages: string): Promise<Stored> => {
  const values = [mode, messages];
  const { rows } = await pool.query<{ ids: string[] | null; synchronous_commit: string }>({
    name: "store-orders",
    text: STORE_ORDERS,
    values,
  });
  const [row] = rows;
  if (!row) throw new Error("the storing statement returned no row");
  return { ids: row.ids && new Set(row.ids), synchronousCommit: row.synchronous_commit };
};

/** A stored order, as far as needed to recognise a duplicate and to repeat the reply. */
export type StoredOrder = { readonly fingerprint: string; readonly eventTimeMs: number };

/**
 * Stored orders by id. A separate statement on purpose: the snapshot of the INSERT cannot see the concurrent order that
 * it conflicted with.
 */
export const findOrders = async (
  pool: Pool | Client,
  ids: readonly string[],
): Promise<Map<string, StoredOrder>> => {
  const { rows } = await pool.query<{ order_id: string; fingerprint: string; event_time: Date }>({
    name: "find-orders",
    text: "SELECT order_id, fingerprint::text, event_time FROM orders WHERE order_id = ANY($1::uuid[])",
    values: [ids],
  });
  return new Map(
    rows.map((row) => [
      row.order_id,
      { fingerprint: row.fingerprint, eventTimeMs: row.event_time.getTime() },
    ]),
  );
};

/**
 * Orders stored and not counted, at most `most` of them, and the age of the oldest. The upper bound holds for every
 * visible row; without it the planner assumes a third of the table for the one-sided range and reads all of it, every
 * second. Not a prepared statement: a plan made while the table was empty reads all of it too.
 */
export const uncounted = async (pool: Pool, most: number): Promise<{ orders: number; oldestMs: number }> => {
  const { rows } = await pool.query<{ orders: string; oldest_ms: number | null }>({
    text: `SELECT count(*)::text AS orders,
                  (extract(epoch FROM clock_timestamp() - min(accepted_at)) * 1000)::float8 AS oldest_ms
           FROM (SELECT accepted_at FROM orders WHERE xid >= (SELECT direct_watermark FROM meta)
                   AND xid < pg_snapshot_xmax(pg_current_snapshot()) ORDER BY xid LIMIT $1) AS oldest`,
    values: [most],
  });
  return { orders: Number(rows[0]?.orders ?? 0), oldestMs: Math.max(0, rows[0]?.oldest_ms ?? 0) };
};
