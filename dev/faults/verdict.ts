/** What the run of a mutant says about it. */
import type { Mutant } from "./mutants/mutant.ts";
import type { RunResult } from "./run.ts";
import { warmUpProblem } from "./warm-up.ts";

/** `bad mutant`: the mistake was not planted, or it breaks the program without a fault, so its run says nothing. */
export type Verdict = "caught" | "not caught" | "bad mutant";

export type Judged = {
  readonly verdict: Verdict;
  /** Why the mutant is bad, and what the checker found. */
  readonly problems: readonly string[];
};

export type MutantRun = Pick<RunResult, "problems" | "warmUp">;

/** `unplanted`: the files of its edits that no program reported as planted. */
export const verdictOf = (
  { exposedAs }: Pick<Mutant, "exposedAs">,
  { problems, warmUp }: MutantRun,
  unplanted: readonly string[],
): Judged => {
  const notPlanted = unplanted.length > 0 ? `never planted: ${unplanted.join(", ")}` : null;
  const why = notPlanted ?? warmUpProblem(warmUp);
  if (why !== null) return { verdict: "bad mutant", problems: [why, ...problems] };
  const isCaught = problems.some((problem) => exposedAs.test(problem));
  return { verdict: isCaught ? "caught" : "not caught", problems };
};
