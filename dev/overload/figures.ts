/** What an overload's answers say. */
import { tableOf as table } from "../markdown.ts";
import type { Answer, LoadResult } from "./load.ts";

export type Figures = {
  readonly mode: string;
  readonly bound: string;
  /** Requests per second: accepted without overload, sent under it, accepted and refused under it. */
  readonly capacity: number;
  readonly offered: number;
  readonly accepted: number;
  readonly refused: number;
  /** Replies that are neither accepted nor 503, and requests without a reply or never sent: nothing was free to send them. */
  readonly wrong: number;
  /** Milliseconds from when it was due. */
  readonly acceptedP50: number;
  readonly acceptedP99: number;
  readonly refusedP99: number;
  /** How late the generator itself was; with more than a few ms the run says nothing. */
  readonly lateP99: number;
  readonly memoryBefore: number;
  readonly memoryPeak: number;
  /** Milliseconds from the end of the overload until everything is accepted promptly; null when that never came. */
  readonly normalAfterMs: number | null;
};

const MOST_ACCEPTED_MS = 500;
const MOST_NORMAL_AFTER_MS = 5_000;
const MOST_GROWTH_BYTES = 300 * 1_024 * 1_024;
/** After the overload a reply within this time is prompt; what is late once again later is the machine's own. */
const PROMPT_MS = 100;
const NORMAL_FOR_MS = 1_000;

export const figuresOf = (
  mode: string,
  capacity: number,
  { phases, answers, unsent, lateP99Ms }: LoadResult,
  memory: { readonly before: number; readonly peak: number },
): Omit<Figures, "bound"> => {
  const [overload, after] = phases;
  if (!overload || !after) throw new Error("the load has two phases");
  const during = answers.filter(([due]) => due < overload.endMs);
  const seconds = (overload.endMs - overload.startMs) / 1_000;
  const accepted = during.filter(isAccepted);
  const refused = during.filter(([, , status]) => status === 503);
  return {
    mode,
    capacity,
    offered: during.length / seconds,
    accepted: accepted.length / seconds,
    refused: refused.length / seconds,
    wrong: during.length - accepted.length - refused.length + unsent,
    acceptedP50: percentile(accepted, 0.5),
    acceptedP99: percentile(accepted, 0.99),
    refusedP99: percentile(refused, 0.99),
    lateP99: lateP99Ms,
    memoryBefore: memory.before,
    memoryPeak: memory.peak,
    normalAfterMs: normalAfter(
      answers.filter(([due]) => due >= after.startMs).sort(([a], [b]) => a - b),
      after.startMs,
    ),
  };
};

const isAccepted = ([, , status]: Answer): boolean => status >= 200 && status < 300;

const percentile = (answers: readonly Answer[], share: number): number => {
  const latencies = answers.map(([due, answered]) => answered - due).sort((a, b) => a - b);
  return latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? Number.NaN;
};

/** `answers` in the order they were due. Until the first second in which everything is accepted promptly. */
const normalAfter = (answers: readonly Answer[], startMs: number): number | null => {
  const lastDueMs = answers.at(-1)?.[0] ?? startMs;
  let since = startMs;
  for (const [due, answered, status] of answers) {
    if (due - since >= NORMAL_FOR_MS) return since - startMs;
    if (!isAccepted([due, answered, status]) || answered - due > PROMPT_MS) since = due;
  }
  return lastDueMs - since >= NORMAL_FOR_MS ? since - startMs : null;
};

export const isGood = (figures: Figures): boolean =>
  figures.wrong === 0 &&
  figures.accepted > 0 &&
  figures.acceptedP99 < MOST_ACCEPTED_MS &&
  figures.memoryPeak - figures.memoryBefore < MOST_GROWTH_BYTES &&
  figures.normalAfterMs !== null &&
  figures.normalAfterMs < MOST_NORMAL_AFTER_MS;

const whole = (value: number): string => Math.round(value).toLocaleString("en-US");
const megabytes = (bytes: number): string => whole(bytes / 1_024 / 1_024);

export const tableOf = (all: readonly Figures[]): string => {
  const head = [
    "mode",
    "bound by",
    "capacity/s",
    "offered/s",
    "accepted/s",
    "503/s",
    "wrong",
    "accepted p50 ms",
    "p99 ms",
    "503 p99 ms",
    "sent late p99 ms",
    "memory MB",
    "peak MB",
    "normal after s",
    "",
  ];
  const rows = all.map((figures) => [
    figures.mode,
    figures.bound,
    whole(figures.capacity),
    whole(figures.offered),
    whole(figures.accepted),
    whole(figures.refused),
    whole(figures.wrong),
    whole(figures.acceptedP50),
    whole(figures.acceptedP99),
    whole(figures.refusedP99),
    whole(figures.lateP99),
    megabytes(figures.memoryBefore),
    megabytes(figures.memoryPeak),
    figures.normalAfterMs === null ? "never" : (figures.normalAfterMs / 1_000).toFixed(1),
    isGood(figures) ? "ok" : "NOT OK",
  ]);
  return table(head, rows);
};
