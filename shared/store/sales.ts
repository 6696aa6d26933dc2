import { DAY_MS } from "../domain/time.ts";
import type { Pool } from "./pool.ts";

export type SalesBucket = "minute" | "hour" | "day";

/** A row of the history; `store` and `drink` are null where it is not split by them. */
export type SalesRow = {
  readonly bucketMs: number;
  readonly mode: string;
  readonly store: string | null;
  readonly drink: string | null;
  readonly orders: number;
  readonly cents: number;
};

export type SalesQuery = {
  readonly bucket: SalesBucket;
  /** Minutes are for all stores and drinks together: split by them a read cost 350-520 ms with 10 000 stores. */
  readonly byStore: boolean;
  readonly byDrink: boolean;
  /** Start of the first bucket, and the end of the last. */
  readonly fromMs: number;
  readonly toMs: number;
  /** For bucket `day`: the starts of the days, and the end of the last. Missing means days of UTC. */
  readonly days?: readonly number[] | undefined;
  readonly mode?: string | undefined;
  /** These two only where the rows are split by them. */
  readonly store?: string | undefined;
  readonly drink?: string | undefined;
  readonly limit: number;
  /** The key of the last row already seen. */
  readonly after?: SalesKey | undefined;
};

export type SalesKey = readonly [bucketMs: number, mode: string, store: string, drink: string];

type Shape = Pick<SalesQuery, "bucket" | "byStore" | "byDrink" | "days">;

/** The smallest rollup that has the answer. */
const rollupFor = (shape: Shape): string => {
  const { bucket, byStore, byDrink } = shape;
  if (bucket === "minute") return "rollup_minute";
  if (byStore) return byDrink ? "rollup_hour" : "rollup_hour_store";
  return bucket === "hour" || sumsHours(shape) ? "rollup_hour_drink" : "rollup_day";
};

/** Whether a row of the answer is a sum over the hours of its day: the rollup of days has no stores, and days of UTC. */
export const sumsHours = ({ bucket, byStore, days }: Shape): boolean =>
  bucket === "day" && (byStore || days !== undefined);

/**
 * The history from the rollups, in the order of bucket, mode, store, drink by code point.
 *
 * Statements are not prepared: each is planned for its own values and reads one index from the cursor on, as far as the
 * page needs. A prepared statement would have one plan for all of them. A statement over the pool's limit rejects with
 * SQLSTATE 57014.
 */
export const readSales = async (pool: Pool, query: SalesQuery): Promise<SalesRow[]> => {
  const isWithin = query.after !== undefined && query.after[0] >= query.fromMs;
  const page: SalesQuery = { ...query, after: isWithin ? query.after : undefined };
  const values: Given[] = [];
  const value: Value = (given, type) => `$${values.push(given)}::${type}`;
  const text = sumsHours(page) ? summedHours(page, value) : asItStands(page, value);
  const { rows } = await pool.query<SalesRecord>(text, values);
  return rows.map(({ bucket_ms, mode, store, drink, orders, cents }) => ({
    bucketMs: bucket_ms,
    mode,
    store,
    drink,
    orders,
    cents,
  }));
};

type SalesRecord = {
  bucket_ms: number;
  mode: string;
  store: string | null;
  drink: string | null;
  orders: number;
  cents: number;
};

/** Adds a value to the statement; returns its placeholder. */
type Value = (given: Given, type: "text" | "float8" | "bigint" | "float8[]") => string;
type Given = string | number | readonly number[];
type Column = "mode" | "store" | "drink";
const PLACES: Record<Column, 1 | 2 | 3> = { mode: 1, store: 2, drink: 3 };

const moment = (ms: number, value: Value): string => `to_timestamp(${value(ms, "float8")} / 1000)`;

/** The key of a row besides its bucket. */
const keyOf = ({ byStore, byDrink }: SalesQuery): Column[] => {
  const columns: Column[] = ["mode"];
  if (byStore) columns.push("store");
  if (byDrink) columns.push("drink");
  return columns;
};

/**
 * Keys behind the cursor: where the index scan continues. With one store that is left to a filter: PostgreSQL 18 seeks
 * that store in each bucket, unless a comparison of whole keys makes it read all stores instead (170 ms for 3 ms).
 */
