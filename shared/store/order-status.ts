import type { Pool } from "./pool.ts";

/** The status of an order: stored in PostgreSQL, counted or not yet, or a dead letter that cannot be counted as it is. */
export type OrderStatus =
  | {
      readonly status: "stored" | "counted";
      readonly mode: string;
      readonly store: string;
      readonly drink: string;
      readonly priceCents: number;
      readonly eventTimeMs: number;
      /** Orders with another body that came under its id. */
      readonly conflicts: number;
    }
  | {
      readonly status: "dead";
      readonly mode: string;
      readonly reason: string;
      readonly detail: string;
      readonly discarded: boolean;
    };

/**
 * Of the letters under one id an open one counts more than a discarded one; replayed ones are orders. An order that
 * counts is no longer dead, whatever other letters have its id.
 */
const FIND_STATUS = `
SELECT o.mode, o.store, o.drink, o.price_cents::integer AS cents, o.event_time,
       coalesce(o.xid >= meta.direct_watermark, false) AS waits,
       (SELECT count(*)::integer FROM order_conflicts WHERE order_id = $1) AS conflicts,
       letter.source, letter.reason, letter.detail, letter.discarded
FROM meta LEFT JOIN orders AS o ON o.order_id = $1 LEFT JOIN LATERAL (
  SELECT source, reason, detail, discarded_at IS NOT NULL AS discarded
  FROM dead_letters WHERE order_id = $1 AND replayed_at IS NULL
  ORDER BY discarded_at IS NOT NULL, id DESC LIMIT 1) AS letter ON o.order_id IS NULL`;

/** `null` when the order is unknown: it may still be queued. */
export const findOrderStatus = async (pool: Pool, id: string): Promise<OrderStatus | null> => {
  const query = { name: "order-status", text: FIND_STATUS, values: [id] };
  const row = (await pool.query<StatusRow>(query)).rows[0];
  if (!row) throw new Error("the database has no meta row: run the migrations");
  if (row.mode !== null) {
    const { mode, store, drink, cents, event_time, waits, conflicts } = row;
    const status = waits ? "stored" : "counted";
    return { status, mode, store, drink, priceCents: cents, eventTimeMs: event_time.getTime(), conflicts };
  }
  if (row.source === null) return null;
  const { source, reason, detail, discarded } = row;
  return { status: "dead", mode: source, reason, detail, discarded };
};

type OrderColumns = { mode: string; store: string; drink: string; cents: number; event_time: Date };
type LetterColumns = { source: string; reason: string; detail: string; discarded: boolean };
type StatusRow = { waits: boolean; conflicts: number } & (OrderColumns | { mode: null }) &
  (LetterColumns | { source: null });
