/**
 * Sends every row as an order, in batches of those that are due, until each is accepted or refused.
 *
 * `post` is the only thing that knows how orders travel.
 */
import { pause } from "#shared/runtime/retry.ts";
import type { Reply } from "./client.ts";
import { openPatience, reasonIn } from "./patience.ts";

export type Sending = {
  readonly count: number;
  /** Sends the rows with these numbers, counted from 0, in one request; the same rows may be sent again. */
  readonly post: (indices: readonly number[]) => Promise<Reply>;
  /** When a row may be sent, in milliseconds after the start. */
  readonly dueAfterMs: (index: number) => number;
  /** How long nothing at all may be accepted before the replay gives up. */
  readonly stallLimitMs: number;
  readonly signal: AbortSignal;
};

export type Progress = {
  /** Accepted and refused ones. */
  settled: number;
  /** Accepted before: they were sent by an earlier run, or their first reply was lost. */
  replayed: number;
  readonly refused: { readonly index: number; readonly reason: string }[];
  /** All rows before this one are settled. */
  sentTo: number;
  trouble: string | null;
};

/** Requests at a time: one is written while the next is read. */
export const CONCURRENCY = 4;
/** Half of what a request may hold: more makes it no faster, and an interruption leaves less open. */
const MOST_TOGETHER = 500;
/** With nothing accepted by then, the rows are not the mistake. */
const MOST_REFUSED_ALONE = 1_000;

/** `progress` is alive. `done` resolves when all are settled or `signal` aborted; it rejects when it gave up. */
export const startSending = (sending: Sending): { progress: Progress; done: Promise<void> } => {
  const { count, signal } = sending;
  const progress: Progress = { settled: 0, replayed: 0, refused: [], sentTo: 0, trouble: null };
  const patience = openPatience(sending.stallLimitMs);
  const halt = new AbortController();
  const until = AbortSignal.any([signal, halt.signal]);
  const started = Date.now();
  const inFlight = new Set<number>();
  let next = 0;

  const settle = (indices: readonly number[], reply: Reply): void => {
    const { replayed, rejected } = outcomeOf(reply);
    for (const [place, reason] of rejected)
      progress.refused.push({ index: indices[place] ?? indices[0] ?? 0, reason });
    progress.replayed += replayed;
    progress.settled += indices.length;
    if (progress.refused.length >= MOST_REFUSED_ALONE && progress.refused.length === progress.settled)
      throw new Error(`the stack refuses every order: ${progress.refused.at(-1)?.reason}`);
    for (const index of indices) inFlight.delete(index);
    progress.sentTo = inFlight.size === 0 ? next : Math.min(...inFlight);
  };

  /** The next rows that are due, after waiting for the first of them; empty when it is over. */
  const takeDue = async (): Promise<number[]> => {
    if (next >= count || until.aborted) return [];
    const first = next++;
    inFlight.add(first);
    const waitMs = started + sending.dueAfterMs(first) - Date.now();
    if (waitMs > 0) await pauseLong(waitMs, until);
    if (until.aborted) return [];
    const taken = [first];
    // A timer may fire a millisecond early; what was waited for is due all the same.
    const elapsedMs = Math.max(Date.now() - started, sending.dueAfterMs(first));
    while (next < count && taken.length < MOST_TOGETHER && sending.dueAfterMs(next) <= elapsedMs) {
      inFlight.add(next);
      taken.push(next++);
    }
    return taken;
  };

  /** One waits at a time, so that rows that become due together go together. */
  let taking: Promise<unknown> = Promise.resolve();
  const takeInTurn = (): Promise<number[]> => {
    const taken = taking.then(takeDue);
    taking = taken;
    return taken;
  };

  const worker = async (): Promise<void> => {
    for (let indices = await takeInTurn(); indices.length > 0; indices = await takeInTurn()) {
      settle(indices, await patience.ask(() => sending.post(indices), until));
      progress.trouble = patience.trouble();
    }
  };

  const run = async (): Promise<void> => {
    let failure: unknown = null;
    const stop = (error: unknown): void => {
      failure ??= error;
      halt.abort();
    };
    const watch = setInterval(() => {
      progress.trouble = patience.trouble();
    }, 500);
    await Promise.all(Array.from({ length: Math.min(CONCURRENCY, count) }, () => worker().catch(stop)));
    clearInterval(watch);
    if (failure !== null && !signal.aborted) throw failure;
  };
  return { progress, done: run() };
};

type BatchBody = {
  readonly replayed?: number;
  readonly rejected?: readonly { readonly index: number; readonly field: string; readonly reason: string }[];
};

/** What became of a batch; `rejected` by place in it. Throws when the reply is not about its orders. */
const outcomeOf = (reply: Reply): { replayed: number; rejected: Map<number, string> } => {
  const { status, body } = reply;
  const isAnswer = status === 201 || status === 202 || status === 422;
  const { replayed = 0, rejected } = isAnswer ? (JSON.parse(body) as BatchBody) : {};
  if (rejected === undefined) throw new Error(`the stack answers ${status}: ${reasonIn(reply)}`);
  const reasons = new Map<number, string>();
  for (const { index, field, reason } of rejected) {
    const before = reasons.get(index);
    reasons.set(index, `${before === undefined ? "" : `${before}; `}${field} ${reason}`);
  }
  return { replayed, rejected: reasons };
};

/** Timers take 24 days at most; a slow replay of a long file waits longer over a holiday. */
const pauseLong = async (ms: number, signal: AbortSignal): Promise<void> => {
  const most = 2 ** 31 - 1;
  for (let left = ms; left > 0 && !signal.aborted; left -= most) await pause(Math.min(left, most), signal);
};