const behind = (query: SalesQuery, columns: readonly string[], last: readonly string[]): string =>
  ` AND ((${columns.join(", ")}) > (${last.join(", ")}))${query.store === undefined ? "" : " IS TRUE"}`;

const filterOf = (query: SalesQuery, columns: readonly Column[], value: Value): string =>
  columns
    .map((column) => [column, query[column]] as const)
    .map(([column, wanted]) => (wanted === undefined ? "" : ` AND ${column} = ${value(wanted, "text")}`))
    .join("");

const columnsOf = ({ byStore, byDrink }: SalesQuery, bucket: string): string =>
  `(extract(epoch FROM ${bucket}) * 1000)::float8 AS bucket_ms, mode, ${byStore ? "" : "NULL AS "}store, ${
    byDrink ? "" : "NULL AS "
  }drink`;

/** Rows of a rollup, its shards summed. */
const asItStands = (query: SalesQuery, value: Value): string => {
  const { after } = query;
  const key = keyOf(query);
  const columns = ["bucket", ...key].join(", ");
  const last = (of: SalesKey): string[] => [
    moment(of[0], value),
    ...key.map((column) => value(of[PLACES[column]], "text")),
  ];
  return `
SELECT ${columnsOf(query, "bucket")}, sum(orders)::float8 AS orders, sum(revenue_cents)::float8 AS cents
FROM ${rollupFor(query)}
WHERE bucket >= ${moment(after?.[0] ?? query.fromMs, value)} AND bucket < ${moment(query.toMs, value)}
 ${after ? behind(query, ["bucket", ...key], last(after)) : ""}${filterOf(query, key, value)}
GROUP BY ${columns} ORDER BY ${columns} LIMIT ${value(query.limit, "bigint")}`;
};

/**
 * Day after day until the page is full, and of each hour of a day only as many keys as the page may take: a key among the
 * first of the day is among the first of its hours. Summing whole days before the page is cut took 7.5 s with
 * 10 000 stores and 20 drinks; this takes 0.05 s.
 */
const summedHours = (query: SalesQuery, value: Value): string => {
  const { after } = query;
  const key = keyOf(query);
  const columns = key.join(", ");
  const firstMs = after?.[0] ?? query.fromMs;
  const starts = (query.days ?? daysOfUtc(query)).filter((startMs) => startMs >= firstMs);
  const [from, until] = [starts.slice(0, -1), starts.slice(1)].map((each) => value(each, "float8[]"));
  // the cursor is in the first day; the other days start before every name
  const last = (of: SalesKey): string[] =>
    key.map(
      (column) =>
        `CASE WHEN day = ${moment(firstMs, value)} THEN ${value(of[PLACES[column]], "text")} ELSE '' END`,
    );
  const limit = value(query.limit, "bigint");
  return `
SELECT ${columnsOf(query, "day")}, orders::float8 AS orders, revenue_cents::float8 AS cents
FROM (
  SELECT day, next FROM (
    SELECT to_timestamp(from_ms / 1000) AS day, to_timestamp(until_ms / 1000) AS next
    FROM unnest(${from}, ${until}) AS range (from_ms, until_ms)
  ) AS days
  -- of the days of UTC that overlap with it
  WHERE EXISTS (SELECT FROM rollup_day
    WHERE bucket > day - interval '24 hours' AND bucket < next${filterOf(query, ["mode", "drink"], value)})
  ORDER BY day
) AS days CROSS JOIN LATERAL (
  SELECT ${columns}, sum(orders) AS orders, sum(revenue_cents) AS revenue_cents
  FROM generate_series(day, next - interval '1 hour', '1 hour') AS hour CROSS JOIN LATERAL (
    SELECT ${columns}, sum(orders) AS orders, sum(revenue_cents) AS revenue_cents
    FROM ${rollupFor(query)}
    WHERE bucket = hour${after ? behind(query, key, last(after)) : ""}${filterOf(query, key, value)}
    GROUP BY ${columns} ORDER BY ${columns} LIMIT ${limit}
  ) AS of_hour
  GROUP BY ${columns} ORDER BY ${columns} LIMIT ${limit}
) AS of_day
ORDER BY day, ${columns} LIMIT ${limit}`;
};

const daysOfUtc = ({ fromMs, toMs }: SalesQuery): number[] =>
  Array.from({ length: (toMs - fromMs) / DAY_MS + 1 }, (_, day) => fromMs + day * DAY_MS);
