/**
 * The best-selling stores of an hour. With 10 000 stores this is the costly part of the board (0.1 s and more), so it is
 * read separately, and one ranking serves the boards of the next second.
 */
import { type Board, TOP_STORES } from "../domain/board.ts";
import type { Client, Pool } from "./pool.ts";

/** `view` is a mode or `all`. */
export type StoreRow = {
  readonly view: string;
  readonly name: string;
  readonly orders: number;
  readonly cents: number;
};

export type Ranking = {
  readonly epoch: number;
  readonly hourStartMs: number;
  /** PostgreSQL's clock at the read, in microseconds since 1970. */
  readonly asOfUs: number;
  readonly stores: readonly StoreRow[];
};

/** Summed as doubles, exact to 2^53: numeric sums take twice the time. */
const RANK_STORES = `
WITH sold AS MATERIALIZED (
  SELECT mode, store, sum(orders::float8) AS orders, sum(revenue_cents::float8) AS cents
  FROM rollup_hour_store WHERE bucket = to_timestamp($1::float8 / 1000) GROUP BY mode, store
), modes AS (SELECT DISTINCT mode FROM sold)
(SELECT 'all' AS view, store AS name, sum(orders) AS orders, sum(cents) AS cents
 FROM sold GROUP BY store ORDER BY 3 DESC, store COLLATE "C" LIMIT ${TOP_STORES})
UNION ALL
SELECT modes.mode, top.* FROM modes, LATERAL (
  SELECT store, orders, cents FROM sold WHERE sold.mode = modes.mode
  ORDER BY orders DESC, store COLLATE "C" LIMIT ${TOP_STORES}) AS top`;

const READ_STORES = `
SELECT coalesce(mode, 'all') AS view, store AS name, sum(orders)::float8 AS orders, sum(revenue_cents)::float8 AS cents
FROM rollup_hour_store WHERE bucket = to_timestamp($1::float8 / 1000) AND store = ANY($2::text[])
GROUP BY GROUPING SETS ((mode, store), (store))`;

const NOW = `
SELECT epoch::float8 AS epoch, (extract(epoch FROM statement_timestamp()) * 1000000)::float8 AS as_of_us,
       (extract(epoch FROM date_trunc('hour', statement_timestamp(), 'UTC')) * 1000)::float8 AS hour_start_ms
FROM meta`;

/** The best stores of an hour, in the snapshot of `database`. */
export const rankStores = async (database: Pool | Client, hourStartMs: number): Promise<StoreRow[]> =>
  (await database.query<StoreRow>({ name: "rank-stores", text: RANK_STORES, values: [hourStartMs] })).rows;

/** The named stores of an hour, by their key. */
export const readStores = async (
  client: Client,
  hourStartMs: number,
  names: readonly string[],
): Promise<StoreRow[]> => {
  if (names.length === 0) return [];
  const values = [hourStartMs, names];
  return (await client.query<StoreRow>({ name: "read-stores", text: READ_STORES, values })).rows;
};

/** The current ranking. Its time is taken before its read, so it never claims to be newer than it is. */
export const readRanking = async (pool: Pool): Promise<Ranking> => {
  const { rows } = await pool.query<{ epoch: number; as_of_us: number; hour_start_ms: number }>(NOW);
  const now = rows[0];
  if (!now) throw new Error("the database has no meta row: run the migrations");
  const { epoch, as_of_us: asOfUs, hour_start_ms: hourStartMs } = now;
  return { epoch, asOfUs, hourStartMs, stores: await rankStores(pool, hourStartMs) };
};

/** The ranking that a board was published with. */
export const rankingIn = ({ epoch, hourStartMs, storesAsOfUs, views }: Board): Ranking => ({
  epoch,
  hourStartMs,
  asOfUs: storesAsOfUs,
  stores: Object.entries(views).flatMap(([view, { hourStores }]) =>
    hourStores.map((store) => ({ view, ...store })),
  ),
});
