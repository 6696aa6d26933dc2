/**
 * One short line for each measured request and each probe that was seen, beside the ledger's lines: percentiles of every
 * second are made from them. k6's own outputs write some 18 lines a request, for several times the cost.
 *
 * When a request was planned follows from its iteration (lib/schedule.ts), so no line says it. The first request of a
 * scenario tells when the scenario began.
 */

export type Outcome = "acknowledged" | "refused" | "unknown";

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
