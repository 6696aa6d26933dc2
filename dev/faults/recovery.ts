/** How long it took until clients and dashboards were served as promised again (SCALE.md's SLO-I). */
import type { Entry } from "../system/account.ts";

/** Acknowledged, and then visible on a dashboard, within these times for 99 of 100 orders. */
const ACK_MS = 100;
const FRESH_MS = 1_000;
const SHARE_LATE = 0.01;
/** So long it has to hold to be called recovered. */
const WINDOW_MS = 2_000;
const STEP_MS = 100;

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
