/** Whether orders were served before the fault (warm-up), and how long until they were again (SCALE.md's SLO-I). */
import type { Entry } from "../system/account.ts";
import type { Sample } from "./readiness.ts";

export type WarmUp = {
  /** Orders that were due before the strike, long enough ago for a reply. */
  readonly sent: number;
  readonly acknowledged: number;
  /** The last answer of every API's /readyz before the strike was ok. */
  readonly ready: boolean;
};

/** The time that an order has for its reply. */
const REPLY_MS = 500;
const LEAST_SHARE = 0.5;
/** The clients send about 60 requests a second for at least 3 s. */
const LEAST_SENT = 60;

export const warmUpOf = (
  entries: readonly Entry[],
  samples: readonly Sample[],
  urls: readonly string[],
  strikeMs: number,
): WarmUp => {
  const due = entries.filter(({ dueMs }) => dueMs <= strikeMs - REPLY_MS);
  const isInTime = ({ acknowledgedMs }: Entry): boolean =>
    acknowledgedMs !== null && acknowledgedMs <= strikeMs;
  const lastOf = (url: string): Sample | undefined =>
    samples.findLast((sample) => sample.url === url && sample.answeredMs <= strikeMs);
  return {
    sent: due.length,
    acknowledged: due.filter(isInTime).length,
    ready: urls.every((url) => lastOf(url)?.state === "ok"),
  };
};

/** Why the run proves nothing about its fault; null when orders were served. `warmUp` is null without a strike. */
export const warmUpProblem = (warmUp: WarmUp | null): string | null => {
  if (warmUp === null) return "the run ended before its fault";
  const { sent, acknowledged, ready } = warmUp;
  if (sent < LEAST_SENT) return `only ${sent} orders were sent before the fault`;
  if (acknowledged < sent * LEAST_SHARE)
    return `only ${acknowledged} of ${sent} orders were acknowledged before the fault`;
  return ready ? null : "/readyz was not ok before the fault";
};

/** 99 of 100 orders are acknowledged, and then visible on a dashboard, within these times. */
const ACK_MS = 100;
const FRESH_MS = 1_000;
const SHARE_LATE = 0.01;
/** The objective has to hold this long to be called recovered. */
const WINDOW_MS = 2_000;
const STEP_MS = 100;

/** Each change of a dashboard's count of orders. */
export type Seen = readonly (readonly [atMs: number, orders: number])[];

/**
 * Milliseconds from `fromMs` to the first window in which the objective holds; null when there is none before `nowMs`.
 * An order is visible when the dashboard's count has reached its place among the acknowledged ones.
 */
export const recoveryMs = (
  entries: readonly Entry[],
  seen: Seen,
  fromMs: number,
  nowMs: number,
): number | null => {
  const visible = visibleAt(entries, seen);
  const last = nowMs - WINDOW_MS - FRESH_MS;
  for (let startMs = fromMs; startMs <= last; startMs += STEP_MS) {
    const isDue = ({ dueMs }: Entry): boolean => dueMs >= startMs && dueMs < startMs + WINDOW_MS;
    const window = entries.filter((entry) => entry.outcome !== "refused" && isDue(entry));
    const mostLate = Math.ceil(window.length * SHARE_LATE);
    const late = window.filter((entry) => isLate(entry, visible.get(entry.id)));
    if (window.length > 0 && late.length <= mostLate) return startMs - fromMs;
  }
  return null;
};

const isLate = ({ dueMs, acknowledgedMs }: Entry, visibleMs = Number.POSITIVE_INFINITY): boolean =>
  acknowledgedMs === null || acknowledgedMs - dueMs > ACK_MS || visibleMs - acknowledgedMs > FRESH_MS;

const visibleAt = (entries: readonly Entry[], seen: Seen): Map<string, number> => {
  const acknowledged = entries
    .filter(({ acknowledgedMs }) => acknowledgedMs !== null)
    .sort((a, b) => (a.acknowledgedMs ?? 0) - (b.acknowledgedMs ?? 0));
  const visible = new Map<string, number>();
  let at = 0;
  for (const [index, { id }] of acknowledged.entries()) {
    while (at < seen.length && (seen[at]?.[1] ?? 0) <= index) at++;
    const [atMs] = seen[at] ?? [];
    if (atMs === undefined) break;
    visible.set(id, atMs);
  }
  return visible;
};
