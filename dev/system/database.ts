/** PostgreSQL and Redis as seen from outside of the programs: by audits, faults and tests. */
import { closeRedis, openRedis, type RedisClient, redisOptions } from "#shared/runtime/redis.ts";
import { openPool, type Pool } from "#shared/store/pool.ts";

const STATEMENT_MS = 30_000;

export const openDatabase = (databaseUrl: string): Pool =>
  openPool(
    {
      databaseUrl,
      program: "coffee-audit",
      maxConnections: 2,
      statementTimeoutMs: STATEMENT_MS,
      connectTimeoutMs: STATEMENT_MS,
    },
    // a fault may stop the server; the next statement opens a new connection
    () => undefined,
  );

/** Closes its connections when the work ends. */
export const withDatabase = async <T>(databaseUrl: string, work: (pool: Pool) => Promise<T>): Promise<T> => {
  const pool = openDatabase(databaseUrl);
  try {
    return await work(pool);
  } finally {
    await pool.end();
  }
};

export const withRedis = async <T>(url: string, work: (client: RedisClient) => Promise<T>): Promise<T> => {
  const client = openRedis(url, { ...redisOptions("coffee-audit"), lazyConnect: true }, () => undefined);
  try {
    await client.connect();
    return await work(client);
  } finally {
    await closeRedis(client);
  }
};

/** The only value of a statement, as a number. */
export const numberOf = async (pool: Pool, sql: string, values: unknown[] = []): Promise<number> => {
  const { rows } = await pool.query<unknown[]>({ text: sql, values, rowMode: "array" });
  return Number(rows[0]?.[0]);
};

/** Since the last crash of the server, which resets its statistics. */
export const deadlocksIn = (pool: Pool): Promise<number> =>
  numberOf(pool, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()");

const ROLLUPS: readonly (readonly [table: string, unit: string, ...key: string[]])[] = [
  ["rollup_minute", "minute"],
  ["rollup_hour", "hour", "store", "drink"],
  ["rollup_hour_store", "hour", "store"],
  ["rollup_hour_drink", "hour", "drink"],
  ["rollup_day", "day", "drink"],
];

/** A rollup row, over its shards, that differs from the orders; null where there is none. */
export type Drift = {
  readonly rollup: string;
  /** Bucket, mode and the columns of the rollup's key. */
  readonly key: string;
  readonly want: string | null;
  readonly have: string | null;
  readonly want_cents: string | null;
  readonly have_cents: string | null;
};

/**
 * Every rollup row that differs from a recomputation of the orders; [] when all five tables are exact. Deliberately
 * written apart from shared/store/reconcile.ts, so that it verifies that module too.
 */
export const driftOf = async (pool: Pool): Promise<Drift[]> => {
  const perTable = ROLLUPS.map(([table, unit, ...key]) => {
    const names = ["mode", ...key].join(", ");
    return `SELECT '${table}' AS rollup, key, want.orders AS want, have.orders AS have, want.cents AS want_cents, have.cents AS have_cents
      FROM (SELECT concat_ws('|', date_trunc('${unit}', event_time, 'UTC'), ${names}) AS key, count(*) AS orders,
                   sum(price_cents) AS cents FROM orders GROUP BY 1) AS want
      FULL JOIN (SELECT concat_ws('|', bucket, ${names}) AS key, sum(orders) AS orders, sum(revenue_cents) AS cents
                 FROM ${table} GROUP BY 1) AS have USING (key)
      WHERE want.orders IS DISTINCT FROM have.orders OR want.cents IS DISTINCT FROM have.cents`;
  });
  return (await pool.query<Drift>(perTable.join(" UNION ALL "))).rows;
};

export type Tally = { readonly orders: number; readonly cents: number };

/** What the tables hold of one mode, read in one snapshot. */
export type Totals = {
  readonly stored: Tally;
  /** By table. */
  readonly rollups: Readonly<Record<string, Tally>>;
  /** By `applied`: orders that were counted, and redeliveries that were recognised. */
  readonly applied: number;
  readonly duplicates: number;
  readonly deadLetters: number;
};

const tallySql = (table: string, orders: string, cents: string): string =>
  `SELECT '${table}' AS name, coalesce(${orders}, 0)::float8 AS orders, coalesce(${cents}, 0)::float8 AS cents
   FROM ${table} WHERE mode = $1`;
const TOTALS = [
  tallySql("orders", "count(*)", "sum(price_cents)"),
  ...ROLLUPS.map(([table]) => tallySql(table, "sum(orders)", "sum(revenue_cents)")),
  `SELECT 'applied', coalesce(sum(orders), 0)::float8, 0 FROM applied WHERE source = $1`,
  `SELECT 'duplicates', coalesce(sum(duplicates), 0)::float8, 0 FROM applied WHERE source = $1`,
  `SELECT 'dead letters', count(*)::float8, 0 FROM dead_letters WHERE source = $1`,
].join(" UNION ALL ");

export const totalsOf = async (pool: Pool, mode: string): Promise<Totals> => {
  const { rows } = await pool.query<Tally & { name: string }>(TOTALS, [mode]);
  const tallies = new Map(rows.map(({ name, orders, cents }) => [name, { orders, cents }]));
  const of = (name: string): Tally => tallies.get(name) ?? { orders: Number.NaN, cents: Number.NaN };
  return {
    stored: of("orders"),
    rollups: Object.fromEntries(ROLLUPS.map(([table]) => [table, of(table)])),
    applied: of("applied").orders,
    duplicates: of("duplicates").orders,
    deadLetters: of("dead letters").orders,
  };
};

/** Deletes every order and rollup: takes a tenth of the time of a new database. */
export const emptied = async (pool: Pool): Promise<void> => {
  const tables = ["orders", "applied", "dead_letters", "order_conflicts", ...ROLLUPS.map(([table]) => table)];
  await pool.query(tables.map((table) => `DELETE FROM ${table}`).join(";"));
};
