/**
 * The rollups held against the orders that they are made from. Exact under load: orders and rollups are read in one
 * snapshot, and every counted order is in the rollups of that same snapshot. Buckets older than what retention has
 * left of the orders are history: nothing can vouch for them, so they are neither compared nor repaired.
 */
import { HOUR_MS, iso } from "../domain/time.ts";
import type { Pool } from "./pool.ts";
import { type Caller, type Run, transaction } from "./transaction.ts";

type Unit = "minute" | "hour" | "day";
type Rollup = {
  readonly table: string;
  readonly unit: Unit;
  readonly key: readonly ("store" | "drink")[];
};

export const ROLLUPS: readonly Rollup[] = [
  { table: "rollup_minute", unit: "minute", key: [] },
  { table: "rollup_hour", unit: "hour", key: ["store", "drink"] },
  { table: "rollup_hour_store", unit: "hour", key: ["store"] },
  { table: "rollup_hour_drink", unit: "hour", key: ["drink"] },
  { table: "rollup_day", unit: "day", key: ["drink"] },
];

export type Figures = { readonly orders: number; readonly cents: number };
/** A row of a rollup, over its shards, that is not what its orders say; `null` where there is none. */
export type Difference = {
  readonly rollup: string;
  readonly bucket: string;
  readonly mode: string;
  readonly store: string | null;
  readonly drink: string | null;
  readonly want: Figures | null;
  readonly have: Figures | null;
};
/** What `applied` says that a mode has counted, against the orders that are there. */
export type TotalDifference = { readonly mode: string; readonly want: number; readonly have: number };

export type Differences = {
  /** Orders that were looked at. */
  readonly orders: number;
  /** How many rows differ, per rollup in which some do. */
  readonly rows: Readonly<Record<string, number>>;
  /** The first of them. */
  readonly first: readonly Difference[];
  /** The hours in which they are, and the UTC days of those of the day's rollup. */
  readonly hoursMs: readonly number[];
  readonly daysMs: readonly number[];
  /** The most orders by which one of the rollups differs; a row that differs in revenue alone stands for one. */
  readonly apart: number;
};
export type Reconciled = Differences & {
  readonly totals: readonly TotalDifference[];
  /** Until when retention has taken away what: older buckets were not compared. */
  readonly history: Readonly<Record<string, string>>;
};

/** Differences that are told one by one; beyond them it is not the row that a person looks for. */
const MOST_TOLD = 100;

const utc = (time: string): string => `to_char(${time} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`;
const until = (relation: string): string =>
  `coalesce((SELECT until FROM dropped WHERE relation = '${relation}'), '-infinity')`;
/** Stored orders at or above the watermark wait to be counted. */
const COUNTED = "(xid IS NULL OR xid < (SELECT direct_watermark FROM meta))";

/** Where to look: everywhere, or in spans that are apart; $1 their starts and $2 their ends, $3 a mode or null for all. */
type Scope = "everything" | "spans";
const inSpans = (scope: Scope, time: string): string =>
  scope === "everything"
    ? ""
    : `JOIN unnest($1::timestamptz[], $2::timestamptz[]) AS span (first, after)
         ON ${time} >= span.first AND ${time} < span.after`;
const ofMode = (scope: Scope): string =>
  scope === "everything" ? "" : "AND ($3::text IS NULL OR mode = $3)";

/** The start of the UTC unit, as `date_trunc` counts it in; that took 0.8 us a row, this 0.05. */
const LENGTHS = { minute: "1 minute", hour: "1 hour", day: "24 hours" } as const;
const binned = (unit: Unit, time: string): string => `date_bin('${LENGTHS[unit]}', ${time}, '2000-01-01Z')`;

const keyOf = ({ key }: Rollup): string =>
  (["store", "drink"] as const).map((name) => (key.includes(name) ? name : `'' AS ${name}`)).join(", ");
const isWhole = ({ table }: Rollup): string => `bucket > ${until("orders")} AND bucket >= ${until(table)}`;

const wanted = (rollup: Rollup): string => `
  SELECT '${rollup.table}' AS rollup, bucket, mode, store, drink, sum(orders) AS orders, sum(cents) AS cents
  FROM (SELECT ${rollup.unit === "day" ? binned("day", "hour") : rollup.unit} AS bucket, mode,
               ${keyOf(rollup)}, orders, cents
        FROM grouped WHERE ${rollup.unit === "minute" ? "minute" : "hour"} IS NOT NULL) AS g
  WHERE ${isWhole(rollup)} GROUP BY 2, 3, 4, 5`;
