/**
 * Where a replay starts: anew, or where an earlier run of the same file and options was interrupted.
 */
import { iso } from "#shared/domain/time.ts";
import { count, money } from "./figures.ts";
import { shiftToNow, spanOf } from "./plan.ts";
import {
  forget,
  loadState,
  type Places,
  packed,
  type ReplayState,
  STATE_MAX_AGE_MS,
  saveState,
  unpacked,
} from "./state.ts";
import type { Survey } from "./survey.ts";
import { sumOf, type Totals } from "./totals.ts";

export type Say = (line: string) => void;

/** The state of an earlier run that can be gone on with. What cannot is removed, its own stack's data too. */
export const earlierState = async (
  places: Places,
  isFresh: boolean,
  nowMs: number,
  say: Say,
): Promise<ReplayState | null> => {
  const state = isFresh ? null : await loadState(places.state);
  const isTooOld = state !== null && nowMs - state.keyTimeMs > STATE_MAX_AGE_MS;
  if (isTooOld)
    say(
      `An earlier run began ${iso(state.keyTimeMs)}: its keys are too old to go on with, so every sale is a new order.`,
    );
  if (state === null || isTooOld) {
    await forget(places);
    return null;
  }
  say(
    `Going on with the run of ${iso(state.keyTimeMs)}: the same orders under the same keys (--fresh begins anew).`,
  );
  return state;
};

export type Beginning = {
  readonly survey: Survey;
  readonly places: Places;
  readonly keepTime: boolean;
  readonly earlier: ReplayState | null;
  /** What the system has counted in the hours of these sales, shifted by so much. */
  readonly read: (shiftMs: number) => Promise<Totals>;
  readonly say: Say;
};

/** The state to run with, written down before the first order is sent. */
export const begin = async (beginning: Beginning): Promise<ReplayState> => {
  const { survey, places, earlier, read, say } = beginning;
  if (earlier) {
    const counted = await read(earlier.shiftMs);
    if (holds(counted, unpacked(earlier.baseline))) return earlier;
    say("This stack no longer has what it had when this replay began: it begins anew.");
  }
  const nowMs = Date.now();
  const shiftMs = beginning.keepTime ? 0 : shiftToNow(spanOf(survey.rows).lastMs, nowMs);
  const baseline = await read(shiftMs);
  const { orders, cents } = sumOf(baseline);
  if (orders > 0)
    say(
      `The stack has counted ${count(orders)} orders (${money(cents)}) of this mode in these hours already: ` +
        "the comparison is of what comes on top of them.",
    );
  const state = { keyTimeMs: nowMs, shiftMs, sentTo: 0, baseline: packed(baseline) };
  await saveState(places.state, state);
  return state;
};

const holds = (counted: Totals, baseline: Totals): boolean =>
  [...baseline].every(([key, { orders }]) => (counted.get(key)?.orders ?? 0) >= orders);
