/** All experiments, in the order in which they run: those that others take their rates from come first. */
import { e3, e4, e8 } from "./disturbances.ts";
import type { Experiment } from "./experiment.ts";
import { e0, e1, e2, e11, e12, e13 } from "./rates.ts";
import { e7, e9 } from "./scale-out.ts";
import { e5, e6, e10 } from "./settings.ts";
import { drain, fanOut, http, ingest, live, overload, variants } from "./speed.ts";

/** What `all` means: the experiments that SCALE.md is made of. */
const SCALE: readonly Experiment[] = [...[e0, e1, e2, e3, e4, e5, e6], ...[e7, e8, e9, e10, e11, e12, e13]];

/** Of `npm run bench`, by the names of `--only`. */
export const BENCHMARKS: Readonly<Record<string, Experiment>> = {
  ...{ ingest, drain, live, fanout: fanOut, http, variants },
};
/** Without `--only`. The others have no target. */
export const USUAL_BENCHMARKS: readonly string[] = ["ingest", "drain", "live", "fanout", "http"];

export const EXPERIMENTS: readonly Experiment[] = [
  ...SCALE,
  ...[ingest, drain, live, fanOut, overload, http, variants],
];

/** What `all` means at smoke: the question in its smallest form. */
const SMOKE: readonly string[] = ["E0", "E1", "E2", "E8", "E13"];

export const allAt = (scale: string): readonly Experiment[] =>
  scale === "smoke" ? SCALE.filter(({ id }) => SMOKE.includes(id)) : SCALE;

/** Throws an error that lists the names. */
export const experimentNamed = (name: string): Experiment => {
  const found = EXPERIMENTS.find(({ id }) => id === name.toUpperCase());
  if (found) return found;
  const ids = EXPERIMENTS.map(({ id }) => id).join(", ");
  throw new Error(`unknown experiment "${name}": expected all, ${ids}, self-test, compare, render or check`);
};
