import { type Static, Type } from "typebox";
import { KEY_MAX_AGE_MS } from "../domain/order.ts";
import { DAY_MS, HOUR_MS } from "../domain/time.ts";
import type { Mode } from "../ports.ts";
import { variableOf } from "../runtime/config.ts";
import { isBusy, LOCK_WAIT_MS, untilFree } from "./partitions.ts";
import type { Client, Pool } from "./pool.ts";
import { type Cuts, deleteOldRows, type Outcome, oldRows } from "./retention-rows.ts";
import { schemaLock } from "./schema.ts";

/** Orders are dropped by whole weeks, and a week is kept until its last order has expired. */
const PARTITION_DAYS = 7;
const KEY_DAYS = KEY_MAX_AGE_MS / DAY_MS;

/** How long data is kept: for the workers, which drop expired data daily, and for `npm run retention`. */
export const retentionKnobs = Type.Object({
  ordersKeepDays: Type.Integer({
    default: 90,
    // a key may be 31 days old, and its order must still be stored to recognise a duplicate
    minimum: KEY_DAYS + PARTITION_DAYS,
    maximum: 36_500,
    description: "days that orders are kept, by the time in their ids; dropped by whole weeks",
  }),
  minutesKeepDays: Type.Integer({
    default: 31,
    minimum: 1,
    maximum: 36_500,
    description: "days that sales by minute are kept",
  }),
  hoursKeepDays: Type.Integer({
    default: 1_100,
    minimum: 1,
    maximum: 36_500,
    description: "days that sales by hour, store and drink are kept",
  }),
  daysKeepDays: Type.Integer({
    default: 11_000,
    // the board's top drinks are those of 30 days
    minimum: 31,
    maximum: 36_500,
    description: "days that sales by day are kept",
  }),
  deadLettersKeepDays: Type.Integer({
    default: 90,
    minimum: 1,
    maximum: 36_500,
    description: "days that dead letters are kept",
  }),
});

export type Keeps = Static<typeof retentionKnobs>;

/**
 * Throws where days would expire before their hours, and where a transport may redeliver an order after its row was
 * dropped: it could not be distinguished from a new one, and the database would reject it as a dead letter instead of
 * recognising the duplicate.
 */
export const checkKeeps = (
  { ordersKeepDays, hoursKeepDays, daysKeepDays }: Keeps,
  { name, keeps }: Mode,
  settings: Readonly<Record<string, unknown>>,
): void => {
  if (daysKeepDays < hoursKeepDays)
    throw new Error(
      `DAYS_KEEP_DAYS is "${daysKeepDays}": expected at least the ${hoursKeepDays} of HOURS_KEEP_DAYS, because the ` +
        "days of a store are summed from its hours, for the days that are kept.",
    );
  if (!keeps) return;
  const heldMs = keeps.ms(settings);
  const leastDays = Math.ceil((heldMs + KEY_MAX_AGE_MS) / DAY_MS) + PARTITION_DAYS;
  if (ordersKeepDays >= leastDays) return;
  throw new Error(
    `ORDERS_KEEP_DAYS is "${ordersKeepDays}": expected at least ${leastDays}, because ` +
      `${variableOf(keeps.knob)} is "${settings[keeps.knob]}": ${name} may redeliver an order for ${heldMs / HOUR_MS} hours, ` +
      `its key may be ${KEY_DAYS} days old, and orders are dropped by weeks.`,
  );
};

export type RetentionOptions = {
  readonly signal: AbortSignal;
  /** Changes nothing. */
  readonly dryRun?: boolean;
  /** Does nothing when any process has done it within the last day. */
  readonly ifDue?: boolean;
};

/** 512 MB of orders read in one statement, about a second's work. */
const PAGES_AT_ONCE = 65_536;

const LOCK = `
SELECT pg_try_advisory_lock(${schemaLock("retention")}) AS alone, set_config('lock_timeout', $1, false)`;
const IS_DUE = "SELECT done_at < now() - interval '1 day' AS due FROM retention";
const DONE = "UPDATE retention SET done_at = now()";

const ago = (days: string, unit: string): string =>
  `date_trunc('${unit}', now() - make_interval(hours => 24 * ${days}::integer), 'UTC')::text`;
/** Hours are dropped by whole days, because they are summed to days. */
const CUTS = `
SELECT ${ago("$1", "week")} AS orders, ${ago("$2", "minute")} AS minutes, ${ago("$3", "day")} AS hours,
       ${ago("$4", "day")} AS days, ${ago("$5", "second")} AS letters`;

const PARTITIONS = `
SELECT oid::regclass::text AS name, pg_size_pretty(pg_total_relation_size(oid)) AS size,
       pg_relation_size(oid) / current_setting('block_size')::integer AS pages
FROM pg_class JOIN pg_inherits ON inhrelid = oid AND inhparent = 'orders'::regclass
WHERE substring(pg_get_expr(relpartbound, oid) FROM 'TO \\(''(.{36})''\\)')::uuid <= uuid7_floor($1::timestamptz)
ORDER BY 1`;

type Partition = { readonly name: string; readonly size: string; readonly pages: string };

