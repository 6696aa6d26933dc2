/** Does what a plan says, one after the other. */
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { sizeOf } from "../experiments/layout.ts";
import { doSearch } from "../search/search.ts";
import { arrangementNamed } from "./arrangements.ts";
import { estimateOf, timeText, type Work } from "./plan.ts";
import type { Scale } from "./results.ts";
import { doPeak, doPoint, type Going } from "./suite.ts";

export const doWork = async (going: Going, work: Work): Promise<void> => {
  switch (work.kind) {
    case "peak":
      return doPeak(going, work.experiment, work.arrangement, work.size);
    case "search":
      return doSearch(going, work);
    case "point":
      return doPoint(going, work);
  }
};

/** One experiment that cannot be run here does not keep the others from it. */
export const doAll = async (
  going: Going,
  works: readonly Work[],
  tell: (line: string) => void,
): Promise<number> => {
  let failed = 0;
  for (const work of works) {
    try {
      await doWork(going, work);
    } catch (error) {
      going.measures.signal.throwIfAborted();
      failed++;
      tell(`${nameOfWork(work)} could not be measured: ${messageOf(error)}`);
    }
    going.progress.done(work);
  }
  return failed;
};

const nameOfWork = (work: Work): string => {
  const { experiment } = work;
  if (work.kind !== "point")
    return `${experiment}, ${work.kind} of ${work.arrangement} (${work.size} a request)`;
  return `${experiment}, ${arrangementNamed(work.point.arrangement).name} ${work.point.name}`.trim();
};

/** "E9, v3 2 workers, 25 a request at 1.1 of capacity: 20 s" */
export const textOfWork = (work: Work, scale: Scale): string => {
  const took = timeText(estimateOf(work, scale));
  if (work.kind !== "point") return `${nameOfWork(work)}: ${took}`;
  const { isPeak, load } = work.point;
  const rate = typeof load.rate === "number" ? `${load.rate}/s` : `${load.rate.ofCapacity} of capacity`;
  const at = isPeak ? "as much as it takes" : `at ${rate}`;
  return `${nameOfWork(work)}, ${sizeOf(work.point)} a request ${at}: ${took}`;
};
