/** Sends every row as an order, in batches of those that are due, until each is accepted or rejected. */
import { DAY_MS } from "#shared/domain/time.ts";
import { pause } from "#shared/runtime/retry.ts";
import { openRetries, type Reply, reasonIn } from "./api.ts";

export type Sending = {
  readonly count: number;
  /** Sends rows `from` to `to` (exclusive), counted from 0, in one request; the same rows may be sent again. */
  readonly post: (from: number, to: number) => Promise<Reply>;
  /** When a row may be sent, in milliseconds after the start; it grows with the index. */
  readonly dueAfterMs: (index: number) => number;
  /** How long no request may succeed before the replay gives up. */
  readonly stallLimitMs: number;
  readonly signal: AbortSignal;
};

export type Progress = {
  /** Accepted and rejected rows. */
  settled: number;
  /** Rows the API had accepted before: an earlier run sent them, or their first reply was lost. */
  replayed: number;
  readonly rejected: { readonly index: number; readonly reason: string }[];
  /** All rows before this one are settled. */
  sentTo: number;
};

export type Sender = {
  readonly progress: Progress;
  /** Why the last request failed, null while they succeed. */
  trouble(): string | null;
  /** Resolves when all rows are settled or `signal` aborted; rejects when the replay gave up. */
  readonly done: Promise<void>;
};

/** Requests in flight: one is written while the next is read. */
const CONCURRENCY = 4;
/** Half of what a request may hold: more is no faster, and an interruption leaves fewer rows open. */
const BATCH_ROWS = 500;
/** When the API has rejected this many orders and accepted none, the file or the options are wrong. */
const MAX_REJECTED_ALONE = 1_000;

export const startSending = ({ count, post, dueAfterMs, stallLimitMs, signal }: Sending): Sender => {
  const progress: Progress = { settled: 0, replayed: 0, rejected: [], sentTo: 0 };
  const retries = openRetries(stallLimitMs);
  const giveUp = new AbortController();
  const until = AbortSignal.any([signal, giveUp.signal]);
  const startedMs = Date.now();
  /** First rows of batches that are not settled. */
  const open = new Set<number>();
  const requests = new Set<Promise<void>>();
  let next = 0;
  let failure: unknown = null;

  const send = async (from: number, to: number): Promise<void> => {
    const { replayed, reasons } = outcomeOf(await retries.ask(() => post(from, to), until));
    for (const [place, reason] of reasons) progress.rejected.push({ index: from + place, reason });
    progress.replayed += replayed;
    progress.settled += to - from;
    open.delete(from);
    progress.sentTo = Math.min(next, ...open);
    const { rejected, settled } = progress;
    if (rejected.length >= MAX_REJECTED_ALONE && rejected.length === settled)
      throw new Error(`the API rejects every order: ${rejected.at(-1)?.reason}`);
  };

  const start = (from: number, to: number): void => {
    open.add(from);
    const request = send(from, to)
      .catch((error: unknown) => {
        failure ??= error;
        giveUp.abort();
      })
      .finally(() => requests.delete(request));
    requests.add(request);
  };

  const run = async (): Promise<void> => {
    while (next < count && !until.aborted) {
      if (requests.size >= CONCURRENCY) await Promise.race(requests);
      const leftMs = (): number => startedMs + dueAfterMs(next) - Date.now();
      // a timer takes 24 days at most
      while (leftMs() > 0 && !until.aborted) await pause(Math.min(leftMs(), DAY_MS), until);
      if (until.aborted) break;
      const from = next++;
      while (next < count && next - from < BATCH_ROWS && leftMs() <= 0) next++;
      start(from, next);
    }
    await Promise.all(requests);
    if (failure !== null && !signal.aborted) throw failure;
  };
  return { progress, trouble: retries.trouble, done: run() };
};

type BatchBody = {
  readonly replayed?: number;
  readonly rejected?: readonly { readonly index: number; readonly field: string; readonly reason: string }[];
};

/** What became of a batch: reasons by place in it. Throws when the reply is not about its orders. */
const outcomeOf = (reply: Reply): { replayed: number; reasons: Map<number, string> } => {
  const { status, body } = reply;
  const isAboutOrders = status === 201 || status === 202 || status === 422;
  const { replayed = 0, rejected } = isAboutOrders ? (JSON.parse(body) as BatchBody) : {};
  if (rejected === undefined) throw new Error(`the API answers ${status}: ${reasonIn(reply)}`);
  const reasons = new Map<number, string>();
  for (const { index, field, reason } of rejected) {
    const before = reasons.get(index);
    reasons.set(index, `${before === undefined ? "" : `${before}; `}${field} ${reason}`);
  }
  return { replayed, reasons };
};
