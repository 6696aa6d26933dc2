/**
 * The lines that a generator writes about a run, and what reads them back.
 *
 * - The ledger: a line for each request of which not every order was acknowledged. The acknowledged orders are all the
 *   others (their ids are a function, ids.ts), so no list of them is needed.
 * - Samples (SAMPLES=1): a short line for each measured request and each probe that was seen. Percentiles per second are
 *   made from them. k6's own outputs write some 18 lines a request, for several times the cost. No line has the planned time,
 *   because it follows from the iteration (schedule.ts); the first request of a scenario has the scenario's start.
 */
import type { Failure, Outcome, Outcomes } from "../../../shared/client/outcome.ts";
import type { Planned } from "./plan.ts";

/** A planned order that was never sent. */
export const NOT_SENT: Failure = { outcome: "refused", status: 0, type: "not-sent" };

export const ledgerLine = (scenario: number, iteration: number, failure: Failure): string =>
  JSON.stringify({ ledger: 1, scenario, iteration, ...failure });

export type RequestSample = {
  readonly scenario: number;
  readonly iteration: number;
  /** From the planned time until it was sent, and until its reply; milliseconds. */
  readonly lagMs: number;
  readonly latencyMs: number;
  readonly outcome: Outcome;
  /** The scenario's start by the clock of the machine, in milliseconds; null in all lines but the first. */
  readonly startedAtMs: number | null;
};

/** When it became visible, by the clock of the machine, and how old it was. */
export type FreshnessSample = { readonly atMs: number; readonly freshnessMs: number };

const LETTERS: Readonly<Record<Outcome, string>> = { acknowledged: "a", refused: "r", unknown: "u" };
const OUTCOMES = new Map(Object.entries(LETTERS).map(([outcome, letter]) => [letter, outcome as Outcome]));

export const requestLine = (sample: RequestSample): string => {
  const { scenario, iteration, lagMs, latencyMs, outcome, startedAtMs } = sample;
  const start = startedAtMs === null ? "" : `,${startedAtMs}`;
  return `o,${scenario},${iteration},${lagMs.toFixed(1)},${latencyMs.toFixed(1)},${LETTERS[outcome]}${start}`;
};

export const freshnessLine = ({ atMs, freshnessMs }: FreshnessSample): string =>
  `f,${atMs},${freshnessMs.toFixed(1)}`;

/** Null for a line of another kind. */
export const requestIn = (line: string): RequestSample | null => {
  const [kind, scenario, iteration, lagMs, latencyMs, letter = "", startedAtMs] = line.split(",");
  const outcome = OUTCOMES.get(letter);
  if (kind !== "o" || outcome === undefined) return null;
  return {
    scenario: Number(scenario),
    iteration: Number(iteration),
    lagMs: Number(lagMs),
    latencyMs: Number(latencyMs),
    outcome,
    startedAtMs: startedAtMs === undefined ? null : Number(startedAtMs),
  };
};

export const freshnessIn = (line: string): FreshnessSample | null => {
  const [kind, atMs, freshnessMs] = line.split(",");
  return kind === "f" ? { atMs: Number(atMs), freshnessMs: Number(freshnessMs) } : null;
};

/** k6's counters and rates have this form. */
export type Counter<Value = number> = { add(value: Value): unknown };

export type OrderFigures = Readonly<
  Record<"ordersAcknowledged" | "ordersReplayed" | "ordersRefused" | "ordersUnknown", Counter>
> & { readonly ordersFailed: Counter<boolean> };

/** Counts the outcomes of one request, and writes its ledger line where one is needed. */
export type Settle = (
  planned: Planned,
  iteration: number,
  orders: number,
  outcomes: Outcomes,
  isWarmUp?: boolean,
) => void;

export const openSettle =
  (figures: OrderFigures, log: (line: string) => void): Settle =>
  ({ number }, iteration, orders, { acknowledged, replayed, failure }, isWarmUp = false) => {
    if (failure !== null) log(ledgerLine(number, iteration, failure));
    if (isWarmUp) return;
    if (acknowledged > 0) figures.ordersAcknowledged.add(acknowledged);
    if (replayed > 0) figures.ordersReplayed.add(replayed);
    if (failure?.outcome === "refused") figures.ordersRefused.add(orders - acknowledged);
    if (failure?.outcome === "unknown") figures.ordersUnknown.add(orders - acknowledged);
    figures.ordersFailed.add(failure !== null);
  };
