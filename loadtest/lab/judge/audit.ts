/**
 * Holds what is stored, counted and shown after a run against what the generator was told. An order's id says which
 * arrival it was of, so the ledger is the arrivals of the run less those that were logged as not acknowledged.
 */
import type { Pool } from "#shared/store/pool.ts";
import {
  type DashboardSource,
  dashboardProblems,
  readDashboard,
  readSnapshot,
} from "../../../dev/system/dashboards.ts";
import { driftOf, numberOf } from "../../../dev/system/database.ts";

/** Which arrival an order was of: the parts of its id. */
export type Place = {
  readonly run: number;
  readonly scenario: number;
  readonly iteration: number;
  readonly item: number;
};
export type Content = { readonly drink: string; readonly store: string; readonly cents: number };

export type Sent = {
  readonly scenario: number;
  readonly iterations: number;
  readonly ordersPerRequest: number;
};
export type NotAcknowledged = {
  readonly scenario: number;
  readonly iteration: number;
  /** `refused`: the reply said that nothing was taken; `unknown`: it may have been. */
  readonly outcome: "refused" | "unknown";
  /** False for an order that the generator itself left out: there is no reply, and must be no row. */
  readonly isSent: boolean;
  /** Of a batch that was taken in part. */
  readonly items?: readonly number[];
};

export type Claim = {
  readonly run: number;
  readonly mode: string;
  readonly sent: readonly Sent[];
  readonly notAcknowledged: readonly NotAcknowledged[];
  /** Null for an id that nobody here made. */
  readonly placeOf: (id: string) => Place | null;
  readonly contentOf: (place: Place) => Content | null;
};

export type Audit = {
  readonly acknowledged: number;
  readonly refused: number;
  readonly unknown: number;
  readonly stored: number;
  readonly counted: number;
  /** Acknowledged and not stored. */
  readonly lost: number;
  /** In the rollups beyond the orders. */
  readonly countedTwice: number;
  /** Everything that is not as promised, in sentences; empty when all is well. */
  readonly problems: readonly string[];
};

type Row = {
  readonly order_id: string;
  readonly drink: string;
  readonly store: string;
  readonly cents: string;
};

const PAGE_ROWS = 50_000;

const ACKNOWLEDGED = 0;
const REFUSED = 1;
const UNKNOWN = 2;
const UNSENT = 3;
/** Added to one of these when the order was found. */
const STORED = 4;

const AGREE_WITHIN_MS = 10_000;
const sourcesOf = (apiUrl: string, mode: string): readonly DashboardSource[] => [
  { name: "the board", read: () => readDashboard(apiUrl, mode) },
  { name: "the last WebSocket frame", read: () => readSnapshot(apiUrl, mode) },
];

/** After the backlog has drained. */
export const audit = async (pool: Pool, apiUrl: string, claim: Claim): Promise<Audit> => {
  const fates = fatesOf(claim);
  const wrong = new Map<string, string[]>();
  const tell = (what: string, id: string): void => void wrong.set(what, [...(wrong.get(what) ?? []), id]);
  for await (const row of rowsOf(pool)) {
    const problem = problemWith(row, claim, fates);
    if (problem !== null) tell(problem, row.order_id);
  }
  const counts = countsOf(fates);
  const lost = counts.acknowledged - counts.acknowledgedStored;
  const { stored, counted } = await tallyOf(pool);
  const drift = await driftOf(pool);
  const deadLetters = await numberOf(pool, "SELECT count(*) FROM dead_letters");
  const problems = [
    ...(lost > 0 ? [`${lost} orders were acknowledged and are not stored`] : []),
    ...[...wrong].map(([what, ids]) => `${ids.length} orders ${what}, among them ${ids[0]}`),
    ...(drift.length > 0 ? [`${drift.length} rollup rows differ from their orders`] : []),
    ...(deadLetters > 0 ? [`${deadLetters} dead letters that nobody sowed`] : []),
    ...(await dashboardProblems(pool, claim.mode, sourcesOf(apiUrl, claim.mode), AGREE_WITHIN_MS)),
  ];
  const { acknowledged, refused, unknown } = counts;
  const countedTwice = Math.max(0, counted - stored);
  return { acknowledged, refused, unknown, stored, counted, lost, countedTwice, problems };
};

