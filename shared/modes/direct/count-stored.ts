/**
 * Counting of stored orders (v1), and databases restored into another cluster. Transaction ids do not survive that: the
 * new cluster counts from low ids again, so old orders would qualify a second time (27 of 30 did) and new ones not at
 * all. The identifier of the cluster, stored next to the watermark, reveals it.
 */
import { type Counted, type CountedRow, countedOf, rollUp } from "../../store/count.ts";
import type { Client, Pool } from "../../store/pool.ts";
import { type Run, transaction } from "../../store/transaction.ts";

/**
 * The stored orders of one statement, about 0.1 s of work. Their data fits into work_mem, whose default is 4 MB. All of
 * a long backlog at once would exceed the statement timeout, be retried with even more orders, and never finish. A
 * larger transaction is counted as a whole.
 */
const MAX_STORED = 20_000;

/**
 * Stored orders are selected by transaction id, not by serial id: every transaction below the snapshot's xmin has
 * ended, so no order can still appear below the mark. "Greatest id seen" skipped 821 of 7 136 rows. `greatest`
 * keeps a tick with an older snapshot from moving the mark back, which counted 20 of 15.
 *
 * The bounds are scalar subqueries: joined to `mark`, whose size the planner guesses at 1 540 rows, the estimate was
 * 34 million orders, for which a server with JIT compiles the statement at every tick.
 */
const COUNT_STORED = `
WITH mark AS MATERIALIZED (
  SELECT direct_watermark AS lo, greatest(direct_watermark, least(
    pg_snapshot_xmin(pg_current_snapshot()), next_direct_mark(direct_watermark, ${MAX_STORED}))) AS hi
  FROM meta WHERE system_identifier = (SELECT system_identifier FROM pg_control_system()) FOR UPDATE
), counted AS MATERIALIZED (
  SELECT order_id, mode, store, drink, price_cents, event_time, accepted_at
  FROM orders WHERE xid >= (SELECT lo FROM mark) AND xid < (SELECT hi FROM mark)
), moved AS (
  UPDATE meta SET direct_watermark = mark.hi FROM mark WHERE meta.direct_watermark < mark.hi
), ${rollUp("0::bigint", "(SELECT hi < pg_snapshot_xmin(pg_current_snapshot()) FROM mark)", "NOT EXISTS (SELECT FROM mark)")}`;

/**
 * Counts the stored orders whose transactions have ended since the last call, up to `MAX_STORED` of them. Not a prepared
 * statement: a plan made while the table was empty reads all of it.
 */
export const countStored = async (
  pool: Pool,
  { source, part }: { readonly source: string; readonly part: number },
): Promise<Counted> => {
  const askedAtMs = performance.now();
  const { rows } = await pool.query<CountedRow>(COUNT_STORED, [part, source, null]);
  return countedOf(rows[0], performance.now() - askedAtMs);
};

const IS_RESTORED = `
SELECT 1 FROM meta WHERE system_identifier <> (SELECT system_identifier FROM pg_control_system())`;

/** Rejects on a connection to a restored database that was not adopted yet: the orders that v1 stores there would be lost. */
export const refuseRestored = async (client: Client): Promise<void> => {
  const { rows } = await client.query(IS_RESTORED);
  if (rows.length > 0) throw new Error("the database was restored; a v1 worker has to adopt it first");
};

/** By the ids of the old cluster everything from the mark on is uncounted; no transaction is in progress any more. */
const COUNT_REST = `
WITH counted AS MATERIALIZED (
  SELECT order_id, mode, store, drink, price_cents, event_time, accepted_at
  FROM orders WHERE xid >= (SELECT direct_watermark FROM meta)
), ${rollUp("0::bigint")}`;

/** The epoch rises, so that boards published before the restore do not outrank new ones. */
const TAKE_OVER = `
UPDATE meta SET system_identifier = (SELECT system_identifier FROM pg_control_system()),
  direct_watermark = pg_snapshot_xmin(pg_current_snapshot()), epoch = epoch + 1`;

/** Every order that v1 ever stored is rewritten; the pool's own timeout would abort that every time. */
const LONGEST_MS = 60 * 60_000;

/**
 * Adopts a restored database: counts the stored orders that were not counted, clears the old cluster's transaction ids,
 * and restarts the watermark. One transaction, during which no order can be stored. Resolves with what was counted,
 * `null` when another process has done it.
 */
export const adoptRestored = (
  pool: Pool,
  batch: { readonly source: string; readonly part: number },
  signal: AbortSignal = new AbortController().signal,
): Promise<Counted | null> =>
  transaction(pool, "ISOLATION LEVEL READ COMMITTED", { longestMs: LONGEST_MS, signal }, async (run) => {
    await run("LOCK TABLE orders IN SHARE ROW EXCLUSIVE MODE");
    const isRestored = (await run(IS_RESTORED)).length > 0;
    return isRestored ? takeOver(run, [batch.part, batch.source, null]) : null;
  });

const takeOver = async (run: Run, values: unknown[]): Promise<Counted> => {
  const rows = await run<CountedRow>(COUNT_REST, values);
  // retention's floor would reject the orders below it, which are in the default partition and due to be deleted
  await run("ALTER TABLE orders_default DROP CONSTRAINT IF EXISTS not_older_than_the_orders_kept");
  await run("UPDATE orders SET xid = NULL WHERE xid IS NOT NULL");
  await run("SELECT refuse_dropped_orders()");
  await run(TAKE_OVER);
  return countedOf(rows[0]);
};
