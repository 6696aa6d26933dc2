/**
 * Rebuilds rollups that differ from their orders, while orders are accepted and counted.
 *
 * Differences are searched before anything is locked, because that takes as long as reading all orders. Then counting is
 * locked out, the hours (for the rollup of days, the days) with differences are compared again in a snapshot taken after
 * the lock, and the rows that still differ are rewritten. Every counting statement writes `applied` and locks it before
 * it takes its snapshot, so no statement is partly in that snapshot, and v1's watermark does not move.
 */
import { DAY_MS, HOUR_MS } from "../domain/time.ts";
import { sqlStateOf } from "./errors.ts";
import type { Pool } from "./pool.ts";
import {
  allDifferences,
  type Differences,
  IN_DAYS,
  IN_HOURS,
  isEqual,
  KEEP_PARTITIONS,
  type Reconciled,
  ROLLUPS,
  singleRow,
  spansOf,
  summaryOf,
  type TotalDifference,
  totalDifferences,
} from "./reconcile.ts";
import { schemaLock } from "./schema.ts";
import { type Caller, type Run, transaction } from "./transaction.ts";

export type Repaired = Reconciled & {
  /** `null` when nothing differed and nothing was written. */
  readonly epoch: number | null;
  /** How long counting had to wait. */
  readonly heldMs: number;
};

/** One repair at a time: a second one waits here, where it blocks no other session. */
const TAKE_TURN = `SELECT pg_advisory_xact_lock(${schemaLock("repair")})`;
/** Counting sessions also wait behind a session that waits for this lock; a batch takes about a second at most. */
const LOCK_WITHIN_MS = 5_000;
const LOCK_NOT_AVAILABLE = "55P03";
/** A process that was stopped between two statements must not hold the lock. */
const IDLE_MS = 10_000;
const HOLD_COUNTING = [
  `SET LOCAL lock_timeout = ${LOCK_WITHIN_MS}`,
  `SET LOCAL idle_in_transaction_session_timeout = ${IDLE_MS}`,
  "LOCK TABLE applied IN EXCLUSIVE MODE",
];
/** Written as one part: readers sum over shards, and that part's worker continues from there. */
const SHARD = 0;

const MAKE_ROOM = `
CREATE TEMPORARY TABLE difference (rollup text, bucket timestamptz, mode text, store text, drink text,
  want_orders bigint, want_cents bigint, have_orders numeric, have_cents numeric) ON COMMIT DROP`;
const FIND_AGAIN = [IN_HOURS, IN_DAYS].map(
  (differing) => `INSERT INTO difference ${differing} SELECT * FROM differ`,
);
const SUMMARY = summaryOf("difference", "0");

const REWRITE_ROWS = ROLLUPS.flatMap(({ table, key }) => {
  const columns = ["bucket", "mode", ...key];
  const names = columns.join(", ");
  return [
    `DELETE FROM ${table} AS r USING difference AS d
     WHERE d.rollup = '${table}' AND ${columns.map((name) => `r.${name} = d.${name}`).join(" AND ")}`,
    `INSERT INTO ${table} (${names}, shard, orders, revenue_cents)
     SELECT ${names}, ${SHARD}, want_orders, want_cents FROM difference
     WHERE rollup = '${table}' AND want_orders IS NOT NULL ORDER BY ${names}`,
  ];
});

/** $1: the totals that differ, as JSON. */
const REWRITE_TOTALS = [
  `INSERT INTO applied (source, part)
   SELECT mode, ${SHARD} FROM json_to_recordset($1::json) AS t (mode text)
   WHERE NOT EXISTS (SELECT FROM applied WHERE source = mode)`,
  `UPDATE applied AS a
   SET orders = CASE WHEN part = (SELECT min(part) FROM applied WHERE source = a.source) THEN want ELSE 0 END
   FROM json_to_recordset($1::json) AS t (mode text, want bigint) WHERE source = mode`,
];

/** A commit that changes rollups needs a new version; the epoch makes its board outrank the wrong one. */
const RAISE_VERSION = `
UPDATE applied SET version = version + 1
WHERE (source, part) = (SELECT source, part FROM applied ORDER BY source, part LIMIT 1)`;
const RAISE_EPOCH = "UPDATE meta SET epoch = epoch + 1 RETURNING epoch::float8 AS epoch";

/** Resolves when all differences are repaired. Rejects, with nothing changed, when counting cannot be locked out. */
export const repair = async (pool: Pool, caller: Caller): Promise<Repaired> => {
  let heldSince = 0;
  const repaired = await transaction(pool, "ISOLATION LEVEL READ COMMITTED", caller, async (run) => {
    await run(TAKE_TURN);
    await run(KEEP_PARTITIONS);
    const found = await allDifferences(run);
    if (isEqual(found)) return { ...found, epoch: null };
    heldSince = performance.now();
    await holdCounting(run);
    const rewritten = { ...found, ...(await rewriteRows(run, found)), orders: found.orders };
    const totals = found.totals.length === 0 ? [] : await rewriteTotals(run);
    if (isEqual({ ...rewritten, totals })) return { ...rewritten, totals, epoch: null };
    await run(RAISE_VERSION);
    const { epoch } = singleRow(await run<{ epoch: number }>(RAISE_EPOCH));
    return { ...rewritten, totals, epoch };
  });
  return { ...repaired, heldMs: heldSince === 0 ? 0 : performance.now() - heldSince };
};

const holdCounting = async (run: Run): Promise<void> => {
  try {
    for (const statement of HOLD_COUNTING) await run(statement);
  } catch (cause) {
    if (sqlStateOf(cause) !== LOCK_NOT_AVAILABLE) throw cause;
    const within = `within ${LOCK_WITHIN_MS / 1_000} s`;
    throw new Error(`a transaction that counts did not end ${within}; nothing is changed, try again`, {
      cause,
    });
  }
};

const rewriteRows = async (run: Run, found: Differences): Promise<Differences> => {
  await run(MAKE_ROOM);
  const spans = [spansOf(found.hoursMs, HOUR_MS), spansOf(found.daysMs, DAY_MS)];
  for (const [index, find] of FIND_AGAIN.entries()) await run(find, [...(spans[index] ?? []), null]);
  await run("ANALYZE difference");
  for (const rewrite of REWRITE_ROWS) await run(rewrite);
  return singleRow(await run<Differences>(SUMMARY));
};

const rewriteTotals = async (run: Run): Promise<TotalDifference[]> => {
  const totals = await totalDifferences(run);
  for (const rewrite of REWRITE_TOTALS) await run(rewrite, [JSON.stringify(totals)]);
  return totals;
};
