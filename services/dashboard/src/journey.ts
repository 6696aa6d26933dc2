/** One order on its way by one mode, as this page sees it; times are in milliseconds since it was sent. */

export type Journey = {
  readonly id: string;
  /** By the page's clock. */
  readonly sentMs: number;
  /** What the reply said and when it came; null before. */
  readonly acknowledged: { readonly status: string; readonly ms: number } | null;
  /** When the server was heard to have counted it, by asking; null before, and while nobody had to ask. */
  readonly countedMs: number | null;
  /** When it stood among the orders that the server sent to this page. */
  readonly shownMs: number | null;
  /** Why it was not taken, in the server's words. */
  readonly refusal: string | null;
  /** Why nobody knows whether it was taken: no reply came, or one that says so. */
  readonly doubt: string | null;
  /** It is not waited for any longer. */
  readonly isGivenUp: boolean;
};

/** Unacknowledged or uncounted for this long, it is no longer waited for. */
export const GIVE_UP_MS = 30_000;

export const sent = (id: string, sentMs: number): Journey => ({
  id,
  sentMs,
  acknowledged: null,
  countedMs: null,
  shownMs: null,
  refusal: null,
  doubt: null,
  isGivenUp: false,
});

/** The reply may come after the order itself: it then was shown before it was acknowledged, and is told so. */
export const acknowledged = (journey: Journey, status: string, nowMs: number): Journey => ({
  ...journey,
  acknowledged: { status, ms: Math.max(0, nowMs - journey.sentMs) },
});

export const refused = (journey: Journey, reason: string): Journey => ({ ...journey, refusal: reason });

export const doubted = (journey: Journey, reason: string): Journey => ({ ...journey, doubt: reason });

export const counted = (journey: Journey, nowMs: number): Journey => ({
  ...journey,
  countedMs: journey.countedMs ?? nowMs - journey.sentMs,
});

/** The first time counts. */
export const shown = (journey: Journey, nowMs: number): Journey =>
  journey.shownMs === null ? { ...journey, shownMs: nowMs - journey.sentMs } : journey;

export const givenUp = (journey: Journey): Journey => ({ ...journey, isGivenUp: true });

/** Nothing more is waited for; one that is counted may still be shown. */
export const isOver = ({ acknowledged: reply, doubt, refusal, ...journey }: Journey): boolean => {
  const isReplied = reply !== null || doubt !== null;
  const hasArrived = journey.shownMs !== null || journey.countedMs !== null;
  return refusal !== null || journey.isGivenUp || (isReplied && hasArrived);
};

/** How far it has come on the scale of time. */
export const reachedMs = (journey: Journey, nowMs: number): number => {
  const known = journey.shownMs ?? journey.countedMs;
  if (known !== null) return Math.max(known, journey.acknowledged?.ms ?? 0);
  if (journey.refusal !== null) return 0;
  return Math.min(GIVE_UP_MS, nowMs - journey.sentMs);
};

/** A scale on which all lanes are drawn: the first round figure above what was reached. */
const SCALES_MS = [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000];
export const scaleFor = (ms: number): number => SCALES_MS.find((scale) => ms <= scale) ?? ms;

/** The stages in words. `isHeard` tells whether the server sends this page new figures; `span` writes a time. */
export const journeyText = (journey: Journey, isHeard: boolean, span: (ms: number) => string): string => {
  if (journey.refusal !== null) return journey.refusal;
  const reply = replyText(journey, span);
  if (journey.shownMs !== null) return `${reply}; counted and shown here after ${span(journey.shownMs)}.`;
  const unheard = isHeard ? "" : " This page is not being sent new figures.";
  if (journey.countedMs !== null) {
    const why = isHeard ? " and not among the latest orders that this page was sent" : "";
    return `${reply}; counted within ${span(journey.countedMs)}${why}.${unheard}`;
  }
  if (!journey.isGivenUp) return `${reply}.`;
  const kept = journey.acknowledged === null ? "" : ": it is kept, and waits";
  return `${reply}; not seen to be counted within ${span(GIVE_UP_MS)}${kept}.${unheard}`;
};

const replyText = ({ acknowledged: reply, doubt }: Journey, span: (ms: number) => string): string => {
  if (reply !== null) return `Acknowledged (${reply.status}) after ${span(reply.ms)}`;
  return doubt === null ? "Sent" : `${doubt} It may have been taken`;
};
