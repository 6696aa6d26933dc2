/** What a benchmark says: one value per round, and what it should be. */

import { tableOf } from "../markdown.ts";

/** In the unit of the values; null where a figure is only published. */
export type Target = { readonly atLeast: number } | { readonly atMost: number } | null;

export type Figure = {
  readonly name: string;
  /** One per round. */
  readonly values: readonly number[];
  readonly target: Target;
  /** After the values: "ms", "MB"; nothing for a ratio. */
  readonly unit?: string;
};

/** As `--json` has it; `ok` says whether the median meets the target, and is true without one. */
export type Result = {
  readonly name: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly target: number | null;
  readonly ok: boolean;
};

export const resultOf = ({ name, values, target }: Figure): Result => {
  const median = medianOf(values);
  const [bound, ok] = boundOf(target, median);
  const [min, max] = [Math.min(...values), Math.max(...values)];
  return { name, median: tidy(median), min: tidy(min), max: tidy(max), target: bound, ok };
};

const boundOf = (target: Target, median: number): [bound: number | null, ok: boolean] => {
  if (target === null) return [null, true];
  if ("atLeast" in target) return [target.atLeast, median >= target.atLeast];
  return [target.atMost, median <= target.atMost];
};

/** The middle one; of an even number the lower of the two in the middle. Throws without values. */
export const medianOf = (values: readonly number[]): number => {
  const middle = [...values].sort((a, b) => a - b)[(values.length - 1) >> 1];
  if (middle === undefined) throw new Error("a figure without a round");
  return middle;
};

/** The value below which this share of all lies. */
export const percentileOf = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.max(0, Math.ceil(share * values.length) - 1)] ?? Number.NaN;

/** Each value by the one of the same round. */
export const ratios = (values: readonly number[], ceilings: readonly number[]): number[] =>
  values.map((value, round) => value / (ceilings[round] ?? Number.NaN));

/** Three digits are more than any of these figures is good for. */
const tidy = (value: number): number => Number(value.toPrecision(3));

const HEAD = ["figure", "median", "range", "target", ""];

export const figuresTable = (figures: readonly Figure[]): string => {
  const rows = figures.map((figure) => {
    const { median, min, max, ok } = resultOf(figure);
    const { name, target, unit } = figure;
    const aim = target === null ? "" : "atLeast" in target ? `≥ ${target.atLeast}` : `≤ ${target.atMost}`;
    const verdict = target === null ? "" : ok ? "ok" : "missed";
    return [name, unit ? `${median} ${unit}` : String(median), `${min} – ${max}`, aim, verdict];
  });
  return tableOf(HEAD, rows);
};
