/**
 * Counting: the statements that turn accepted orders into rollups. Each is one statement in one transaction of
 * its own (READ COMMITTED, no BEGIN), so a crash leaves either all of it or nothing.
 *
 * Only rows that the database itself returns are counted. Filtering duplicates in the program counted orders twice
 * that were twice in one batch (4 166 of 4 000).
 */
import type { Client, Pool } from "./pool.ts";

/**
 * `ages` are the freshness of the counted orders: milliseconds from accept to commit, and how many orders had about
 * that age. `more`: stored orders were left for the next statement. `restored`: the database is in another cluster than
 * the one that wrote its transaction ids, so stored orders cannot be counted before `adoptRestored`.
 * `visibleFromMs`: a read at this time of PostgreSQL's clock or later sees the counted orders.
 */
export type Counted = {
  readonly orders: number;
  readonly duplicates: number;
  readonly ages: readonly { readonly ms: number; readonly orders: number }[];
  readonly more: boolean;
  readonly restored: boolean;
  readonly visibleFromMs: number;
};

/** The latest orders kept per part; the board shows this many. */
const RECENT = 50;
/** Time constant of the rate in `applied`, in seconds: long enough to be smooth, short enough to be current. */
const RATE_SECONDS = 10;

/** Ages are reported in steps of 5 %: a few rows for any number of orders of any age. */
const AGE_STEPS = 20;
/**
 * The remaining share at `at` of a rate written at `since`, from 0 to 1. Bounded on both sides: after two idle hours, or
 * with a clock set back, the power leaves a double's range, and PostgreSQL reports that as a data error (22003), so every
 * order of the next batch would have become a dead letter.
 */
export const decayed = (at: string, since: string): string =>
  `exp(-least(60, greatest(0, extract(epoch FROM ${at} - ${since})::float8 / ${RATE_SECONDS})))`;

/**
 * The newest of `counted`. Rows in the order of their time are the worst case of a sort that keeps the first fifty: each
 * displaces another. Rows that cannot be among the newest are therefore excluded by their time first.
 */
const LATEST = `
moments AS MATERIALIZED (
  SELECT accepted_at, count(*) AS n FROM counted GROUP BY 1
), latest AS (
  SELECT coalesce(jsonb_agg(jsonb_build_object(
    'id', order_id, 'drink', drink, 'store', store, 'cents', price_cents,
    'eventTimeMs', (extract(epoch FROM event_time) * 1000)::bigint,
    'acceptedAtMs', (extract(epoch FROM accepted_at) * 1000)::bigint)), '[]') AS orders
  FROM (
    SELECT * FROM counted WHERE accepted_at >= (
      SELECT min(accepted_at) FROM (
        SELECT accepted_at, sum(n) OVER (ORDER BY accepted_at DESC) - n AS newer
        FROM (SELECT * FROM moments ORDER BY accepted_at DESC LIMIT ${RECENT}) AS last_moments) AS ranked
      WHERE newer < ${RECENT})
    ORDER BY accepted_at DESC, order_id DESC LIMIT ${RECENT}) AS newest
`;

/**
 * From `counted` (mode, store, drink, price_cents, event_time, accepted_at, order_id) to every rollup and
 * `applied`. Rows are written in the order of their key: unsorted batches of four workers deadlocked.
 * Parameters: $1 part, $2 source, $3 position.
 */
