/**
 * The audit of a run: acknowledged = stored = counted = shown, to the cent. It compares the clients' account of their
 * orders (account.ts) with the tables and the dashboards, and knows nothing about how a mode fills them. Faults, the lab
 * and the benchmarks use it.
 */
import type { Pool } from "#shared/store/pool.ts";
import { type Account, type Body, countOutcomes, type Outcome } from "./account.ts";
import { type DashboardSource, dashboardProblems } from "./dashboards.ts";
import { type Drift, driftOf, numberOf, type Tally, type Totals } from "./database.ts";
import { waitUntil } from "./wait.ts";

export type Audit = {
  /** By the account. */
  readonly acknowledged: number;
  readonly refused: number;
  readonly unknown: number;
  /** By the tables. */
  readonly stored: number;
  readonly counted: number;
  /** Acknowledged and not stored. */
  readonly lost: number;
  /** In the rollups beyond the stored orders. */
  readonly countedTwice: number;
  /** Every deviation from the promises in one sentence, with the first ids and amounts; empty when there is none. */
  readonly problems: readonly string[];
};

export type AuditOptions = {
  readonly mode: string;
  readonly dashboards: readonly DashboardSource[];
  /** What the run itself produced; none by default. */
  readonly deadLetters?: number;
  readonly conflicts?: number;
  /** Modes whose orders are in other accounts; none by default. */
  readonly otherModes?: readonly string[];
  /** For dead letters, conflicts and dashboards, which follow the count. */
  readonly agreeWithinMs: number;
};

const MOST_EXAMPLES = 3;

/** Call it when the backlog has drained: see `untilCounted`. */
export const audit = async (pool: Pool, account: Account, options: AuditOptions): Promise<Audit> => {
  const { lost, problems } = await auditStored(pool, account, options);
  const { stored, counted } = await countsIn(pool);
  const drift = await driftOf(pool);
  if (drift.length > 0)
    problems.push(`${drift.length} rollup rows differ from the orders: ${examplesOf(drift.map(driftText))}`);
  problems.push(...(await sideTableProblems(pool, options)));
  problems.push(...(await dashboardProblems(pool, options.mode, options.dashboards, options.agreeWithinMs)));
  const { acknowledged, refused, unknown } = countOutcomes(account);
  const countedTwice = Math.max(0, counted - stored);
  return { acknowledged, refused, unknown, stored, counted, lost, countedTwice, problems };
};

/** What a route that stores nothing allows to say: the clients' side alone. */
export const unaudited = (account: Account): Audit => {
  const { acknowledged, refused, unknown } = countOutcomes(account);
  const nothing = { stored: 0, counted: 0, lost: 0, countedTwice: 0, problems: [] };
  return { acknowledged, refused, unknown, ...nothing };
};

/** Waits until the rollups hold so many orders of the mode; false when they do not in time. Retries while PostgreSQL is down. */
export const untilCounted = async (
  pool: Pool,
  mode: string,
  orders: number,
  withinMs: number,
): Promise<boolean> => {
  const sql = "SELECT coalesce(sum(orders), 0) FROM rollup_minute WHERE mode = $1";
  const isCounted = async (): Promise<boolean> => (await numberOf(pool, sql, [mode])) >= orders;
  try {
    await waitUntil(`${orders} orders of ${mode} are counted`, isCounted, withinMs);
    return true;
  } catch {
    // the audit reports what is missing
    return false;
  }
};

type Counts = { readonly stored: number; readonly counted: number };

const COUNTS = `SELECT (SELECT count(*) FROM orders)::float8 AS stored,
                       (SELECT coalesce(sum(orders), 0) FROM rollup_hour)::float8 AS counted`;

/** In one snapshot: orders that are counted between two reads would look as if they were counted twice. */
export const countsIn = async (pool: Pool): Promise<Counts> => {
  const { rows } = await pool.query<Counts>(COUNTS);
  return rows[0] ?? { stored: 0, counted: 0 };
};

type Row = Body & { readonly id: string; readonly mode: string };
type Deviation =
  | "acknowledged and lost"
  | "refused and stored"
  | "never sent and stored"
  | "stored with another body";

