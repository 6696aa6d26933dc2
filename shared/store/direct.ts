/** What v1 does with the orders table itself: store, look up, and see what is not counted yet. */
import { messagesIn } from "./count.ts";
import type { Pool } from "./pool.ts";

const STORE_ORDERS = `
INSERT INTO orders (order_id, mode, store, drink, price_cents, event_time, accepted_at, fingerprint, xid)
SELECT id, $1, store, drink, price_cents, event_time, accepted_at, fingerprint, pg_current_xact_id()
FROM ${messagesIn("$2")}
ORDER BY id
ON CONFLICT DO NOTHING
RETURNING order_id`;

/** Stores the orders of `messages` (JSON text of an array) in one commit; resolves with the ids that are new. */
export const storeOrders = async (pool: Pool, mode: string, messages: string): Promise<Set<string>> => {
  const values = [mode, messages];
  const { rows } = await pool.query<{ order_id: string }>({
    name: "store-orders",
    text: STORE_ORDERS,
    values,
  });
  return new Set(rows.map((row) => row.order_id));
};

/** What is known of a stored order: enough to tell the same order again and to answer it as before. */
export type StoredOrder = { readonly fingerprint: string; readonly eventTimeMs: number };

/**
 * Stored orders by id. A statement of its own on purpose: the snapshot of the INSERT cannot see the concurrent
 * order that it lost against.
 */
export const findOrders = async (pool: Pool, ids: readonly string[]): Promise<Map<string, StoredOrder>> => {
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
 * Orders stored and not counted, at most `most` of them, and the age of the oldest. The upper bound holds for every row that can be seen; it
 * is there because the planner takes a third of the table for one open side and reads all of it, every second.
 */
export const uncounted = async (pool: Pool, most: number): Promise<{ orders: number; oldestMs: number }> => {
  const { rows } = await pool.query<{ orders: string; oldest_ms: number | null }>({
    name: "uncounted",
    text: `SELECT count(*)::text AS orders,
                  (extract(epoch FROM clock_timestamp() - min(accepted_at)) * 1000)::float8 AS oldest_ms
           FROM (SELECT accepted_at FROM orders WHERE xid >= (SELECT direct_watermark FROM meta)
                   AND xid < pg_snapshot_xmax(pg_current_snapshot()) ORDER BY xid LIMIT $1) AS oldest`,
    values: [most],
  });
  return { orders: Number(rows[0]?.orders ?? 0), oldestMs: Math.max(0, rows[0]?.oldest_ms ?? 0) };
};