const had = (rollup: Rollup, scope: Scope): string => `
  SELECT '${rollup.table}' AS rollup, bucket, mode, ${keyOf(rollup)}, sum(orders) AS orders, sum(revenue_cents) AS cents
  FROM ${rollup.table} ${inSpans(scope, "bucket")} WHERE ${isWhole(rollup)} ${ofMode(scope)} GROUP BY 2, 3, 4, 5`;

/** Orders are read and grouped once, for all rollups. */
const differing = (rollups: readonly Rollup[], scope: Scope): string => `
WITH grouped AS MATERIALIZED (
  SELECT minute, hour, mode, store, drink, count(*) AS orders, sum(price_cents)::bigint AS cents
  FROM (SELECT ${binned("minute", "event_time")} AS minute, ${binned("hour", "event_time")} AS hour,
               mode, store, drink, price_cents
        FROM orders ${inSpans(scope, "event_time")}
        WHERE event_time > ${until("orders")} AND ${COUNTED} ${ofMode(scope)}) AS counted
  GROUP BY GROUPING SETS ((minute, mode), (hour, mode, store, drink))
), differ AS MATERIALIZED (
  SELECT rollup, bucket, mode, store, drink, want.orders AS want_orders, want.cents AS want_cents,
         have.orders AS have_orders, have.cents AS have_cents
  FROM (${rollups.map(wanted).join(" UNION ALL ")}) AS want
  FULL JOIN (${rollups.map((rollup) => had(rollup, scope)).join(" UNION ALL ")}) AS have
    USING (rollup, bucket, mode, store, drink)
  WHERE want.orders IS DISTINCT FROM have.orders OR want.cents IS DISTINCT FROM have.cents
)`;

const starts = (from: string, unit: Unit, ofDays: "=" | "<>"): string => `
  (SELECT coalesce(json_agg(DISTINCT (extract(epoch FROM ${binned(unit, "bucket")}) * 1000)::bigint), '[]')
   FROM ${from} WHERE rollup ${ofDays} 'rollup_day')`;

/** The answer out of `from`, a relation like `differ`. */
export const told = (from: string, orders: string): string => `
SELECT ${orders} AS orders,
  (SELECT coalesce(json_object_agg(rollup, n), '{}') FROM (SELECT rollup, count(*) AS n FROM ${from} GROUP BY 1) AS r) AS rows,
  (SELECT coalesce(max(apart), 0)::float8 FROM (
    SELECT sum(greatest(1, abs(coalesce(want_orders, 0) - coalesce(have_orders, 0)))) AS apart
    FROM ${from} GROUP BY rollup) AS a) AS apart,
  ${starts(from, "hour", "<>")} AS "hoursMs", ${starts(from, "day", "=")} AS "daysMs",
  (SELECT coalesce(json_agg(json_build_object('rollup', rollup, 'mode', mode,
      'bucket', ${utc("bucket")},
      'store', nullif(store, ''), 'drink', nullif(drink, ''),
      'want', CASE WHEN want_orders IS NOT NULL THEN json_build_object('orders', want_orders, 'cents', want_cents) END,
      'have', CASE WHEN have_orders IS NOT NULL THEN json_build_object('orders', have_orders, 'cents', have_cents) END)), '[]')
   FROM (SELECT * FROM ${from} ORDER BY bucket, rollup, mode, store, drink LIMIT ${MOST_TOLD}) AS f) AS first`;

const ORDERS_LOOKED_AT = "(SELECT coalesce(sum(orders), 0)::float8 FROM grouped WHERE hour IS NOT NULL)";
const ALL_DIFFERENCES = differing(ROLLUPS, "everything") + told("differ", ORDERS_LOOKED_AT);
/** A day is more than an hour can vouch for. */
export const IN_HOURS = differing(
  ROLLUPS.filter(({ unit }) => unit !== "day"),
  "spans",
);
export const IN_DAYS = differing(
  ROLLUPS.filter(({ unit }) => unit === "day"),
  "spans",
);
const HOURS_DIFFERENCES = IN_HOURS + told("differ", ORDERS_LOOKED_AT);

