/** A verdict on a hypothesis: computed from the figures, and published whatever it is. */
import { timesText } from "./numbers.ts";

export type Verdict = { readonly is: "confirmed" | "refuted" | "not shown"; readonly because: string };

export const notMeasured = (what: string): Verdict => ({
  is: "not shown",
  because: `${what} was not measured`,
});

/** Of a sentence that is either so or not. */
export const either = (isSo: boolean, because: string): Verdict => ({
  is: isSo ? "confirmed" : "refuted",
  because,
});

/** Whether it is at least this many times: only when the whole of what it may be lies on one side. */
export const atLeastTimes = (
  times: { readonly low: number; readonly ratio: number; readonly high: number },
  wanted: number,
  what: string,
): Verdict => {
  const because = `${what}: ${timesText(times.ratio)} (between ${timesText(times.low)} and ${timesText(times.high)})`;
  if (times.low >= wanted) return { is: "confirmed", because };
  return { is: times.high < wanted ? "refuted" : "not shown", because };
};

/** Of parts that all have to be so. */
export const allOf = (parts: readonly Verdict[]): Verdict => {
  const because = parts.map((part) => part.because).join("; ");
  if (parts.some(({ is }) => is === "refuted")) return { is: "refuted", because };
  const isShown = parts.length > 0 && parts.every(({ is }) => is === "confirmed");
  return { is: isShown ? "confirmed" : "not shown", because };
};