/** Reads every stored order once, in pages, and holds one byte for each order of the account. */
const auditStored = async (
  pool: Pool,
  account: Account,
  { mode, otherModes = [] }: AuditOptions,
): Promise<{ readonly lost: number; readonly problems: string[] }> => {
  const isStored = new Uint8Array(account.size);
  const deviations = new Map<Deviation, { count: number; readonly examples: string[] }>();
  const report = (what: Deviation, textOf: () => string): void => {
    const found = deviations.get(what) ?? { count: 0, examples: [] };
    if (found.count++ < MOST_EXAMPLES) found.examples.push(textOf());
    deviations.set(what, found);
  };
  for await (const row of rowsIn(pool)) {
    const index = account.indexOf(row.id);
    if (index === undefined && otherModes.includes(row.mode)) continue;
    const outcome: Outcome = index === undefined ? "unsent" : account.outcomeAt(index);
    if (index !== undefined) isStored[index] = 1;
    if (index === undefined || outcome === "unsent") report("never sent and stored", () => rowText(row));
    else if (outcome === "refused") report("refused and stored", () => rowText(row));
    else if (row.mode !== mode || !account.bodiesAt(index).some((body) => isSame(body, row)))
      report(
        "stored with another body",
        () => `${rowText(row)} instead of ${bodyText(account.bodiesAt(index))}`,
      );
  }
  for (let index = 0; index < account.size; index++)
    if (isStored[index] === 0 && account.outcomeAt(index) === "acknowledged")
      report("acknowledged and lost", () => `${account.idAt(index)} ${bodyText(account.bodiesAt(index))}`);
  return {
    lost: deviations.get("acknowledged and lost")?.count ?? 0,
    problems: [...deviations].map(
      ([what, { count, examples }]) => `${count} orders ${what}: ${examplesOf(examples, count)}`,
    ),
  };
};

const PAGE_ROWS = 50_000;

/** By id. A million rows do not fit into memory at once. */
const rowsIn = async function* (pool: Pool): AsyncGenerator<Row> {
  for (let after = "00000000-0000-0000-0000-000000000000"; ; ) {
    const { rows } = await pool.query<Omit<Row, "timestamp"> & { readonly time: Date }>({
      name: "audit-page",
      text: `SELECT order_id AS id, mode, drink, store, price_cents::float8 AS cents, event_time AS time FROM orders
             WHERE order_id > $1 ORDER BY order_id LIMIT ${PAGE_ROWS}`,
      values: [after],
    });
    for (const { time, ...row } of rows) yield { ...row, timestamp: time.toISOString() };
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.id;
  }
};

const isSame = (body: Body, row: Row): boolean =>
  body.drink === row.drink &&
  body.store === row.store &&
  body.cents === row.cents &&
  (body.timestamp === null || body.timestamp === row.timestamp);

const contentText = ({ drink, store, cents, timestamp }: Body): string =>
  `${drink} ${store} ${cents} cents${timestamp === null ? "" : ` ${timestamp}`}`;

const bodyText = (bodies: readonly Body[]): string => bodies.map(contentText).join(" or ");

const rowText = (row: Row): string => `${row.id} ${row.mode} ${contentText(row)}`;

const driftText = ({ rollup, key, want, have, want_cents, have_cents }: Drift): string =>
  `${rollup} ${key} has ${have ?? 0} orders for ${have_cents ?? 0} cents instead of ${want ?? 0} for ${want_cents ?? 0}`;

const examplesOf = (texts: readonly string[], count = texts.length): string => {
  const shown = texts.slice(0, MOST_EXAMPLES).join(", ");
  return count > MOST_EXAMPLES ? `${shown} and ${count - MOST_EXAMPLES} more` : shown;
};

const sideTableProblems = async (
  pool: Pool,
  { deadLetters = 0, conflicts = 0, agreeWithinMs }: AuditOptions,
): Promise<string[]> => {
  let found = "an unknown number of dead letters and conflicts";
  const isRight = async (): Promise<boolean> => {
    const letters = await numberOf(pool, "SELECT count(*) FROM dead_letters");
    const pairs = await numberOf(pool, "SELECT count(*) FROM order_conflicts");
    found = `${letters} dead letters and ${pairs} conflicts`;
    return letters === deadLetters && pairs === conflicts;
  };
  try {
    await waitUntil("dead letters and conflicts are right", isRight, agreeWithinMs);
    return [];
  } catch {
    return [`${found} instead of ${deadLetters} and ${conflicts}`];
  }
};

/**
 * One text for each total that has not grown by exactly the orders sent since `before`, which is null for empty tables:
 * for generators that know no ids, on a system that nothing else uses. Nothing may have been redelivered or set aside.
 */
export const totalsProblems = (before: Totals | null, after: Totals, sent: Tally): string[] => {
  const grown = (what: string, from: number, to: number, want: number): string[] =>
    to - from === want ? [] : [`${what}: ${to - from} instead of ${want}`];
  const tallies = [
    ["orders", before?.stored, after.stored] as const,
    ...Object.entries(after.rollups).map(([table, to]) => [table, before?.rollups[table], to] as const),
  ];
  return [
    ...tallies.flatMap(([table, from = { orders: 0, cents: 0 }, to]) => [
      ...grown(`orders of ${table}`, from.orders, to.orders, sent.orders),
      ...grown(`cents of ${table}`, from.cents, to.cents, sent.cents),
    ]),
    ...grown("orders of applied", before?.applied ?? 0, after.applied, sent.orders),
    ...grown("redeliveries", before?.duplicates ?? 0, after.duplicates, 0),
    ...grown("dead letters", before?.deadLetters ?? 0, after.deadLetters, 0),
  ];
};
