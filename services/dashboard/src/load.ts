/** A small load from the page: how many orders are due, and what became of them. Bounded in rate, time and flight. */

export type Load = {
  readonly perSecond: number;
  readonly startedMs: number;
  readonly sent: number;
  readonly accepted: number;
  readonly refused: number;
  /** Sent, and nobody can say whether they were taken. */
  readonly unsure: number;
  /** Due while as many as may be were on their way: not sent, and not sent later. */
  readonly dropped: number;
  /** Until then the server asked to be left alone. */
  readonly pausedUntilMs: number;
  /** In the server's words. */
  readonly reason: string | null;
};

export const LOAD_SECONDS = 20;
export const LOAD_EVERY_MS = 250;
const MOST_IN_FLIGHT = 4;
/** More in one request the API does not take. */
const MOST_IN_BATCH = 1_000;

export const startLoad = (perSecond: number, startedMs: number): Load => ({
  perSecond,
  startedMs,
  sent: 0,
  accepted: 0,
  refused: 0,
  unsure: 0,
  dropped: 0,
  pausedUntilMs: 0,
  reason: null,
});

/**
 * What to send at this moment of an open loop; what cannot go now is dropped, so that a slow server is not chased, and
 * neither is one met with a burst by a page that stood still: a second's orders are the most that go at once.
 */
export const due = (load: Load, nowMs: number, inFlight: number): { load: Load; orders: number } => {
  const elapsedMs = Math.min(nowMs - load.startedMs, LOAD_SECONDS * 1_000);
  const owed = Math.floor((elapsedMs / 1_000) * load.perSecond) - load.sent - load.dropped;
  if (owed <= 0) return { load, orders: 0 };
  const mayGo = nowMs >= load.pausedUntilMs && inFlight < MOST_IN_FLIGHT;
  const orders = mayGo ? Math.min(owed, load.perSecond, MOST_IN_BATCH) : 0;
  return { load: { ...load, sent: load.sent + orders, dropped: load.dropped + owed - orders }, orders };
};

export type Answer =
  | { readonly accepted: number; readonly refused: number }
  | {
      readonly refused: number;
      readonly unsure: number;
      readonly reason: string;
      readonly retryAfterMs: number;
    };

export const answered = (load: Load, answer: Answer, nowMs: number): Load =>
  "reason" in answer
    ? {
        ...load,
        refused: load.refused + answer.refused,
        unsure: load.unsure + answer.unsure,
        reason: answer.reason,
        pausedUntilMs: Math.max(load.pausedUntilMs, nowMs + answer.retryAfterMs),
      }
    : { ...load, accepted: load.accepted + answer.accepted, refused: load.refused + answer.refused };

export const isLoadOver = ({ startedMs }: Load, nowMs: number): boolean =>
  nowMs - startedMs >= LOAD_SECONDS * 1_000;
