import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** Seconds from accept to reply: 1 ms to the 2 s within which every request is decided. */
export const ACK_BUCKETS_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];
/** Seconds from accept to the dashboard: up to the 65 s of the relaxed objective and beyond. */
export const FRESHNESS_BUCKETS_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30, 65, 300];
/** Seconds to publish a board: 50 ms are the aim with 10 000 stores. */
export const PUBLISH_BUCKETS_SECONDS = [0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1, 5];
export const BATCH_BUCKETS_ORDERS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000];

/** A registry with the process' and event loop's metrics and `coffee_build_info`. */
export const openRegistry = (program: string, version: string): Registry => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: "coffee_build_info",
    help: "1, with the version of the program in its labels",
    labelNames: ["program", "version", "node"],
    registers: [registry],
  }).set({ program, version, node: process.version }, 1);
  return registry;
};

/** Bounds the number of a label's values: the first `most` names unchanged, every other one `other`. */
export const boundedLabel = (names: readonly string[], most: number): ((name: string) => string) => {
  const kept = new Set(names.slice(0, most));
  return (name) => (kept.has(name) ? name : "other");
};

export type HistogramOptions = {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  /** Upper bounds, ascending, in the metric's unit. */
  readonly buckets: readonly number[];
  readonly registry: Registry;
};

/** Adds a value `times` times, under the values of the labels, in their order. */
export type Observe = (value: number, times: number, ...labels: readonly string[]) => void;

type Series = {
  readonly labels: readonly string[];
  /** The number of values in each bucket alone; the last entry counts those above all bounds. */
  readonly counts: number[];
  sum: number;
};

/**
 * A histogram for the path of every order. prom-client's own takes one value at a time and checks and hashes the labels
 * of each; here many orders of one age are one call. A scrape returns the same.
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
  // a prom-client histogram whose values come from here: `get` and the page read them
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

/** Cumulative, as Prometheus requires: each bucket counts the values below it too. */
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

export type TallyOptions = {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly registry: Registry;
  /** One unit of an amount in the metric's unit: 0.01 for amounts in cents and a metric in whole units. */
  readonly unit?: number;
};

/** Adds an amount under the values of the labels, in their order. */
export type Tally = (amount: number, ...values: readonly string[]) => void;

/**
 * A counter for the path of every order: prom-client checks and hashes the labels at each increment, here once per
 * scrape for all increments since the last one.
 */
export const openTally = ({ name, help, labelNames, registry, unit = 1 }: TallyOptions): Tally => {
  const amounts = new Map<string, number>();
  new Counter({
    name,
    help,
    labelNames: [...labelNames],
    registers: [registry],
    collect() {
      for (const [key, amount] of amounts) {
        const values = key.split(SEPARATOR);
        const labels = Object.fromEntries(labelNames.map((label, index) => [label, values[index] ?? ""]));
        this.inc(labels, amount * unit);
      }
      amounts.clear();
    },
  });
  return (amount, ...values) => {
    const key = values.length === 1 ? (values[0] ?? "") : values.join(SEPARATOR);
    amounts.set(key, (amounts.get(key) ?? 0) + amount);
  };
};

/** Part of no name: the rules of orders reject control characters. */
const SEPARATOR = "\0";
