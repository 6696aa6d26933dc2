/** What a dashboard has to show, recomputed out of the orders themselves, and what one shows. */
import type { Dashboard } from "#shared/domain/dashboard.ts";
import type { Pool } from "#shared/store/pool.ts";

export type Figures = {
  readonly orders: number;
  readonly hourOrders: number;
  readonly hourCents: number;
  readonly topDrinks: readonly string[];
};

// An order of a later hour is of that hour, however it came to be dated so: by a clock that is ahead.
const FIGURES = `
WITH sold AS (
  SELECT drink, price_cents,
         event_time >= hour AND event_time < hour + interval '1 hour' AS is_of_hour,
         event_time >= day - interval '696 hours' AND event_time < day + interval '24 hours' AS is_of_month
  FROM orders, (SELECT date_trunc('hour', now(), 'UTC') AS hour, date_trunc('day', now(), 'UTC') AS day) AS now
  WHERE mode = $1)
SELECT count(*)::float8 AS "orders",
       count(*) FILTER (WHERE is_of_hour)::float8 AS "hourOrders",
       coalesce(sum(price_cents) FILTER (WHERE is_of_hour), 0)::float8 AS "hourCents",
       (SELECT coalesce(json_agg(drink), '[]') FROM
         (SELECT drink FROM sold WHERE is_of_month GROUP BY drink ORDER BY count(*) DESC, drink LIMIT 5) AS top) AS "topDrinks"
FROM sold`;

/** All orders of the mode, those of this hour, and the top drinks of today and the 29 days before. */
export const figuresIn = async (pool: Pool, mode: string): Promise<Figures> => {
  const { rows } = await pool.query<Figures>(FIGURES, [mode]);
  const [row] = rows;
  if (row === undefined) throw new Error("an aggregate without a row");
  return row;
};

export const figuresOf = (dashboard: Dashboard | null, mode: string): Figures => ({
  orders: dashboard?.modes[mode]?.orders ?? 0,
  hourOrders: dashboard?.current_hour?.order_count ?? 0,
  hourCents: Math.round((dashboard?.current_hour?.revenue ?? 0) * 100),
  topDrinks: dashboard?.top5_drinks ?? [],
});
