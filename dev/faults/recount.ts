/** Rollups held against what they are made from. */
import type { Pool } from "#shared/store/pool.ts";

const ROLLUPS: readonly (readonly [table: string, unit: string, ...key: string[]])[] = [
  ["rollup_minute", "minute"],
  ["rollup_hour", "hour", "store", "drink"],
  ["rollup_hour_store", "hour", "store"],
  ["rollup_hour_drink", "hour", "drink"],
  ["rollup_day", "day", "drink"],
];

/**
 * Every rollup row that differs from a recomputation out of `orders`, in all five tables; [] when they are exact. It
 * stands beside shared/store/reconcile.ts on purpose: written otherwise, it checks that one too.
 */
export const driftOf = async (pool: Pool): Promise<unknown[]> => {
  const perTable = ROLLUPS.map(([table, unit, ...key]) => {
    const names = ["mode", ...key].join(", ");
    return `SELECT '${table}' AS rollup, key, want.orders AS want, have.orders AS have, want.cents AS want_cents, have.cents AS have_cents
      FROM (SELECT concat_ws('|', date_trunc('${unit}', event_time, 'UTC'), ${names}) AS key, count(*) AS orders,
                   sum(price_cents) AS cents FROM orders GROUP BY 1) AS want
      FULL JOIN (SELECT concat_ws('|', bucket, ${names}) AS key, sum(orders) AS orders, sum(revenue_cents) AS cents
                 FROM ${table} GROUP BY 1) AS have USING (key)
      WHERE want.orders IS DISTINCT FROM have.orders OR want.cents IS DISTINCT FROM have.cents`;
  });
  return (await pool.query(perTable.join(" UNION ALL "))).rows;
};

/** A number that a statement returns as its only value. */
export const numberOf = async (pool: Pool, sql: string, values: unknown[] = []): Promise<number> => {
  const { rows } = await pool.query<unknown[]>({ text: sql, values, rowMode: "array" });
  return Number(rows[0]?.[0]);
};

/** Since the server last started anew: what it knew before is gone with a crash. */
export const deadlocksIn = (pool: Pool): Promise<number> =>
  numberOf(pool, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()");

/** Takes every order and rollup away: a tenth of the time of a fresh database. */
export const emptied = async (pool: Pool): Promise<void> => {
  const tables = ["orders", "applied", "dead_letters", "order_conflicts", ...ROLLUPS.map(([table]) => table)];
  await pool.query(tables.map((table) => `DELETE FROM ${table}`).join(";"));
};
