/** A verdict on a hypothesis, and how verdicts on its parts are combined. */
import { timesText } from "./numbers.ts";

export type Verdict = { readonly is: "confirmed" | "refuted" | "not shown"; readonly because: string };

export const notMeasured = (what: string): Verdict => ({
  is: "not shown",
  because: `${what} was not measured`,
});

export const either = (isTrue: boolean, because: string): Verdict => ({
  is: isTrue ? "confirmed" : "refuted",
  because,
});

/** Decided only when the whole range of the ratio lies on one side of `wanted`. */
export const atLeastTimes = ({ low, ratio, high }: Times, wanted: number, what: string): Verdict => {
  const because = `${what}: ${timesText(ratio)} (between ${timesText(low)} and ${timesText(high)})`;
  if (low >= wanted) return { is: "confirmed", because };
  return { is: high < wanted ? "refuted" : "not shown", because };
};
type Times = { readonly low: number; readonly ratio: number; readonly high: number };

/** One refuted part refutes the whole; all confirmed parts confirm it. */
export const allOf = (parts: readonly Verdict[]): Verdict => {
  const because = parts.map((part) => part.because).join("; ");
  if (parts.some(({ is }) => is === "refuted")) return { is: "refuted", because };
  const isShown = parts.length > 0 && parts.every(({ is }) => is === "confirmed");
  return { is: isShown ? "confirmed" : "not shown", because };
};

/** A part for each mode, from its own items. */
export const byMode = <T extends { readonly mode: string }>(
  items: readonly T[],
  modes: readonly string[],
  verdictOf: (own: readonly T[], mode: string) => Verdict,
): Verdict =>
  allOf(
    modes.map((mode) => {
      const own = items.filter((item) => item.mode === mode);
      return own.length === 0 ? notMeasured(mode) : verdictOf(own, mode);
    }),
  );