/** Parameters of spans: neighbours of `lengthMs` that touch are one. `starts` are in order. */
export const spansOf = (starts: readonly number[], lengthMs: number): [first: string[], after: string[]] => [
  starts.filter((start, index) => starts[index - 1] !== start - lengthMs).map(iso),
  starts
    .filter((start, index) => starts[index + 1] !== start + lengthMs)
    .map((start) => iso(start + lengthMs)),
];

/** Exact only while every order that was ever counted is still there. */
const TOTALS = `
SELECT mode, coalesce(want, 0)::float8 AS want, coalesce(have, 0)::float8 AS have
FROM (SELECT mode, count(*) AS want FROM orders WHERE ${COUNTED} GROUP BY mode) AS w
FULL JOIN (SELECT source AS mode, sum(orders) AS have FROM applied GROUP BY source) AS h USING (mode)
WHERE coalesce(want, 0) <> coalesce(have, 0) AND NOT EXISTS (SELECT FROM dropped WHERE relation = 'orders')
ORDER BY mode`;

export const totalDifferences = (run: Run): Promise<TotalDifference[]> => run<TotalDifference>(TOTALS);

const HISTORY = `
SELECT coalesce(json_object_agg(relation, ${utc("until")} ORDER BY relation), '{}') AS history
FROM dropped WHERE relation <> 'dead_letters'`;

/** Everything, each part exact by itself; all of them together where the transaction has one snapshot. */
export const allDifferences = async (run: Run): Promise<Reconciled> => ({
  ...singleRow(await run<Differences>(ALL_DIFFERENCES)),
  totals: await totalDifferences(run),
  ...singleRow(await run<Pick<Reconciled, "history">>(HISTORY)),
});

export const isEqual = ({ apart, totals }: Pick<Reconciled, "apart" | "totals">): boolean =>
  apart === 0 && totals.length === 0;

export const singleRow = <T>(rows: readonly T[]): T => {
  const [row] = rows;
  if (row === undefined) throw new Error("the statement returned no row");
  return row;
};

/**
 * The partitions that are there now stay until the end: an order that retention drops is not missed in a snapshot
 * which does not yet know of it. The lock comes before the snapshot.
 */
export const KEEP_PARTITIONS = "LOCK TABLE orders IN ACCESS SHARE MODE";

/** Compares everything, in one snapshot. */
export const reconcile = (pool: Pool, caller: Caller): Promise<Reconciled> =>
  transaction(pool, "ISOLATION LEVEL REPEATABLE READ READ ONLY", caller, async (run) => {
    await run(KEEP_PARTITIONS);
    return allDifferences(run);
  });

/** This hour, a random earlier one, and those of $1; of the earlier ones those of which all is still there. */
const SOME_HOURS = `
WITH kept AS (
  SELECT greatest(min(bucket), (
    SELECT max(until) + interval '1 hour' FROM dropped
    WHERE relation IN ('orders', 'rollup_minute', 'rollup_hour', 'rollup_hour_store', 'rollup_hour_drink'))) AS first
  FROM rollup_hour)
SELECT DISTINCT (extract(epoch FROM hour) * 1000)::float8 AS ms FROM (
  SELECT date_trunc('hour', statement_timestamp(), 'UTC') AS hour
  UNION ALL
  SELECT date_trunc('hour', first + random() * greatest(statement_timestamp() - first, interval '0'), 'UTC')
  FROM kept WHERE first IS NOT NULL
  UNION ALL
  SELECT to_timestamp(again.ms / 1000) FROM kept, unnest($1::float8[]) AS again (ms)
  WHERE to_timestamp(again.ms / 1000) >= first) AS hours`;

/**
 * Compares a mode's figures of two hours, and of those that are to be looked at again: a look that is cheap enough to
 * take all the time. It stays on one core and within the caller's limit.
 */
export const sampleDifferences = (
  pool: Pool,
  mode: string,
  caller: Caller,
  againMs: readonly number[] = [],
): Promise<Differences> =>
  transaction(pool, "ISOLATION LEVEL REPEATABLE READ READ ONLY", caller, async (run) => {
    await run("SET LOCAL max_parallel_workers_per_gather = 0");
    await run(KEEP_PARTITIONS);
    const hours = await run<{ ms: number }>(SOME_HOURS, [againMs]);
    const starts = hours.map(({ ms }) => ms).sort((a, b) => a - b);
    return singleRow(await run<Differences>(HOURS_DIFFERENCES, [...spansOf(starts, HOUR_MS), mode]));
  });
