/** The command line of `npm run lab`. */
import { parseArgs } from "node:util";
import { allAt, BENCHMARKS, EXPERIMENTS, experimentNamed, USUAL_BENCHMARKS } from "./experiments/all.ts";
import type { Experiment } from "./experiments/experiment.ts";
import { SCALES } from "./experiments/layout.ts";
import { overload } from "./experiments/speed.ts";
import { HYPOTHESES } from "./report/hypotheses.ts";
import { MODE_NAMES } from "./run/arrangements.ts";
import type { Scale } from "./run/results.ts";

const listed = EXPERIMENTS.map(
  ({ id, title, question }) =>
    `  ${id.padEnd(4)} ${(HYPOTHESES[id]?.title ?? title ?? "").padEnd(18)} ${question}`,
);

export const USAGE = `npm run lab -- <experiment …|all> [options]   measures, keeps every run, and continues after an interruption
npm run lab -- self-test                     runs with deliberate errors: each must become void, with its reason
npm run lab -- compare A B                   two result folders, or two git revisions measured in turn
npm run lab -- render [FOLDER]               SCALE.md, docs/scale, docs/sizing.md, README and report.html from a folder
npm run lab -- check [FOLDER]                checks that the committed pages are what the results make
npm run bench                                E14 to E17, E19: each mode next to its ceilings; writes the README's table
npm run overload                             E18: each mode at five times the rate that it accepts

  --scale smoke|standard|full   (smoke)       half an hour, three hours, a day
  --modes v1,v2,v3              (all)
  --seed N                      (1)           of the orders, and of the order of the runs
  --results FOLDER                            instead of loadtest/results/<date>
  --new                                       starts a new folder instead of continuing one
  --pin yes|no                  (yes)         separate cores for generator and system
  --wipe                                      allows emptying the servers that the environment names
  --plan                                      prints the runs and how long they take
  --only ${Object.keys(BENCHMARKS).join(",")}        of the benchmarks
  --rounds N                    (3)           repetitions of each benchmark; what is compared alternates within a round
  --json FILE                                 the figures of the benchmarks

${listed.join("\n")}`;

export type LabOptions =
  | { readonly command: "help" }
  | { readonly command: "render" | "check"; readonly folder: string | null }
  | ({ readonly command: "self-test" } & Common)
  | ({
      readonly command: "bench" | "overload";
      readonly experiments: readonly Experiment[];
      readonly rounds: number;
      /** Whether all benchmarks run in all modes and the usual number of rounds. */
      readonly isWhole: boolean;
      readonly isPlanOnly: boolean;
      readonly jsonFile: string | null;
    } & Common)
  | ({ readonly command: "compare"; readonly first: string; readonly second: string } & Common)
  | ({
      readonly command: "run";
      readonly experiments: readonly Experiment[];
      readonly isPlanOnly: boolean;
    } & Common);

type Common = {
  readonly scale: Scale;
  readonly modes: readonly string[];
  readonly seed: number;
  readonly folder: string | null;
  readonly isNew: boolean;
  readonly isPinned: boolean;
  readonly mayWipe: boolean;
};

/** Throws an Error that lists what is allowed. */
export const labOptionsFrom = (args: readonly string[]): LabOptions => {
  const { values, positionals } = parsed(args);
  const [word, ...others] = positionals;
  if (values.help || word === undefined) return { command: "help" };
  if (word === "render" || word === "check") {
    if (others.length > 1) throw new Error(`${word} takes one result folder at most`);
    return { command: word, folder: others[0] ?? values.results ?? null };
  }
  const common = commonFrom(values);
  if (word === "self-test") return { command: word, ...common };
  if (word === "bench" || word === "overload") {
    if (others.length > 0) throw new Error(`${word} takes options only, got "${others.join(" ")}"`);
    return benchmarkFrom(word, values, common);
  }
  if (word === "compare") {
    const [first, second, third] = others;
    if (first === undefined || second === undefined || third !== undefined)
      throw new Error("compare takes two result folders, or two git revisions: npm run lab -- compare A B");
    return { command: "compare", first, second, ...common };
  }
  const experiments = positionals.includes("all") ? allAt(common.scale) : chosen(positionals);
  return { command: "run", experiments, isPlanOnly: values.plan, ...common };
};