const TALLY = `SELECT (SELECT count(*) FROM orders)::float8 AS stored,
                      (SELECT coalesce(sum(orders), 0) FROM rollup_hour)::float8 AS counted`;

/** In one snapshot: what is counted between two looks would seem to be counted twice. */
export const tallyOf = async (pool: Pool): Promise<{ readonly stored: number; readonly counted: number }> => {
  const { rows } = await pool.query<{ stored: number; counted: number }>(TALLY);
  return rows[0] ?? { stored: 0, counted: 0 };
};

/** Of a route that keeps nothing there is only what clients were told. */
export const unaudited = (claim: Claim): Audit => {
  const { acknowledged, refused, unknown } = countsOf(fatesOf(claim));
  return {
    ...{ acknowledged, refused, unknown, stored: 0, counted: 0, lost: 0, countedTwice: 0 },
    problems: [],
  };
};

type Fates = ReadonlyMap<number, { readonly states: Uint8Array; readonly ordersPerRequest: number }>;

const fatesOf = ({ sent, notAcknowledged }: Claim): Fates => {
  const fates: Fates = new Map(
    sent.map(({ scenario, iterations, ordersPerRequest }) => [
      scenario,
      { states: new Uint8Array(iterations * ordersPerRequest), ordersPerRequest },
    ]),
  );
  for (const { scenario, iteration, outcome, items, isSent } of notAcknowledged) {
    const of = fates.get(scenario);
    if (of === undefined) throw new Error(`the generator logged an unknown scenario, ${scenario}`);
    for (const item of items ?? Array.from({ length: of.ordersPerRequest }, (_, index) => index))
      of.states[iteration * of.ordersPerRequest + item] = stateOf(outcome, isSent);
  }
  return fates;
};

const stateOf = (outcome: NotAcknowledged["outcome"], isSent: boolean): number => {
  if (!isSent) return UNSENT;
  return outcome === "refused" ? REFUSED : UNKNOWN;
};

/** null when it is as it should be; marks it as found. */
const problemWith = (row: Row, claim: Claim, fates: Fates): string | null => {
  const place = claim.placeOf(row.order_id);
  const of = place?.run === claim.run ? fates.get(place.scenario) : undefined;
  if (place === null || of === undefined) return "were sent by nobody";
  const index = place.iteration * of.ordersPerRequest + place.item;
  const state = of.states[index];
  if (state === undefined || place.item >= of.ordersPerRequest) return "were sent by nobody";
  if (state >= STORED) return "are stored twice";
  of.states[index] = state + STORED;
  if (state === REFUSED || state === UNSENT) return "were refused and are stored";
  const want = claim.contentOf(place);
  const isSame = row.drink === want?.drink && row.store === want.store && Number(row.cents) === want.cents;
  return isSame ? null : "are stored with another content";
};

const countsOf = (fates: Fates) => {
  const counts = new Uint32Array(2 * STORED);
  for (const { states } of fates.values())
    for (const state of states) counts[state] = (counts[state] ?? 0) + 1;
  const of = (state: number): number => (counts[state] ?? 0) + (counts[state + STORED] ?? 0);
  return {
    acknowledged: of(ACKNOWLEDGED),
    acknowledgedStored: counts[ACKNOWLEDGED + STORED] ?? 0,
    refused: of(REFUSED),
    unknown: of(UNKNOWN),
  };
};

/** A million rows do not fit into memory at once. */
const rowsOf = async function* (pool: Pool): AsyncGenerator<Row> {
  for (let after = "00000000-0000-0000-0000-000000000000"; ; ) {
    const { rows } = await pool.query<Row>({
      name: "audit-page",
      text: `SELECT order_id, drink, store, price_cents::text AS cents FROM orders
             WHERE order_id > $1 ORDER BY order_id LIMIT ${PAGE_ROWS}`,
      values: [after],
    });
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.order_id;
  }
};
