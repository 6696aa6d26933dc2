import { join } from "node:path";
import { parseArgs } from "node:util";
import { modes as allModes } from "#shared/modes/all.ts";
import { nearest } from "../nearest.ts";
import { stateFolder } from "../system/servers/data-dir.ts";
import { type Fault, faults, faultsOf } from "./faults.ts";
import type { Mutant } from "./mutants/mutant.ts";
import { mutants } from "./run-mutants.ts";

export const USAGE = `npm run faults                                  every fault in every mode
npm run faults -- --mode v2 --fault kill-worker --seed 7
  --mode v1,v2     only these modes
  --fault A,B      only these faults; --list prints their names
  --seed 1,2,3     each fault once with each seed; a seed repeats the same moments and choices
  --seconds 60     limit of a run, its drain included
  --at-once 2      concurrent runs
  --json FILE      file of the results (.coffee-rt/faults.json)
  --resume         skips runs that the file has already
                   FAULTS_VERBOSE=1 prints warnings of the programs
npm run faults -- --mutants                      runs known bugs, each of which has to be found
  --only A,B       only these (${mutants.map(({ name }) => name).join(", ")});
                   --mode, --seed, --seconds, --at-once and --json (.coffee-rt/mutants.json) as above`;

export type Planned = { readonly mode: string; readonly fault: Fault; readonly seed: number };
export type Options = {
  readonly what: "help" | "list" | "run" | "mutants";
  readonly planned: readonly Planned[];
  readonly mutants: readonly Mutant[];
  readonly seeds: readonly number[];
  /** Every fault in every mode. */
  readonly isWhole: boolean;
  readonly seconds: number;
  readonly atOnce: number;
  readonly file: string;
  readonly resumes: boolean;
};

const root = join(import.meta.dirname, "..", "..");

/** Throws an Error whose message names the option. */
export const readOptions = (args: readonly string[]): Options => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      mode: { type: "string" },
      // as other commands call it
      modes: { type: "string" },
      fault: { type: "string" },
      seed: { type: "string", default: "1" },
      seconds: { type: "string", default: "90" },
      "at-once": { type: "string", default: "2" },
      json: { type: "string" },
      resume: { type: "boolean", default: false },
      mutants: { type: "boolean", default: false },
      only: { type: "string" },
      list: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const modeNames = allModes.map(({ name }) => name);
  const modes = someOf("--mode", values.mode ?? values.modes, modeNames);
  const names = someOf(
    "--fault",
    values.fault,
    faults.map(({ name }) => name),
  );
  const seeds = values.seed.split(",").map((seed) => whole("--seed", seed, 0));
  const planned = seeds.flatMap((seed) =>
    modes.flatMap((mode) =>
      faultsOf(mode)
        .filter(({ name }) => names.includes(name))
        .map((fault) => ({ mode, fault, seed })),
    ),
  );
  if (planned.length === 0) throw new Error("--fault: none of these applies to --mode");
  const only = someOf(
    "--only",
    values.only,
    mutants.map(({ name }) => name),
  );
  const chosen = mutants.filter(({ name, mode }) => only.includes(name) && modes.includes(mode));
  if (chosen.length === 0) throw new Error("--only: none of these belongs to --mode");
  const what = values.help ? "help" : values.list ? "list" : values.mutants ? "mutants" : "run";
  return {
    what,
    planned,
    mutants: chosen,
    seeds,
    isWhole: values.mode === undefined && values.modes === undefined && values.fault === undefined,
    seconds: whole("--seconds", values.seconds, 10),
    atOnce: whole("--at-once", values["at-once"], 1),
    file: values.json ?? join(stateFolder(root), values.mutants ? "mutants.json" : "faults.json"),
    resumes: values.resume,
  };
};

/** More than these are not listed in an error. */
const MOST_LISTED = 10;

const someOf = (option: string, text: string | undefined, all: readonly string[]): readonly string[] => {
  const chosen = text?.split(",") ?? all;
  const unknown = chosen.find((each) => !all.includes(each));
  if (unknown !== undefined)
    throw new Error(
      all.length <= MOST_LISTED
        ? `${option}: unknown "${unknown}", expected some of ${all.join(", ")}`
        : `${option}: unknown "${unknown}", similar are ${nearest(unknown, all).join(", ")}; --list prints all ${all.length}`,
    );
  return chosen;
};

const whole = (option: string, text: string, least: number): number => {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least) return value;
  throw new Error(`${option}: expected a whole number of at least ${least}, got "${text}"`);
};
