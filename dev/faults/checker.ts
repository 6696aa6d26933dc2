/**
 * Holds what is in the database and on the dashboards against the ledger of what clients were told. It knows the
 * tables and the wire, and nothing of how they are filled.
 */
import { isDeepStrictEqual } from "node:util";
import type { Dashboard } from "#shared/domain/dashboard.ts";
import { closeRedis, openRedis, redisOptions } from "#shared/runtime/redis.ts";
import type { Pool } from "#shared/store/pool.ts";
import { openDatabase } from "./database.ts";
import { figuresIn, figuresOf } from "./figures.ts";
import type { Entry, Ledger, Sent } from "./ledger.ts";
import { pollUntil } from "./poll.ts";
import { deadlocksIn, driftOf, numberOf } from "./recount.ts";
import type { Watchers } from "./watchers.ts";

export type Checked = {
  readonly acknowledged: number;
  /** Acknowledged and not there. */
  readonly lost: number;
  /** In the rollups beyond the orders. */
  readonly countedTwice: number;
  /** Everything that is not as promised, in sentences; empty when all is well. */
  readonly problems: readonly string[];
};

export type Subject = {
  readonly mode: string;
  readonly url: string;
  readonly databaseUrl: string;
  /** Of the mode with a stream; "" elsewhere. */
  readonly streamUrl: string;
  /** Poison that was put in. */
  readonly deadLetters: number;
  /** Pairs of an order and another body under its id. */
  readonly conflicts: number;
  readonly drainWithinMs: number;
  /** Everything else, each thing: what is right a moment later is right. */
  readonly agreeWithinMs: number;
};

type Row = { order_id: string; mode: string; drink: string; store: string; cents: string; event_time: Date };

const MOST_EXAMPLES = 3;

export const check = async (subject: Subject, ledger: Ledger, watchers: Watchers): Promise<Checked> => {
  const pool = openDatabase(subject.databaseUrl);
  const problems: string[] = [...watchers.problems];
  const attempt = async (work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      problems.push((error as Error).message);
    }
  };
  try {
    const entries = ledger.entries();
    await attempt(() => drained(subject, pool, entries));
    const orders = await ordersIn(pool);
    problems.push(...problemsOf(orders, ledger));
    const drift = await driftOf(pool);
    if (drift.length > 0) problems.push(`rollups differ from the orders: ${some(drift)}`);
    await attempt(() => asSown(subject, pool));
    await attempt(() => dashboardsAgree(subject, pool, watchers));
    await attempt(() => nothingPending(subject));
    const deadlocks = await deadlocksIn(pool);
    if (deadlocks > 0) problems.push(`${deadlocks} deadlocks: rows are written in no common order`);
    const rolledUp = await numberOf(pool, "SELECT coalesce(sum(orders), 0) FROM rollup_hour");
    const acknowledged = entries.filter(({ fate }) => fate === "acknowledged");
    return {
      acknowledged: acknowledged.length,
      lost: acknowledged.filter(({ id }) => !orders.has(id)).length,
      countedTwice: Math.max(0, rolledUp - orders.size),
      problems,
    };
  } finally {
    await pool.end();
  }
};

/** Until everything acknowledged is counted and the API sees no lag. */
const drained = async (
  { url, mode, drainWithinMs }: Subject,
  pool: Pool,
  entries: readonly Entry[],
): Promise<void> => {
  const expected = entries.filter(({ fate }) => fate === "acknowledged").length;
  const isCounted = async (): Promise<boolean> =>
    (await numberOf(pool, "SELECT coalesce(sum(orders), 0) FROM rollup_hour")) >= expected &&
    (await dashboardOf(url, mode)).modes[mode]?.lag === 0;
  await pollUntil(
    `${expected} orders counted and no lag`,
    () => isCounted().catch(() => false),
    drainWithinMs,
  );
};

