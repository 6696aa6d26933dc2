/**
 * Sends every row as one order, several at a time, until each is accepted or refused.
 *
 * `post` is the only thing that knows how an order travels: a release with batches gives it another one.
 */
import { pause } from "#shared/runtime/retry.ts";
import type { Reply } from "./client.ts";
import { openPatience, reasonIn } from "./patience.ts";

export type Sending = {
  readonly count: number;
  /** Sends the row with this number, counted from 0; the same row may be sent again. */
  readonly post: (index: number) => Promise<Reply>;
  /** When it may be sent, in milliseconds after the start. */
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

/** Enough for the modes to group orders while a write is in flight, few enough that an interruption leaves little open. */
export const CONCURRENCY = 64;
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

  const settle = (index: number, reply: Reply): void => {
    if (reply.status === 422) progress.refused.push({ index, reason: reasonIn(reply) });
    else if (reply.status < 200 || reply.status > 202)
      throw new Error(`the stack answers ${reply.status} to an order: ${reasonIn(reply)}`);
    else if (reply.status === 200) progress.replayed++;
    if (progress.refused.length === MOST_REFUSED_ALONE && progress.settled === MOST_REFUSED_ALONE - 1)
      throw new Error(`the stack refuses every order: ${reasonIn(reply)}`);
    progress.settled++;
    inFlight.delete(index);
    progress.sentTo = inFlight.size === 0 ? next : Math.min(...inFlight);
  };

  const worker = async (): Promise<void> => {
    while (next < count && !until.aborted) {
      const index = next++;
      inFlight.add(index);
      const waitMs = started + sending.dueAfterMs(index) - Date.now();
      if (waitMs > 0) await pauseLong(waitMs, until);
      if (until.aborted) return;
      const reply = await patience.ask(() => sending.post(index), until);
      settle(index, reply);
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

/** Timers take 24 days at most; a slow replay of a long file waits longer over a holiday. */
const pauseLong = async (ms: number, signal: AbortSignal): Promise<void> => {
  const most = 2 ** 31 - 1;
  for (let left = ms; left > 0 && !signal.aborted; left -= most) await pause(Math.min(left, most), signal);
};
