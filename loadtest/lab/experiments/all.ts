/** The list of experiments, in the order in which they are run: what others take their rates from comes first. */

import { e0 } from "./e0.ts";
import { e1 } from "./e1.ts";
import { e2 } from "./e2.ts";
import { e3 } from "./e3.ts";
import { e4 } from "./e4.ts";
import { e5 } from "./e5.ts";
import { e6 } from "./e6.ts";
import { e7 } from "./e7.ts";
import { e8 } from "./e8.ts";
import { e9 } from "./e9.ts";
import { e10 } from "./e10.ts";
import { e11 } from "./e11.ts";
import { e12 } from "./e12.ts";
import { e13 } from "./e13.ts";
import type { Experiment } from "./experiment.ts";

export const EXPERIMENTS: readonly Experiment[] = [
  ...[e0, e1, e2, e3, e4, e5, e6],
  ...[e7, e8, e9, e10, e11, e12, e13],
];

/** What `all` means at a scale: smoke answers the question in its smallest form. */
const SMOKE: readonly string[] = ["E0", "E1", "E2", "E8", "E13"];

export const allAt = (scale: string): readonly Experiment[] =>
  scale === "smoke" ? EXPERIMENTS.filter(({ id }) => SMOKE.includes(id)) : EXPERIMENTS;

/** Throws a sentence that lists what there is. */
export const experimentNamed = (name: string): Experiment => {
  const found = EXPERIMENTS.find(({ id }) => id === name.toUpperCase());
  if (found) return found;
  const ids = EXPERIMENTS.map(({ id }) => id).join(", ");
  throw new Error(`there is no "${name}": it may be all, ${ids}, self-test, compare, render or check`);
};
