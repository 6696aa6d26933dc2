/** What a fault cost: for how long nothing was acknowledged, and when all was as promised again (dev/faults/recovery.ts). */

import type { Request, Visible } from "../generators/output.ts";
import type { Run } from "../run/results.ts";
import { percentileOf } from "./statistics.ts";
import { rounded } from "./usage.ts";

/** Of SLO-I (SCALE.md). */
const ACK_MS = 100;
const FRESH_MS = 1_000;
const SHARE_IN_TIME = 0.99;
/** So long it has to hold to be called recovered. */
const WINDOW_MS = 2_000;
const STEP_MS = 100;

type Struck = { readonly what: string; readonly fromMs: number; readonly untilMs: number };

/** Recovery counts from when what was struck runs again. */
export const faultOf = (
  struck: Struck,
  requests: readonly Request[],
  visible: readonly Visible[],
  endMs: number,
): NonNullable<Run["fault"]> => {
  const found = recoveryMs(struck, requests, visible, endMs);
  return {
    what: struck.what,
    downtimeSeconds: rounded(downtimeMs(struck, requests) / 1_000, 2),
    recoverySeconds: found === null ? null : rounded(found / 1_000, 2),
  };
};

/**
 * The longest time after the strike in which no request that was planned was acknowledged in time; 0 when it is not
 * more than between any two requests.
 */
const downtimeMs = ({ fromMs }: Struck, requests: readonly Request[]): number => {
  let longest = 0;
  let begunMs: number | null = null;
  for (const request of requests) {
    if (request.plannedAtMs < fromMs - WINDOW_MS) continue;
    if (isInTime(request)) {
      if (begunMs !== null) longest = Math.max(longest, request.plannedAtMs - begunMs);
      begunMs = null;
    } else begunMs ??= request.plannedAtMs;
  }
  const last = requests.at(-1)?.plannedAtMs ?? 0;
  return begunMs === null ? longest : Math.max(longest, last - begunMs);
};

const isInTime = ({ outcome, latencyMs }: Request): boolean =>
  outcome === "acknowledged" && latencyMs <= ACK_MS;

/** Null when there is no such window. */
const recoveryMs = (
  { untilMs }: Struck,
  requests: readonly Request[],
  visible: readonly Visible[],
  endMs: number,
): number | null => {
  for (let startMs = untilMs; startMs + WINDOW_MS <= endMs; startMs += STEP_MS) {
    const isDue = (atMs: number): boolean => atMs >= startMs && atMs < startMs + WINDOW_MS;
    const own = requests.filter(({ plannedAtMs }) => isDue(plannedAtMs));
    const inTime = own.filter(isInTime).length;
    const fresh = visible.filter(({ atMs }) => isDue(atMs)).map(({ freshnessMs }) => freshnessMs);
    const isFresh = fresh.length > 0 && percentileOf(fresh, SHARE_IN_TIME) <= FRESH_MS;
    if (own.length > 0 && inTime >= own.length * SHARE_IN_TIME && isFresh) return startMs - untilMs;
  }
  return null;
};
