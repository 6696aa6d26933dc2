/** Does what a plan says, one after the other. */
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { nameOfWork, type Work } from "../experiments/plan.ts";
import { doSearch } from "../search/search.ts";
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
  log: (line: string) => void,
): Promise<number> => {
  let failed = 0;
  for (const work of works) {
    try {
      await doWork(going, work);
    } catch (error) {
      going.measures.signal.throwIfAborted();
      failed++;
      log(`${nameOfWork(work)} could not be measured: ${messageOf(error)}`);
    }
    going.progress.done(work);
  }
  return failed;
};
