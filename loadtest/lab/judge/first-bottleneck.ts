/** What gave in first, of the runs of one search. */

import { numberText } from "../report/numbers.ts";
import type { Run } from "../run/results.ts";
import type { Capacity } from "../search/capacity.ts";
import { standingOf } from "./objectives.ts";

/**
 * By the rule of bottleneck.ts, at the lowest failing rate at which it names something: where that is not the first one,
 * the rate in orders per second is said too, and at last what a closed loop found full. Replies may be late long before
 * anything is full. Where nothing failed, at the rate that held.
 */
export const firstBottleneck = (
  runs: readonly Run[],
  peaks: readonly Run[],
  { rate, firstFailing }: Pick<Capacity, "rate" | "firstFailing">,
): string => {
  if (firstFailing === null) return named(runs.filter(({ load }) => load.requestsPerSecond === rate)) ?? NONE;
  const failed = runs.filter(
    (run) => standingOf(run, "interactive") === "fails" && run.load.requestsPerSecond >= firstFailing.rate,
  );
  const byRate = [...Map.groupBy(failed, ({ load }) => load.requestsPerSecond)].sort(([a], [b]) => a - b);
  for (const [at, group] of byRate) {
    const resource = named(group);
    if (resource === null) continue;
    return at === firstFailing.rate ? resource : `${resource}, at ${ordersText(group)}/s`;
  }
  const full = named(peaks);
  return full === null ? NONE : `${full}, at the closed loop's ${ordersText(peaks)}/s`;
};

const NONE = "not found";

/** What most of these have; null where none has any. */
const named = (runs: readonly Run[]): string | null => {
  const resources = runs.flatMap(({ bottleneck }) => bottleneck?.resource ?? []);
  const counts = [...Map.groupBy(resources, (each) => each)].sort(([, a], [, b]) => b.length - a.length);
  return counts[0]?.[0] ?? null;
};

const ordersText = ([run]: readonly Run[]): string =>
  run === undefined ? "" : numberText(run.load.requestsPerSecond * run.load.ordersPerRequest);
