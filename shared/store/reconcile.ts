/**
 * Compares the rollups with the orders that they are computed from. Exact under load: orders and rollups are read in one
 * snapshot, and every counted order is in the rollups of that same snapshot. Buckets whose orders retention has dropped
 * cannot be verified, so they are neither compared nor repaired.
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
/** A row of a rollup, summed over its shards, that differs from its orders; `null` where there is none. */
export type Difference = {
  readonly rollup: string;
  readonly bucket: string;
  readonly mode: string;
  readonly store: string | null;
  readonly drink: string | null;
  readonly want: Figures | null;
  readonly have: Figures | null;
};
/** A mode's total in `applied` that differs from the stored orders. */
export type TotalDifference = { readonly mode: string; readonly want: number; readonly have: number };

export type Differences = {
  /** Orders that were compared. */
  readonly orders: number;
  /** The number of differing rows, by rollup; rollups without any are omitted. */
  readonly rows: Readonly<Record<string, number>>;
  /** The first of them. */
  readonly first: readonly Difference[];
  /** The hours that contain them, and the UTC days of those in the rollup of days. */
  readonly hoursMs: readonly number[];
  readonly daysMs: readonly number[];
  /** The largest number of orders by which a rollup differs; a row that differs in revenue alone counts as one. */
  readonly apart: number;
};
export type Reconciled = Differences & {
  readonly totals: readonly TotalDifference[];
  /** Retention has dropped the events up to this time, by relation: older buckets were not compared. */
  readonly history: Readonly<Record<string, string>>;
};

/** Differences that are returned one by one; with more of them, single rows no longer help the operator. */
const MAX_DIFFERENCES = 100;

const utc = (time: string): string => `to_char(${time} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`;
const until = (relation: string): string =>
  `coalesce((SELECT until FROM dropped WHERE relation = '${relation}'), '-infinity')`;
/** Stored orders at or above the watermark are not counted yet. */
const COUNTED = "(xid IS NULL OR xid < (SELECT direct_watermark FROM meta))";

/** What to compare: everything, or separate spans; $1 their starts and $2 their ends, $3 a mode or null for all. */
type Scope = "everything" | "spans";
const inSpans = (scope: Scope, time: string): string =>
  scope === "everything"
    ? ""
    : `JOIN unnest($1::timestamptz[], $2::timestamptz[]) AS span (first, after)
         ON ${time} >= span.first AND ${time} < span.after`;
const ofMode = (scope: Scope): string =>
  scope === "everything" ? "" : "AND ($3::text IS NULL OR mode = $3)";

/** Lengths for `date_bin`; `date_trunc` took 0.8 us a row, `date_bin` takes 0.05. */
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

/** Orders are read and grouped once for all rollups. */
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

/** The result, computed from `from`, a relation like `differ`. */
export const summaryOf = (from: string, orders: string): string => `
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
   FROM (SELECT * FROM ${from} ORDER BY bucket, rollup, mode, store, drink LIMIT ${MAX_DIFFERENCES}) AS f) AS first`;

const ORDERS_LOOKED_AT = "(SELECT coalesce(sum(orders), 0)::float8 FROM grouped WHERE hour IS NOT NULL)";
const ALL_DIFFERENCES = differing(ROLLUPS, "everything") + summaryOf("differ", ORDERS_LOOKED_AT);
/** Without the rollup of days: an hour cannot verify a day. */
export const IN_HOURS = differing(
  ROLLUPS.filter(({ unit }) => unit !== "day"),
  "spans",
);
export const IN_DAYS = differing(
  ROLLUPS.filter(({ unit }) => unit === "day"),
  "spans",
);
const HOURS_DIFFERENCES = IN_HOURS + summaryOf("differ", ORDERS_LOOKED_AT);

/** Parameters of spans: adjacent spans of `lengthMs` are merged. `starts` are sorted. */
export const spansOf = (starts: readonly number[], lengthMs: number): [first: string[], after: string[]] => [
  starts.filter((start, index) => starts[index - 1] !== start - lengthMs).map(iso),
  starts
    .filter((start, index) => starts[index + 1] !== start + lengthMs)
    .map((start) => iso(start + lengthMs)),
];

/** Exact only while retention has dropped no counted order. */
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

/** Compares everything; each part is exact, and all parts together only in one snapshot. */
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
 * Keeps the present partitions until the end: a snapshot that precedes retention's commit would otherwise miss the orders
 * that retention drops. The lock is taken before the snapshot.
 */
export const KEEP_PARTITIONS = "LOCK TABLE orders IN ACCESS SHARE MODE";

/** Compares everything, in one snapshot. */
export const reconcile = (pool: Pool, caller: Caller): Promise<Reconciled> =>
  transaction(pool, "ISOLATION LEVEL REPEATABLE READ READ ONLY", caller, async (run) => {
    await run(KEEP_PARTITIONS);
    return allDifferences(run);
  });

/** This hour, a random earlier one, and those of $1; of the earlier ones only those whose orders are all stored. */
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
 * Compares a mode's rollups of two hours, and of those to be compared again: cheap enough to run continuously. It uses
 * one core and stays within the caller's limit.
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