const dashboardOf = async (url: string, mode: string): Promise<Dashboard> =>
  (await (await fetch(`${url}/api/dashboard?mode=${mode}`)).json()) as Dashboard;

const ordersIn = async (pool: Pool): Promise<Map<string, Row>> => {
  const sql = "SELECT order_id, mode, drink, store, price_cents AS cents, event_time FROM orders";
  const { rows } = await pool.query<Row>(sql);
  return new Map(rows.map((row) => [row.order_id, row]));
};

const problemsOf = (orders: ReadonlyMap<string, Row>, ledger: Ledger): string[] => {
  const entries = ledger.entries();
  const found = {
    "acknowledged and lost": entries.filter(({ fate, id }) => fate === "acknowledged" && !orders.has(id)),
    "refused and stored": entries.filter(({ fate, id }) => fate === "refused" && orders.has(id)),
    "stored with another payload": entries.filter((entry) => isOther(entry, orders.get(entry.id))),
    "stored and sent by nobody": [...orders.keys()].filter((id) => ledger.get(id) === undefined),
  };
  return Object.entries(found).flatMap(([what, which]) =>
    which.length > 0 ? [`${which.length} orders ${what}: ${some(which)}`] : [],
  );
};

/** Neither what was sent under its key nor another body that was sent under it as well. */
const isOther = ({ sent, others }: Entry, row: Row | undefined): boolean =>
  row !== undefined && ![sent, ...others].some((body) => isSent(body, row));

const isSent = ({ drink, store, cents, timestamp }: Sent, row: Row): boolean =>
  row.drink === drink &&
  row.store === store &&
  Number(row.cents) === cents &&
  (timestamp === null || row.event_time.toISOString() === timestamp);

const asSown = async ({ deadLetters, conflicts, agreeWithinMs }: Subject, pool: Pool): Promise<void> => {
  const isSown = async (): Promise<boolean> =>
    (await numberOf(pool, "SELECT count(*) FROM dead_letters")) === deadLetters &&
    (await numberOf(pool, "SELECT count(*) FROM order_conflicts")) === conflicts;
  await pollUntil(`${deadLetters} dead letters and ${conflicts} conflicts`, isSown, agreeWithinMs);
};

/** What the API replies and what both clients show is what the rollups say. */
const dashboardsAgree = async (
  { url, mode, agreeWithinMs }: Subject,
  pool: Pool,
  watchers: Watchers,
): Promise<void> => {
  let last = "";
  const agree = async (): Promise<boolean> => {
    const want = await figuresIn(pool, mode);
    const shown = [await dashboardOf(url, mode), watchers.shown(), watchers.plain()].map((dashboard) =>
      figuresOf(dashboard, mode),
    );
    last = JSON.stringify({ want, shown });
    return shown.every((figures) => isDeepStrictEqual(figures, want));
  };
  await pollUntil("dashboards show what the rollups say", agree, agreeWithinMs).catch((error: Error) => {
    throw new Error(`${error.message}: ${last}`);
  });
};

/** Nothing delivered and unsettled is left in any group of any stream. */
const nothingPending = async ({ streamUrl, agreeWithinMs }: Subject): Promise<void> => {
  if (streamUrl === "") return;
  const client = openRedis(
    streamUrl,
    { ...redisOptions("coffee-faults"), lazyConnect: true },
    () => undefined,
  );
  try {
    await client.connect();
    const isSettled = async (): Promise<boolean> => {
      const groups = (await client.call("XINFO", "GROUPS", "coffee:orders")) as unknown[][];
      return groups.every((group) => group[group.indexOf("pending") + 1] === 0);
    };
    await pollUntil("no entry of the stream is pending", isSettled, agreeWithinMs);
  } finally {
    await closeRedis(client);
  }
};

const some = (things: readonly unknown[]): string =>
  things
    .slice(0, MOST_EXAMPLES)
    .map((thing) => (typeof thing === "string" ? thing : JSON.stringify(thing)))
    .join(", ");
