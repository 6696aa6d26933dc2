/** Charts in words, for those who do not see them and those who want the point. */
import type { Formats } from "./format.ts";
import type { Bar } from "./minutes.ts";

export type Measure = "orders" | "revenue";

export const measured = (value: number, measure: Measure, formats: Formats): string =>
  measure === "revenue"
    ? formats.money(value)
    : `${formats.count(value)} ${value === 1 ? "order" : "orders"}`;

/** `named` says when a bar was. */
export const barsSummary = (
  bars: readonly Bar[],
  measure: Measure,
  formats: Formats,
  named: (startMs: number) => string,
): string => {
  const known = bars.filter(({ isKnown }) => isKnown);
  const [first] = known;
  if (first === undefined) return "What was sold in this time is not known.";
  const unknown = bars.find(({ isKnown }) => !isKnown);
  const rest = unknown === undefined ? "" : ` From ${named(unknown.startMs)} on it is not known.`;
  const cents = known.reduce((sum, bar) => sum + Math.round(bar[measure] * 100), 0);
  if (cents === 0) return `Nothing was sold in this time.${rest}`;
  const best = known.reduce((most, bar) => (bar[measure] > most[measure] ? bar : most), first);
  const total = measured(cents / 100, measure, formats);
  const most = measured(best[measure], measure, formats);
  return `${total} in all; the most, ${most}, at ${named(best.startMs)}.${rest}`;
};
