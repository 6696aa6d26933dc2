/** A small load from the page: an open loop of batches through every mode, bounded in rate, duration and requests in flight. */
import type { Setup } from "../../../shared/wire/operations.ts";
import { type Api, ErrorReply, isUnconfirmed, messageOf, randomOrder } from "./api.ts";

/** The load of one mode. */
export type Load = {
  readonly perSecond: number;
  readonly startedMs: number;
  readonly sent: number;
  readonly accepted: number;
  readonly rejected: number;
  /** Sent, and possibly accepted. */
  readonly unconfirmed: number;
  /** Due while too many requests were in flight or the server asked for a pause: never sent. */
  readonly skipped: number;
  /** The end of the pause that the server asked for. */
  readonly pausedUntilMs: number;
  /** The error of the last failed batch. */
  readonly reason: string | null;
};

export const LOAD_SECONDS = 20;
export const LOAD_EVERY_MS = 250;
const MAX_IN_FLIGHT = 4;
/** The API's limit for one request. */
const MAX_IN_BATCH = 1_000;
/** For an error without Retry-After; the server's usual value. */
const RETRY_AFTER_MS = 1_000;

export const startLoad = (perSecond: number, startedMs: number): Load => ({
  perSecond,
  startedMs,
  sent: 0,
  accepted: 0,
  rejected: 0,
  unconfirmed: 0,
  skipped: 0,
  pausedUntilMs: 0,
  reason: null,
});

/**
 * The orders to send now in an open loop. Orders that cannot be sent now are skipped, so that neither a slow server nor a
 * page that was suspended causes a burst: at most the orders of one second are sent at once.
 */
export const due = (load: Load, nowMs: number, inFlight: number): { load: Load; orders: number } => {
  const elapsedMs = Math.min(nowMs - load.startedMs, LOAD_SECONDS * 1_000);
  const owed = Math.floor((elapsedMs / 1_000) * load.perSecond) - load.sent - load.skipped;
  if (owed <= 0) return { load, orders: 0 };
  const maySend = nowMs >= load.pausedUntilMs && inFlight < MAX_IN_FLIGHT;
  const orders = maySend ? Math.min(owed, load.perSecond, MAX_IN_BATCH) : 0;
  return { load: { ...load, sent: load.sent + orders, skipped: load.skipped + owed - orders }, orders };
};

export type Answer =
  | { readonly accepted: number; readonly rejected: number }
  | {
      readonly rejected: number;
      readonly unconfirmed: number;
      readonly reason: string;
      readonly retryAfterMs: number;
    };

export const answered = (load: Load, answer: Answer, nowMs: number): Load =>
  "reason" in answer
    ? {
        ...load,
        rejected: load.rejected + answer.rejected,
        unconfirmed: load.unconfirmed + answer.unconfirmed,
        reason: answer.reason,
        pausedUntilMs: Math.max(load.pausedUntilMs, nowMs + answer.retryAfterMs),
      }
    : { ...load, accepted: load.accepted + answer.accepted, rejected: load.rejected + answer.rejected };

export const isLoadOver = ({ startedMs }: Load, nowMs: number): boolean =>
  nowMs - startedMs >= LOAD_SECONDS * 1_000;

export type LoadSender = {
  start(setup: Setup, perSecond: number): void;
  stop(): void;
  isRunning(): boolean;
  /** The elapsed share of the load's duration, from 0 to 1. */
  progress(): number;
  /** By mode. */
  loads(): ReadonlyMap<string, Load>;
};

export const openLoadSender = (api: Api, onChange: () => void): LoadSender => {
  const loads = new Map<string, Load>();
  const inFlight = new Map<string, number>();
  let timer: ReturnType<typeof setInterval> | undefined;
  let startedMs = 0;

  const send = async (mode: string, orders: readonly object[], of: Load): Promise<void> => {
    inFlight.set(mode, (inFlight.get(mode) ?? 0) + 1);
    const answer = await answerTo(api, mode, orders);
    inFlight.set(mode, (inFlight.get(mode) ?? 1) - 1);
    const load = loads.get(mode);
    // the answer may belong to an earlier load
    if (load?.startedMs === of.startedMs) loads.set(mode, answered(load, answer, performance.now()));
    onChange();
  };
  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
    onChange();
  };
  const tick = (setup: Setup): void => {
    const now = performance.now();
    for (const [mode, load] of loads) {
      const next = due(load, now, inFlight.get(mode) ?? 0);
      loads.set(mode, next.load);
      const orders = Array.from({ length: next.orders }, () => randomOrder(setup, Math.random));
      if (orders.length > 0) void send(mode, orders, load);
    }
    if ([...loads.values()].every((load) => isLoadOver(load, now))) stop();
    onChange();
  };
  return {
    start: (setup, perSecond) => {
      loads.clear();
      startedMs = performance.now();
      for (const { name } of setup.modes) loads.set(name, startLoad(perSecond, startedMs));
      timer = setInterval(() => tick(setup), LOAD_EVERY_MS);
      onChange();
    },
    stop,
    isRunning: () => timer !== undefined,
    progress: () => Math.min(1, (performance.now() - startedMs) / (LOAD_SECONDS * 1_000)),
    loads: () => loads,
  };
};

type BatchReply = { readonly ids: readonly string[]; readonly rejected: readonly unknown[] };

const answerTo = async (api: Api, mode: string, orders: readonly object[]): Promise<Answer> => {
  try {
    const { ids, rejected } = await api.post<BatchReply>(`api/${mode}/orders`, orders);
    return { accepted: ids.length, rejected: rejected.length };
  } catch (error) {
    const retryAfterMs = (error instanceof ErrorReply && error.retryAfterMs) || RETRY_AFTER_MS;
    const [rejected, unconfirmed] = isUnconfirmed(error) ? [0, orders.length] : [orders.length, 0];
    return { rejected, unconfirmed, reason: messageOf(error), retryAfterMs };
  }
};
