/**
 * Mutants: each known bug, loaded into the real programs, has to be found by its fault. Its run has to acknowledge orders
 * until the fault strikes: a mutant that breaks the program without a fault proves nothing.
 */
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { type Fault, faultNamed } from "./faults.ts";
import { countingMutants } from "./mutants/counting.ts";
import { deliveryMutants } from "./mutants/delivery.ts";
import { editedLine, type Mutant, settingsWith } from "./mutants/mutant.ts";
import { settingMutants } from "./mutants/settings.ts";
import { writeAtomically } from "./results.ts";
import { concurrently, type RunOptions, type RunResult, runFault } from "./run.ts";
import { warmUpProblem } from "./service-level.ts";

/** Every known bug that the faults have to expose. */
export const mutants: readonly Mutant[] = [...deliveryMutants, ...countingMutants, ...settingMutants];

/** `bad mutant`: it was not loaded, or it breaks the program without a fault, so its run proves nothing. */
export type Verdict = "caught" | "not caught" | "bad mutant";

export type Judged = {
  readonly verdict: Verdict;
  /** Why the mutant is bad, and what the run reported. */
  readonly problems: readonly string[];
};

type MutantRun = Pick<RunResult, "problems" | "warmUp">;

/** `unloaded`: the edited files that no program reported as loaded. */
export const verdictOf = (
  { exposedAs }: Pick<Mutant, "exposedAs">,
  { problems, warmUp }: MutantRun,
  unloaded: readonly string[],
): Judged => {
  const why = unloaded.length > 0 ? `never loaded: ${unloaded.join(", ")}` : warmUpProblem(warmUp);
  if (why !== null) return { verdict: "bad mutant", problems: [why, ...problems] };
  const isCaught = problems.some((problem) => exposedAs.test(problem));
  return { verdict: isCaught ? "caught" : "not caught", problems };
};

export type MutationTest = {
  readonly mutants: readonly Mutant[];
  readonly seeds: readonly number[];
  readonly seconds: number;
  readonly atOnce: number;
  readonly file: string;
  readonly onLine: (line: string) => void;
};

/** A mutant does not recover: waiting for that as long as for the product would double the time for nothing. */
const MUTANT_SECONDS = 45;

type Trial = Pick<RunOptions, "mode" | "seed"> & { readonly fault: string };

/** True when all are caught. Runs each fault without the bug first: that must report nothing. */
export const testMutants = async (options: MutationTest): Promise<boolean> => {
  const trials = options.mutants.flatMap((mutant) => options.seeds.map((seed) => ({ ...mutant, seed })));
  const clean = await cleanTrials(trials, options);
  const tested: (Judged & Trial & Pick<Mutant, "name">)[] = [];
  await concurrently(options.atOnce, trials, async (trial) => {
    const { name, mode, fault, seed } = trial;
    const found: Judged = clean.has(keyOf(trial))
      ? await testMutant(trial, options)
      : { verdict: "not caught", problems: [`not run: ${fault} reports problems without the bug too`] };
    tested.push({ name, mode, fault, seed, ...found });
    writeAtomically(options.file, { mutants: tested });
    console.log(`${LINE_STARTS[found.verdict]} ${name} by ${mode} ${fault} seed ${seed}`);
    for (const problem of found.problems) console.log(`           ${problem}`);
  });
  const caught = tested.filter(({ verdict }) => verdict === "caught").length;
  console.log(`\n${caught} of ${tested.length} mutants caught`);
  return tested.length > 0 && caught === tested.length;
};

const LINE_STARTS: Record<Verdict, string> = {
  caught: "caught    ",
  "not caught": "NOT CAUGHT",
  "bad mutant": "BAD MUTANT",
};

const keyOf = ({ mode, fault, seed }: Trial): string => `${mode} ${fault} seed ${seed}`;

/** Those in which the product survives the fault: only then is a failure evidence of the bug. */
const cleanTrials = async (trials: readonly Trial[], options: MutationTest): Promise<Set<string>> => {
  const distinct = [...new Map(trials.map((trial) => [keyOf(trial), trial])).values()];
  const clean = new Set<string>();
  await concurrently(options.atOnce, distinct, async (trial) => {
    const { problems } = await runOf(faultNamed(trial.fault), trial, options.seconds, options.onLine);
    if (problems.length === 0) clean.add(keyOf(trial));
    console.log(`${problems.length === 0 ? "ok        " : "NOT OK    "} without a bug: ${keyOf(trial)}`);
    for (const problem of problems) console.log(`           ${problem}`);
  });
  return clean;
};

const testMutant = async (mutant: Mutant & Trial, options: MutationTest): Promise<Judged> => {
  const unloaded = new Set(mutant.edits.map(({ file }) => file));
  const onLine = (line: string): void => {
    for (const file of unloaded) if (line.includes(editedLine(file))) unloaded.delete(file);
    options.onLine(line);
  };
  const seconds = Math.min(MUTANT_SECONDS, options.seconds);
  const run = await runOf(withBug(mutant), mutant, seconds, onLine);
  return verdictOf(mutant, run, [...unloaded]);
};

/** The fault, on programs and servers that have the bug. */
const withBug = ({ fault: name, misconfigured, edits }: Mutant): Fault => {
  const fault = misconfigured ?? faultNamed(name);
  return { ...fault, setup: { ...fault.setup, env: { ...fault.setup?.env, ...settingsWith(edits) } } };
};

const runOf = async (
  fault: Fault,
  { mode, seed }: Trial,
  seconds: number,
  onLine: (line: string) => void,
): Promise<MutantRun> => {
  try {
    return await runFault({ mode, fault, seed, seconds, onLine, onStage: onLine });
  } catch (error) {
    return { problems: [messageOf(error)], warmUp: null };
  }
};
