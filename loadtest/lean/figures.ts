/** The figures of a run under k6's names, and as k6 hands them to its summary. */
import type { K6Figures } from "../lib/summary.ts";

type Values = Record<string, number>;
export type LeanFigures = ReturnType<typeof openFigures>;

export const openFigures = () => {
  const metrics = new Map<string, () => Values>();
  const trend = (name: string) => {
    const values: number[] = [];
    metrics.set(name, () => spreadOf(values));
    return { add: (value: number) => values.push(value) };
  };
  const counter = (name: string) => {
    let count = 0;
    metrics.set(name, () => ({ count }));
    return {
      add: (by: number) => {
        count += by;
      },
    };
  };
  return {
    orderLatency: trend("order_latency"),
    scheduleLag: trend("schedule_lag"),
    orderFreshness: trend("order_freshness"),
    ordersAcknowledged: counter("orders_acknowledged"),
    ordersRefused: counter("orders_refused"),
    ordersUnknown: counter("orders_unknown"),
    ordersReplayed: counter("orders_replayed"),
    // what it is of can be worked out of the samples
    ordersFailed: { add: (_isFailed: boolean) => undefined },
    probesPlanned: counter("probes_planned"),
    freshnessMissed: counter("freshness_missed"),
    freshnessSkipped: counter("freshness_skipped"),
    counter,
    asK6: (): K6Figures => ({
      metrics: Object.fromEntries([...metrics].map(([name, valuesOf]) => [name, { values: valuesOf() }])),
    }),
  };
};

/** By nearest rank, under the names of TREND_STATS. */
const spreadOf = (values: readonly number[]): Values => {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
  return {
    min: at(0),
    med: at(0.5),
    "p(90)": at(0.9),
    "p(95)": at(0.95),
    "p(99)": at(0.99),
    "p(99.9)": at(0.999),
    max: at(1),
    count: sorted.length,
  };
};
