/** Does what a plan says, one after the other. */
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { nameOfWork, type Work } from "../experiments/plan.ts";
import { doSearch } from "../search/search.ts";
import { doPoint, type SuiteRun } from "./suite.ts";

export const doWork = async (suiteRun: SuiteRun, work: Work): Promise<void> => {
  switch (work.kind) {
    case "search":
      return doSearch(suiteRun, work);
    case "point":
      return doPoint(suiteRun, work);
  }
};

/** One experiment that cannot be run here does not keep the others from it. */
export const doAll = async (
  suiteRun: SuiteRun,
  works: readonly Work[],
  log: (line: string) => void,
): Promise<number> => {
  let failed = 0;
  for (const work of works) {
    try {
      await doWork(suiteRun, work);
    } catch (error) {
      suiteRun.measures.signal.throwIfAborted();
      failed++;
      log(`${nameOfWork(work)} could not be measured: ${messageOf(error)}`);
    }
    suiteRun.progress.done(work);
  }
  return failed;
};