export const rollUp = (duplicates: string, more = "false", restored = "false"): string => `
base AS MATERIALIZED (
  SELECT minute, date_trunc('hour', minute, 'UTC') AS hour, mode, store, drink, n, cents
  FROM (
    SELECT date_bin('1 minute', event_time, '2000-01-01Z') AS minute, mode, store, drink, count(*) AS n,
           sum(price_cents)::bigint AS cents
    FROM counted GROUP BY 1, 2, 3, 4) AS minutely
), minutes AS (
  INSERT INTO rollup_minute AS r (bucket, mode, shard, orders, revenue_cents)
  SELECT minute, mode, $1::smallint, sum(n), sum(cents) FROM base GROUP BY 1, 2 ORDER BY 1, 2
  ON CONFLICT (bucket, mode, shard) DO UPDATE
  SET orders = r.orders + EXCLUDED.orders, revenue_cents = r.revenue_cents + EXCLUDED.revenue_cents
), hours AS (
  INSERT INTO rollup_hour AS r (bucket, mode, store, drink, shard, orders, revenue_cents)
  SELECT hour, mode, store, drink, $1::smallint, sum(n), sum(cents) FROM base GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
  ON CONFLICT (bucket, mode, store, drink, shard) DO UPDATE
  SET orders = r.orders + EXCLUDED.orders, revenue_cents = r.revenue_cents + EXCLUDED.revenue_cents
), hour_stores AS (
  INSERT INTO rollup_hour_store AS r (bucket, mode, store, shard, orders, revenue_cents)
  SELECT hour, mode, store, $1::smallint, sum(n), sum(cents) FROM base GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
  ON CONFLICT (bucket, mode, store, shard) DO UPDATE
  SET orders = r.orders + EXCLUDED.orders, revenue_cents = r.revenue_cents + EXCLUDED.revenue_cents
), hour_drinks AS (
  INSERT INTO rollup_hour_drink AS r (bucket, mode, drink, shard, orders, revenue_cents)
  SELECT hour, mode, drink, $1::smallint, sum(n), sum(cents) FROM base GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
  ON CONFLICT (bucket, mode, drink, shard) DO UPDATE
  SET orders = r.orders + EXCLUDED.orders, revenue_cents = r.revenue_cents + EXCLUDED.revenue_cents
), days AS (
  INSERT INTO rollup_day AS r (bucket, mode, drink, shard, orders, revenue_cents)
  SELECT date_trunc('day', hour, 'UTC'), mode, drink, $1::smallint, sum(n), sum(cents)
  FROM base GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
  ON CONFLICT (bucket, mode, drink, shard) DO UPDATE
  SET orders = r.orders + EXCLUDED.orders, revenue_cents = r.revenue_cents + EXCLUDED.revenue_cents
), ${LATEST}
), totals AS (
  SELECT (SELECT coalesce(sum(n), 0) FROM base)::bigint AS orders, ${duplicates} AS duplicates,
         (SELECT greatest(0, extract(epoch FROM clock_timestamp() - min(accepted_at)) * 1000)::bigint FROM moments) AS freshness_ms
), written AS (
  INSERT INTO applied AS a (source, part, version, position, orders, duplicates, rate, freshness_ms, recent)
  SELECT $2, $1::smallint, (t.orders > 0)::integer, $3, t.orders, t.duplicates, t.orders / ${RATE_SECONDS}.0,
         t.freshness_ms, latest.orders
  FROM totals AS t, latest
  WHERE t.orders > 0 OR t.duplicates > 0
  ON CONFLICT (source, part) DO UPDATE SET
    version = a.version + EXCLUDED.version,
    position = EXCLUDED.position,
    orders = a.orders + EXCLUDED.orders,
    duplicates = a.duplicates + EXCLUDED.duplicates,
    rate = round((a.rate * ${decayed("clock_timestamp()", "a.updated_at")})::numeric, 6)::float8 + EXCLUDED.rate,
    freshness_ms = coalesce(EXCLUDED.freshness_ms, a.freshness_ms),
    recent = (SELECT coalesce(jsonb_agg(o ORDER BY (o->'acceptedAtMs')::bigint DESC, o->>'id' DESC), '[]') FROM (
      SELECT o FROM jsonb_array_elements(EXCLUDED.recent || a.recent) AS o
      ORDER BY (o->'acceptedAtMs')::bigint DESC, o->>'id' DESC LIMIT ${RECENT}) AS newest),
    updated_at = clock_timestamp()
)
SELECT t.orders::text, t.duplicates::text, (
  SELECT coalesce(json_agg(json_build_object('ms', ms, 'orders', n)), '[]') FROM (
    SELECT round(sum(age * n) / sum(n))::bigint AS ms, sum(n) AS n
    FROM (SELECT greatest(0, date_part('epoch', clock_timestamp() - accepted_at) * 1000) AS age, n FROM moments) AS a
    GROUP BY floor(${AGE_STEPS} * ln(1 + age))) AS aged
) AS ages, ${more} AS more, ${restored} AS restored,
(extract(epoch FROM statement_timestamp()) * 1000)::float8 AS began_ms FROM totals AS t`;

