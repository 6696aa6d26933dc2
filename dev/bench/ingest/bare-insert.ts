/** The ceiling of storing: a program that does nothing but send rows to PostgreSQL. */
import { iso } from "#shared/domain/time.ts";
import { openPool } from "#shared/store/pool.ts";
import { newOrderId } from "../../../services/order-api/routes/orders.ts";

/** As many as v1 has. */
const AT_ONCE = 2;
const TIMEOUT_MS = 10_000;
const FINGERPRINT = `\\x${"0".repeat(32)}`;

/** One array a column: of the ways to send many rows in one statement the fastest from Node. */
const INSERT = `
INSERT INTO orders (order_id, mode, store, drink, price_cents, event_time, accepted_at, fingerprint)
SELECT id, 'bare', store, drink, price_cents, event_time, accepted_at, fingerprint
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::timestamptz[], $6::timestamptz[], $7::bytea[])
  AS row (id, store, drink, price_cents, event_time, accepted_at, fingerprint)`;

/** Rows per second. */
export const bareInsertsPerSecond = async (
  databaseUrl: string,
  rows: number,
  seconds: number,
): Promise<number> => {
  const pool = openPool(
    {
      databaseUrl,
      program: "coffee-bench",
      maxConnections: AT_ONCE,
      statementTimeoutMs: TIMEOUT_MS,
      connectTimeoutMs: TIMEOUT_MS,
    },
    () => undefined,
  );
  let inserted = 0;
  const until = performance.now() + seconds * 1_000;
  const insert = async (): Promise<void> => {
    while (performance.now() < until) {
      const now = iso(Date.now());
      const column = (value: unknown): unknown[] => Array(rows).fill(value);
      const ids = Array.from({ length: rows }, newOrderId);
      const values = [ids, "uptown", "latte", 450, now, now, FINGERPRINT].map((value) =>
        Array.isArray(value) ? value : column(value),
      );
      await pool.query({ name: "bare-insert", text: INSERT, values });
      inserted += rows;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, insert));
  await pool.end();
  return inserted / seconds;
};
