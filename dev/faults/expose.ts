/**
 * Mutants: each known mistake, planted into the real programs, has to be found by the fault that is there for it. Its
 * run has to acknowledge orders until the fault strikes: a mutant that breaks the program outright proves nothing.
 */
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { atOnce } from "./at-once.ts";
import { plantingEnv, toldPlanted } from "./edits.ts";
import type { Fault } from "./fault.ts";
import { faults } from "./faults.ts";
import type { Mutant } from "./mutants/mutant.ts";
import { writeWhole } from "./results.ts";
import { type RunOptions, runFault } from "./run.ts";
import { type Judged, type MutantRun, type Verdict, verdictOf } from "./verdict.ts";

export type Exposed = {
  readonly name: string;
  readonly mode: string;
  readonly fault: string;
  readonly seed: number;
  readonly verdict: Verdict;
  /** Why the mutant is bad, and what the checker found. */
  readonly problems: readonly string[];
};

export type Hunt = {
  readonly mutants: readonly Mutant[];
  readonly seeds: readonly number[];
  readonly seconds: number;
  readonly atOnce: number;
  readonly file: string;
  readonly onLine: (line: string) => void;
};

/** A mutant does not recover: to wait for that as long as for the system would double the time for nothing. */
const MUTANT_SECONDS = 45;

type Trial = Pick<RunOptions, "mode" | "seed"> & { readonly fault: string };

/** True when all are caught. Tells each, and first what each fault finds without a mistake: nothing. */
export const expose = async (hunt: Hunt): Promise<boolean> => {
  const trials = hunt.mutants.flatMap((mutant) => hunt.seeds.map((seed) => ({ ...mutant, seed })));
  const clean = await withoutMistake(trials, hunt);
  const exposed: Exposed[] = [];
  await atOnce(hunt.atOnce, trials, async (trial) => {
    const { name, mode, fault, seed } = trial;
    const isClean = clean.has(keyOf(trial));
    const found = isClean
      ? await tried(trial, hunt)
      : {
          verdict: "not caught" as const,
          problems: [`not run: ${fault} finds something without the mistake too`],
        };
    exposed.push({ name, mode, fault, seed, ...found });
    writeWhole(hunt.file, { mutants: exposed });
    console.log(`${LINE_STARTS[found.verdict]} ${name} by ${mode} ${fault} seed ${seed}`);
    for (const problem of found.problems) console.log(`           ${problem}`);
  });
  const caught = exposed.filter(({ verdict }) => verdict === "caught").length;
  console.log(`\n${caught} of ${exposed.length} mutants caught`);
  return exposed.length > 0 && caught === exposed.length;
};

const LINE_STARTS: Record<Verdict, string> = {
  caught: "caught    ",
  "not caught": "NOT CAUGHT",
  "bad mutant": "BAD MUTANT",
};

const keyOf = ({ mode, fault, seed }: Trial): string => `${mode} ${fault} seed ${seed}`;

/** Those of the faults that the system stands as it is: only then does a failure tell of the mistake. */
const withoutMistake = async (trials: readonly Trial[], hunt: Hunt): Promise<Set<string>> => {
  const distinct = [...new Map(trials.map((trial) => [keyOf(trial), trial])).values()];
  const clean = new Set<string>();
  await atOnce(hunt.atOnce, distinct, async (trial) => {
    const { problems } = await runOf(faultNamed(trial.fault), trial, hunt.seconds, hunt.onLine);
    if (problems.length === 0) clean.add(keyOf(trial));
    console.log(`${problems.length === 0 ? "ok        " : "NOT OK    "} no mistake by ${keyOf(trial)}`);
    for (const problem of problems) console.log(`           ${problem}`);
  });
  return clean;
};

const tried = async (mutant: Mutant & Trial, hunt: Hunt): Promise<Judged> => {
  const unplanted = new Set(mutant.edits.map(({ file }) => file));
  const onLine = (line: string): void => {
    for (const file of unplanted) if (line.includes(toldPlanted(file))) unplanted.delete(file);
    hunt.onLine(line);
  };
  const seconds = Math.min(MUTANT_SECONDS, hunt.seconds);
  const run = await runOf(mutated(mutant), mutant, seconds, onLine);
  return verdictOf(mutant, run, [...unplanted]);
};

const faultNamed = (name: string): Fault => {
  const fault = faults.find((each) => each.name === name);
  if (fault === undefined) throw new Error(`there is no fault "${name}"`);
  return fault;
};

/** The fault, on programs and servers that have the mistake. */
const mutated = ({ fault: name, misset, edits }: Mutant): Fault => {
  const fault = misset ?? faultNamed(name);
  const env = { ...fault.ground?.env, ...plantingEnv(edits) };
  return { ...fault, ground: { ...fault.ground, env } };
};

const runOf = async (
  fault: Fault,
  { mode, seed }: Trial,
  seconds: number,
  onLine: (line: string) => void,
): Promise<MutantRun> => {
  try {
    return await runFault({ mode, fault, seed, seconds, onLine });
  } catch (error) {
    return { problems: [messageOf(error)], warmUp: null };
  }
};
