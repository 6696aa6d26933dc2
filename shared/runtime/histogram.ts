import { Histogram, type Registry } from "prom-client";

export type HistogramOptions = {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  /** Upper bounds, ascending, in the metric's unit. */
  readonly buckets: readonly number[];
  readonly registry: Registry;
};

/** Takes a value in as often as `times`, under the values of the labels, in their order. */
export type Observe = (value: number, times: number, ...labels: readonly string[]) => void;

type Series = {
  readonly labels: readonly string[];
  /** Values up to each bucket's bound and above the one before; the last are above all. */
  readonly counts: number[];
  sum: number;
};

/**
 * A histogram for the path of every order. prom-client's own takes one value at a time and checks and hashes the labels
 * of each; here many orders of one age are one step. What a scrape sees is the same.
 */
export const openHistogram = ({ name, help, labelNames, buckets, registry }: HistogramOptions): Observe => {
  const series = new Map<string, Series>();
  const histogram = new Histogram({
    name,
    help,
    labelNames: [...labelNames],
    buckets: [...buckets],
    registers: [registry],
  });
  const metric = { name, help, type: "histogram", aggregator: "sum" };
  // a histogram in all but where its values come from: `get` and the page read them here
  const getForPromString = async () => ({
    ...metric,
    values: [...series.values()].flatMap((each) => valuesOf(name, labelNames, buckets, each)),
  });
  Object.assign(histogram, { getForPromString });
  return (value, times, ...labels) => {
    const key = labels.length === 1 ? (labels[0] ?? "") : labels.join("\0");
    let found = series.get(key);
    if (found === undefined) {
      found = { labels, counts: new Array(buckets.length + 1).fill(0), sum: 0 };
      series.set(key, found);
    }
    const bucket = buckets.findIndex((bound) => value <= bound);
    const index = bucket < 0 ? buckets.length : bucket;
    found.counts[index] = (found.counts[index] ?? 0) + times;
    found.sum += value * times;
  };
};

/** In Prometheus' way: each bucket counts what is below it too. */
const valuesOf = (
  name: string,
  labelNames: readonly string[],
  buckets: readonly number[],
  { labels, counts, sum }: Series,
) => {
  const own = Object.fromEntries(labelNames.map((label, index) => [label, labels[index] ?? ""]));
  let below = 0;
  const cumulative = counts.map((count, index) => {
    below += count;
    return { metricName: `${name}_bucket`, labels: { le: buckets[index] ?? "+Inf", ...own }, value: below };
  });
  return [
    ...cumulative,
    { metricName: `${name}_sum`, labels: own, value: sum },
    { metricName: `${name}_count`, labels: own, value: below },
  ];
};