const parsed = (args: readonly string[]) =>
  parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      scale: { type: "string", default: "smoke" },
      modes: { type: "string" },
      // as other commands call it
      mode: { type: "string" },
      seed: { type: "string", default: "1" },
      results: { type: "string" },
      new: { type: "boolean", default: false },
      pin: { type: "string" },
      plan: { type: "boolean", default: false },
      wipe: { type: "boolean", default: false },
      only: { type: "string" },
      rounds: { type: "string" },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });

const DEFAULT_ROUNDS = { bench: 3, overload: 1 };

const benchmarkFrom = (
  command: "bench" | "overload",
  values: ReturnType<typeof parsed>["values"],
  common: Common,
): LabOptions => {
  const names = values.only?.split(",") ?? USUAL_BENCHMARKS;
  const rounds = roundsFrom(values.rounds, DEFAULT_ROUNDS[command]);
  return {
    ...{ command, rounds, isPlanOnly: values.plan, jsonFile: values.json ?? null, ...common },
    experiments: repeated(command === "bench" ? names.map(benchmarkNamed) : [overload], rounds),
    isWhole:
      USUAL_BENCHMARKS.every((name) => names.includes(name)) &&
      common.modes.length === MODE_NAMES.length &&
      rounds >= DEFAULT_ROUNDS[command],
    // what is compared shares all cores of the machine, unless it is requested otherwise
    isPinned: values.pin === "yes",
  };
};

const benchmarkNamed = (name: string): Experiment => {
  const found = BENCHMARKS[name];
  if (found) return found;
  throw new Error(`--only has "${name}": it may have ${Object.keys(BENCHMARKS).join(", ")}`);
};

const roundsFrom = (text: string | undefined, usual: number): number => {
  const rounds = text === undefined ? usual : Number(text);
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new Error(`--rounds is "${text}": it has to be a whole number of at least 1`);
  return rounds;
};

/** Each point once in every round. */
const repeated = (experiments: readonly Experiment[], rounds: number): Experiment[] =>
  experiments.map(({ points, ...experiment }) => ({
    ...experiment,
    points: (scale) => (points?.(scale) ?? []).map((point) => ({ ...point, repetitions: rounds })),
  }));

/** In the order of EXPERIMENTS. */
const chosen = (names: readonly string[]): Experiment[] => {
  const wanted = new Set(names.map(experimentNamed));
  return EXPERIMENTS.filter((experiment) => wanted.has(experiment));
};

const commonFrom = (values: ReturnType<typeof parsed>["values"]): Common => {
  const scale = SCALES.find((each) => each === values.scale);
  if (scale === undefined) throw new Error(`--scale is "${values.scale}": it may be ${SCALES.join(", ")}`);
  const modes = (values.modes ?? values.mode ?? MODE_NAMES.join(",")).split(",").map((mode) => mode.trim());
  const unknown = modes.find((mode) => !MODE_NAMES.includes(mode));
  if (unknown !== undefined)
    throw new Error(`--modes has "${unknown}": it may have ${MODE_NAMES.join(", ")}`);
  const seed = Number(values.seed);
  if (!/^\d+$/.test(values.seed) || seed >= 2 ** 32)
    throw new Error(`--seed is "${values.seed}": it has to be a whole number below 2^32`);
  if (values.pin !== undefined && values.pin !== "yes" && values.pin !== "no")
    throw new Error(`--pin is "${values.pin}": it may be yes or no`);
  return {
    ...{ scale, modes, seed },
    folder: values.results ?? null,
    isNew: values.new,
    isPinned: values.pin !== "no",
    mayWipe: values.wipe,
  };
};
