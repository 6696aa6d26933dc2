/**
 * Holds what is stored, counted and shown after a run against what the generator was told. An order's id says which
 * arrival it was of, so the ledger is the arrivals of the run less those that were logged as not acknowledged.
 */
import { isDeepStrictEqual } from "node:util";
import type { Dashboard } from "#shared/domain/dashboard.ts";
import type { Pool } from "#shared/store/pool.ts";
import { figuresIn, figuresOf } from "../../dev/faults/figures.ts";
import { pollUntil } from "../../dev/faults/poll.ts";
import { driftOf, numberOf } from "../../dev/faults/recount.ts";

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
  /** Of a batch that was taken in part. */
  readonly items?: readonly number[];
};

export type Claim = {
  readonly run: number;
  readonly mode: string;
  readonly sent: readonly Sent[];
  readonly notAcknowledged: readonly NotAcknowledged[];
  readonly placeOf: (id: string) => Place;
  readonly contentOf: (place: Place) => Content;
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
const AGREE_WITHIN_MS = 10_000;

const ACKNOWLEDGED = 0;
const REFUSED = 1;
const UNKNOWN = 2;
/** Added to one of these when the order was found. */
const STORED = 4;

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
  const stored = await numberOf(pool, "SELECT count(*) FROM orders");
  const counted = await numberOf(pool, "SELECT coalesce(sum(orders), 0) FROM rollup_hour");
  const drift = await driftOf(pool);
  const deadLetters = await numberOf(pool, "SELECT count(*) FROM dead_letters");
  const problems = [
    ...(lost > 0 ? [`${lost} orders were acknowledged and are not stored`] : []),
    ...[...wrong].map(([what, ids]) => `${ids.length} orders ${what}, among them ${ids[0]}`),
    ...(drift.length > 0 ? [`${drift.length} rollup rows differ from their orders`] : []),
    ...(deadLetters > 0 ? [`${deadLetters} dead letters that nobody sowed`] : []),
    ...(await boardProblems(pool, apiUrl, claim.mode)),
  ];
  const { acknowledged, refused, unknown } = counts;
  const countedTwice = Math.max(0, counted - stored);
  return { acknowledged, refused, unknown, stored, counted, lost, countedTwice, problems };
};

type Fates = ReadonlyMap<number, { readonly states: Uint8Array; readonly ordersPerRequest: number }>;

const fatesOf = ({ sent, notAcknowledged }: Claim): Fates => {
  const fates: Fates = new Map(
    sent.map(({ scenario, iterations, ordersPerRequest }) => [
      scenario,
      { states: new Uint8Array(iterations * ordersPerRequest), ordersPerRequest },
    ]),
  );
  for (const { scenario, iteration, outcome, items } of notAcknowledged) {
    const of = fates.get(scenario);
    if (of === undefined) throw new Error(`the generator logged an unknown scenario, ${scenario}`);
    for (const item of items ?? Array.from({ length: of.ordersPerRequest }, (_, index) => index))
      of.states[iteration * of.ordersPerRequest + item] = outcome === "refused" ? REFUSED : UNKNOWN;
  }
  return fates;
};

/** null when it is as it should be; marks it as found. */
const problemWith = (row: Row, claim: Claim, fates: Fates): string | null => {
  const place = claim.placeOf(row.order_id);
  const of = place.run === claim.run ? fates.get(place.scenario) : undefined;
  const index = of === undefined ? -1 : place.iteration * of.ordersPerRequest + place.item;
  const state = of?.states[index];
  if (of === undefined || state === undefined || place.item >= of.ordersPerRequest)
    return "were sent by nobody";
  if (state >= STORED) return "are stored twice";
  of.states[index] = state + STORED;
  if (state === REFUSED) return "were refused and are stored";
  const { drink, store, cents } = claim.contentOf(place);
  const isSame = row.drink === drink && row.store === store && Number(row.cents) === cents;
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

/** What the API replies is what the rollups say. */
const boardProblems = async (pool: Pool, apiUrl: string, mode: string): Promise<string[]> => {
  let last = "";
  const agrees = async (): Promise<boolean> => {
    const want = await figuresIn(pool, mode);
    const reply = await fetch(`${apiUrl}/api/dashboard?mode=${mode}`);
    const shown = figuresOf((await reply.json()) as Dashboard, mode);
    last = JSON.stringify({ want, shown });
    return isDeepStrictEqual(shown, want);
  };
  try {
    await pollUntil(
      "the board shows what the rollups say",
      () => agrees().catch(() => false),
      AGREE_WITHIN_MS,
    );
    return [];
  } catch {
    return [`the board is not what the rollups say: ${last}`];
  }
};
