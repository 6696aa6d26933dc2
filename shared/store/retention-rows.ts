/** What retention deletes row by row: rollups, conflicts, dead letters, and orders of the default partition. */
import type { Client } from "./pool.ts";

/** The result for one relation. `amount` is for display: bytes of a partition, else rows. */
export type Outcome = {
  readonly relation: string;
  readonly amount: string;
  /** `uncounted`: it contains orders that are not counted yet; `busy`: other sessions held the locks all the time. */
  readonly fate: "dropped" | "would be dropped" | "uncounted" | "busy";
};

/** The times before which data is expired, by PostgreSQL's clock. */
export type Cuts = Readonly<Record<"orders" | "minutes" | "hours" | "days" | "letters", string>>;

/** Some 20-50 ms of work: v1's watermark does not advance while a writing statement runs. */
const ROWS_AT_ONCE = 5_000;

/** What is deleted by rows: `where` and `order` select the oldest, $1 is the cut; `until` is the latest event deleted. */
type Rows = {
  readonly relation: string;
  readonly table: string;
  readonly cut: keyof Cuts;
  readonly where: string;
  readonly order: string;
  readonly until: string;
};

const COUNTED = "(xid IS NULL OR xid < (SELECT direct_watermark FROM meta))";
const rollup = (table: string, cut: keyof Cuts, width: string): Rows => ({
  relation: table,
  table,
  cut,
  where: "bucket < $1::timestamptz",
  order: "bucket",
  until: `max(bucket) + interval '${width}'`,
});

const DELETED_BY_ROWS: readonly Rows[] = [
  {
    relation: "orders",
    table: "orders_default",
    cut: "orders",
    where: `order_id < uuid7_floor($1::timestamptz) AND ${COUNTED}`,
    order: "order_id",
    until: "max(event_time)",
  },
  rollup("rollup_minute", "minutes", "1 minute"),
  rollup("rollup_hour", "hours", "1 hour"),
  rollup("rollup_hour_store", "hours", "1 hour"),
  rollup("rollup_hour_drink", "hours", "1 hour"),
  // not "1 day": a day of the calendar is 23 or 25 hours where the session's time zone changes its clocks
  rollup("rollup_day", "days", "24 hours"),
  {
    relation: "order_conflicts",
    table: "order_conflicts",
    cut: "orders",
    where: "seen_at < $1::timestamptz",
    order: "seen_at",
    until: "max(seen_at)",
  },
  {
    relation: "dead_letters",
    table: "dead_letters",
    cut: "letters",
    where: "set_aside_at < $1::timestamptz",
    order: "id",
    until: "max(set_aside_at)",
  },
];

/** Rows locked by other sessions are left for the next run, so that no session waits and nothing deadlocks. */
const deletion = ({ relation, table, where, order, until }: Rows): string => `
WITH dropped_rows AS (
  DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM ${table} WHERE ${where} ORDER BY ${order} LIMIT ${ROWS_AT_ONCE} FOR UPDATE SKIP LOCKED))
  RETURNING *)
SELECT count(*)::integer AS rows, tell_dropped('${relation}', ${until}) FROM dropped_rows`;

export const oldRows = async (client: Client, cuts: Cuts): Promise<Outcome[]> => {
  const outcomes: Outcome[] = [];
  for (const { table, where, cut } of DELETED_BY_ROWS) {
    const text = `SELECT count(*)::integer AS rows FROM ${table} WHERE ${where}`;
    const { rows } = await client.query<{ rows: number }>(text, [cuts[cut]]);
    outcomes.push(...outcomeOf(table, rows[0]?.rows ?? 0, "would be dropped"));
  }
  return outcomes;
};

const outcomeOf = (relation: string, rows: number, fate: Outcome["fate"]): Outcome[] =>
  rows > 0 ? [{ relation, amount: `${rows} rows`, fate }] : [];

export const deleteOldRows = async (client: Client, cuts: Cuts, signal: AbortSignal): Promise<Outcome[]> => {
  const outcomes: Outcome[] = [];
  for (const each of DELETED_BY_ROWS) {
    let deleted = 0;
    for (let more = true; more; ) {
      signal.throwIfAborted();
      const { rows } = await client.query<{ rows: number }>(deletion(each), [cuts[each.cut]]);
      const count = rows[0]?.rows ?? 0;
      deleted += count;
      more = count > 0;
    }
    outcomes.push(...outcomeOf(each.table, deleted, "dropped"));
  }
  return outcomes;
};