/** Resolves with the results for all expired data; `null` when another process is doing it, or it is not due. */
export const retain = async (
  pool: Pool,
  keeps: Keeps,
  { signal, dryRun = false, ifDue = false }: RetentionOptions,
): Promise<Outcome[] | null> =>
  inSession(pool, signal, async (client) => {
    const { rows: locks } = await client.query(LOCK, [`${LOCK_WAIT_MS}ms`]);
    if (!locks[0].alone) return null;
    if (ifDue && !(await client.query(IS_DUE)).rows[0].due) return null;
    const cuts = await cutsOf(client, keeps);
    if (dryRun) return [...(await oldPartitions(client, cuts)), ...(await oldRows(client, cuts))];
    const raise = () => client.query("SELECT raise_orders_floor($1)", [cuts.orders]);
    if (!(await isDone(raise, signal))) return [{ relation: "orders", amount: "all", fate: "busy" }];
    const outcomes = await dropPartitions(client, cuts, signal);
    outcomes.push(...(await deleteOldRows(client, cuts, signal)));
    if (!outcomes.some(({ fate }) => fate === "busy")) await client.query(DONE);
    return outcomes;
  });

/** One session for all of it, which holds the lock; it ends with `signal`, whatever statement is running. */
const inSession = async <T>(
  pool: Pool,
  signal: AbortSignal,
  work: (client: Client) => Promise<T>,
): Promise<T> => {
  const client = await pool.connect();
  let ended = false;
  const end = (): void => {
    if (!ended) client.release(true);
    ended = true;
  };
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  try {
    const result = await work(client);
    // PostgreSQL notices the end of a session late, and the next one may start at once
    await client.query("SELECT pg_advisory_unlock_all()");
    return result;
  } finally {
    signal.removeEventListener("abort", end);
    end();
  }
};

const cutsOf = async (client: Client, keeps: Keeps): Promise<Cuts> => {
  const { ordersKeepDays, minutesKeepDays, hoursKeepDays, daysKeepDays, deadLettersKeepDays } = keeps;
  const values = [ordersKeepDays, minutesKeepDays, hoursKeepDays, daysKeepDays, deadLettersKeepDays];
  const { rows } = await client.query<Cuts>(CUTS, values);
  if (!rows[0]) throw new Error("PostgreSQL returned no time");
  return rows[0];
};

const partitionsBefore = async (client: Client, cuts: Cuts): Promise<Partition[]> =>
  (await client.query<Partition>(PARTITIONS, [cuts.orders])).rows;

const oldPartitions = async (client: Client, cuts: Cuts): Promise<Outcome[]> => {
  const outcomes: Outcome[] = [];
  for (const partition of await partitionsBefore(client, cuts)) {
    const fate = (await isUncounted(client, partition)) ? "uncounted" : "would be dropped";
    outcomes.push({ relation: partition.name, amount: partition.size, fate });
  }
  return outcomes;
};

const dropPartitions = async (client: Client, cuts: Cuts, signal: AbortSignal): Promise<Outcome[]> => {
  const outcomes: Outcome[] = [];
  for (const partition of await partitionsBefore(client, cuts)) {
    const fate = await dropPartition(client, partition, signal);
    outcomes.push({ relation: partition.name, amount: partition.size, fate });
  }
  return outcomes;
};

const dropPartition = async (
  client: Client,
  partition: Partition,
  signal: AbortSignal,
): Promise<Outcome["fate"]> => {
  if (await isUncounted(client, partition)) return "uncounted";
  const values = [partition.name, await latestEvent(client, partition)];
  const text = "SELECT drop_order_partition($1, $2) AS dropped";
  let dropped = false;
  const drop = async (): Promise<void> => {
    dropped = (await client.query<{ dropped: boolean }>(text, values)).rows[0]?.dropped === true;
  };
  if (!(await isDone(drop, signal))) return "busy";
  return dropped ? "dropped" : "uncounted";
};

/** False when other sessions held the locks all the time. */
const isDone = async (attempt: () => Promise<unknown>, signal: AbortSignal): Promise<boolean> => {
  try {
    await untilFree(attempt, signal);
    return true;
  } catch (error) {
    if (!isBusy(error) || signal.aborted) throw error;
    return false;
  }
};

const isUncounted = async (client: Client, { name }: Partition): Promise<boolean> => {
  const text = `
    SELECT (SELECT xid FROM ${name} WHERE xid IS NOT NULL ORDER BY xid DESC LIMIT 1) >= direct_watermark AS waits
    FROM meta`;
  return (await client.query<{ waits: boolean | null }>(text)).rows[0]?.waits === true;
};

/** Read before the lock is taken, and in pieces: a week may be hundreds of millions of orders. None of them is new. */
const latestEvent = async (client: Client, { name, pages }: Partition): Promise<string | null> => {
  const text = `
    SELECT greatest($3::timestamptz, max(event_time))::text AS latest
    FROM ${name} WHERE ctid >= $1::tid AND ctid < $2::tid`;
  let latest: string | null = null;
  for (let page = 0; page < Number(pages); page += PAGES_AT_ONCE) {
    const values: unknown[] = [`(${page},0)`, `(${page + PAGES_AT_ONCE},0)`, latest];
    const { rows } = await client.query<{ latest: string | null }>(text, values);
    latest = rows[0]?.latest ?? null;
  }
  return latest;
};
