/** What a few repeated values say, and how sure that is. */
import { randomFrom } from "../../../shared/domain/random.ts";
import type { Percentiles } from "../run/results.ts";

export type Interval = {
  readonly low: number;
  readonly high: number;
  /** How it was found, to be said wherever it is shown. */
  readonly by: "bootstrap 95 %" | "min..max";
  /** From how many values. */
  readonly count: number;
};

/** Under this many values, resampling them promises a sureness that they do not give. */
const FEWEST_FOR_BOOTSTRAP = 5;
/** The ends of an interval then move by less than a hundredth from seed to seed. */
const RESAMPLES = 2_000;
/** The same values give the same interval wherever and whenever they are looked at. */
const SEED = 1;
const [LOW_SHARE, HIGH_SHARE] = [0.025, 0.975];

/** Throws without values: a figure that nothing was measured for must not read like one. */
export const medianOf = (values: readonly number[]): number => {
  const sorted = ascending(values);
  const [below, above] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  if (below === undefined || above === undefined) throw new Error("a median of no values");
  return (below + above) / 2;
};

/** The value that at least this share of all does not exceed (nearest rank); NaN without values. */
export const percentileOf = (values: readonly number[], share: number): number =>
  rankOf(ascending(values), share);

export const percentilesOf = (values: readonly number[]): Percentiles => {
  const sorted = ascending(values);
  const at = (share: number): number => (sorted.length === 0 ? 0 : rankOf(sorted, share));
  return {
    p50: at(0.5),
    p90: at(0.9),
    p95: at(0.95),
    p99: at(0.99),
    p999: at(0.999),
    max: at(1),
    count: sorted.length,
  };
};

/** Of the median: by the percentile bootstrap (Efron 1979), under five values from least to most. */
export const intervalOf = (values: readonly number[], seed = SEED): Interval => {
  if (values.length < FEWEST_FOR_BOOTSTRAP) return spanOf(values);
  const random = randomFrom(seed);
  const medians = Array.from({ length: RESAMPLES }, () => medianOf(resampled(values, random)));
  return middleOf(medians, values.length);
};

export type Ratio = { readonly ratio: number; readonly interval: Interval };

/**
 * Of the medians, `values` by `others`, which are not paired. With few values the interval spans the least and the most
 * that any two of them give.
 */
export const ratioOf = (values: readonly number[], others: readonly number[], seed = SEED): Ratio => {
  const ratio = medianOf(values) / medianOf(others);
  if (Math.min(values.length, others.length) < FEWEST_FOR_BOOTSTRAP) {
    const [a, b] = [spanOf(values), spanOf(others)];
    const count = Math.min(a.count, b.count);
    return { ratio, interval: { low: a.low / b.high, high: a.high / b.low, by: "min..max", count } };
  }
  const random = randomFrom(seed);
  const ratios = Array.from(
    { length: RESAMPLES },
    () => medianOf(resampled(values, random)) / medianOf(resampled(others, random)),
  );
  return { ratio, interval: middleOf(ratios, Math.min(values.length, others.length)) };
};

const ascending = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);

const rankOf = (sorted: readonly number[], share: number): number =>
  sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;

const resampled = (values: readonly number[], random: ReturnType<typeof randomFrom>): number[] =>
  values.map(() => random.pick(values));

const spanOf = (values: readonly number[]): Interval => {
  if (values.length === 0) throw new Error("an interval of no values");
  return { low: Math.min(...values), high: Math.max(...values), by: "min..max", count: values.length };
};

const middleOf = (found: readonly number[], count: number): Interval => {
  const sorted = ascending(found);
  return {
    low: rankOf(sorted, LOW_SHARE),
    high: rankOf(sorted, HIGH_SHARE),
    by: "bootstrap 95 %",
    count,
  };
};