/**
 * Rows of a JSON text: an array of order messages (shared/wire/order-message.ts), which PostgreSQL itself parses, each
 * with its position in the array. Where one id comes with two bodies the first position must win. A sort by id alone
 * leaves their order open: of 1 000 such pairs in one batch it stored the later body of 478 to 489.
 */
export const messagesIn = (json: string): string => `ROWS FROM (json_to_recordset(${json}::json) AS (
  id uuid, store text, drink text, price_cents bigint, event_time timestamptz, accepted_at timestamptz,
  fingerprint bytea)) WITH ORDINALITY AS message (
  id, store, drink, price_cents, event_time, accepted_at, fingerprint, position)`;

/**
 * Sorted in a subquery: a sort right below the INSERT carries its constant columns too, which made the statement 1 % to 2 %
 * slower than a sort by id alone; this form is as fast.
 */
const COUNT_CARRIED = `
WITH input AS MATERIALIZED (
  SELECT * FROM ${messagesIn("$4")}
), counted AS (
  INSERT INTO orders (order_id, mode, store, drink, price_cents, event_time, accepted_at, fingerprint)
  SELECT id, $2, store, drink, price_cents, event_time, accepted_at, fingerprint
  FROM (SELECT * FROM input ORDER BY id, position) AS sorted
  ON CONFLICT DO NOTHING
  RETURNING order_id, mode, store, drink, price_cents, event_time, accepted_at
), ${rollUp("(SELECT count(*) FROM input) - (SELECT coalesce(sum(n), 0) FROM base)::bigint")}`;

export type CarriedBatch = {
  readonly source: string;
  readonly part: number;
  readonly position: string;
  readonly messages: string;
};

/**
 * Counts the orders of `messages` (JSON text of an array), each once however often it comes. Rejects with the
 * database's error: poison (see errors.ts) when one of the orders can never be counted, and then none of them is.
 */
export const countCarried = async (pool: Pool | Client, batch: CarriedBatch): Promise<Counted> => {
  const values = [batch.part, batch.source, batch.position, batch.messages];
  const askedAtMs = performance.now();
  const { rows } = await pool.query<CountedRow>({ name: "count-carried", text: COUNT_CARRIED, values });
  return countedOf(rows[0], performance.now() - askedAtMs);
};

export type CountedRow = Pick<Counted, "ages" | "restored"> & {
  orders: string;
  duplicates: string;
  more: boolean | null;
  began_ms: number;
};

/** The commit came within `tookMs` of the statement's start; unknown for a statement in a longer transaction. */
export const countedOf = (row: CountedRow | undefined, tookMs = Number.POSITIVE_INFINITY): Counted => {
  if (!row) throw new Error("the counting statement returned no row");
  const { ages, more, restored } = row;
  return {
    orders: Number(row.orders),
    duplicates: Number(row.duplicates),
    ages,
    more: more === true,
    restored,
    visibleFromMs: row.began_ms + tookMs,
  };
};

/**
 * A fingerprint is 16 bytes (shared/wire/order-message.ts). Another program that writes to a stream may send any number,
 * and an index rejects entries above 2 704 bytes.
 */
const MAX_FINGERPRINT_BYTES = 64;

const RECORD_CONFLICTS = `
INSERT INTO order_conflicts (order_id, fingerprint, mode, store, drink, price_cents, event_time, accepted_at)
SELECT message.id, substring(message.fingerprint FOR ${MAX_FINGERPRINT_BYTES}), $1, message.store, message.drink,
       message.price_cents, message.event_time, message.accepted_at
FROM ${messagesIn("$2")} JOIN orders ON orders.order_id = message.id
WHERE orders.fingerprint <> message.fingerprint
ORDER BY 1, 2
ON CONFLICT DO NOTHING
RETURNING order_id`;

/**
 * Stores each order of a counted batch whose id belongs to an order with another body; resolves with the ids of those not
 * stored before. Call it after counting has found duplicates, as a separate statement: the snapshot of the counting
 * cannot see a concurrent order that it conflicted with.
 */
export const recordConflicts = async (
  pool: Pool | Client,
  { source, messages }: Pick<CarriedBatch, "source" | "messages">,
): Promise<string[]> => {
  const { rows } = await pool.query<{ order_id: string }>({
    name: "record-conflicts",
    text: RECORD_CONFLICTS,
    values: [source, messages],
  });
  return rows.map((row) => row.order_id);
};
