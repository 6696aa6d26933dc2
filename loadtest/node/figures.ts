/** The figures of a run under k6's names, its objectives, and the file of its lines. */
import { closeSync, openSync, writeSync } from "node:fs";
import type { Counter } from "../k6/lib/ledger.ts";
import type { Objective } from "../k6/lib/objectives.ts";
import type { Figures as Values } from "../k6/lib/summary.ts";

type Metric = {
  values(): Readonly<Record<string, number>>;
  isOver(most: number, stat: Objective["stat"]): boolean;
};

export type NodeFigures = ReturnType<typeof openFigures>;

export const openFigures = () => {
  const metrics = new Map<string, Metric>();
  const trend = (name: string): Counter => {
    const samples: number[] = [];
    metrics.set(name, { values: () => spreadOf(samples), isOver: (most) => isP99Over(samples, most) });
    return { add: (value) => samples.push(value) };
  };
  const counter = (name: string): Counter => {
    let count = 0;
    metrics.set(name, { values: () => ({ count }), isOver: (most) => count > most });
    return {
      add: (by) => {
        count += by;
      },
    };
  };
  const rate = (name: string): Counter<boolean> => {
    const of = { true: 0, all: 0 };
    const share = (): number => (of.all === 0 ? 0 : of.true / of.all);
    metrics.set(name, { values: () => ({ rate: share() }), isOver: (most) => share() > most });
    return {
      add: (isTrue) => {
        of.true += isTrue ? 1 : 0;
        of.all++;
      },
    };
  };
  return {
    orderLatency: trend("order_latency"),
    scheduleLag: trend("schedule_lag"),
    orderFreshness: trend("order_freshness"),
    dashboardLatency: trend("dashboard_latency"),
    wsDelay: trend("ws_delay"),
    ordersAcknowledged: counter("orders_acknowledged"),
    ordersRefused: counter("orders_refused"),
    ordersUnknown: counter("orders_unknown"),
    ordersReplayed: counter("orders_replayed"),
    ordersFailed: rate("orders_failed"),
    probesPlanned: counter("probes_planned"),
    freshnessMissed: counter("freshness_missed"),
    freshnessSkipped: counter("freshness_skipped"),
    wsConnections: counter("ws_connections"),
    wsFrames: counter("ws_frames"),
    wsGaps: counter("ws_gaps"),
    wsLost: counter("ws_lost"),
    /** Of one scenario, by its name. */
    lagOf: (name: string): Counter => trend(`schedule_lag{scenario:${name}}`),
    iterationsOf: (name: string): Counter => counter(`iterations{scenario:${name}}`),
    isMissed: ({ figure, stat, most }: Objective): boolean =>
      metrics.get(figure)?.isOver(most, stat) ?? false,
    values: (): Values => ({
      metrics: Object.fromEntries([...metrics].map(([name, metric]) => [name, { values: metric.values() }])),
    }),
  };
};

/** By nearest rank, under the names of TREND_STATS. */
const spreadOf = (samples: readonly number[]): Record<string, number> => {
  const sorted = Float64Array.from(samples).sort();
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

/** The same rank without sorting, which would stall the run: breakpoint asks every two seconds. */
const isP99Over = (samples: readonly number[], most: number): boolean => {
  let over = 0;
  for (const sample of samples) if (sample > most) over++;
  return over > samples.length - Math.ceil(samples.length * 0.99);
};

export type Lines = { add(line: string): void; close(): void };

const WRITE_EVERY_MS = 100;

/** Lines are written a few times a second: a write for each would cost more than the request. Null writes none. */
export const openLines = (file: string | null): Lines => {
  if (file === null) return { add: () => undefined, close: () => undefined };
  const handle = openSync(file, "w");
  let pending: string[] = [];
  const write = (): void => {
    if (pending.length === 0) return;
    writeSync(handle, `${pending.join("\n")}\n`);
    pending = [];
  };
  const writing = setInterval(write, WRITE_EVERY_MS);
  return {
    add: (line) => {
      pending.push(line);
    },
    close: () => {
      clearInterval(writing);
      write();
      closeSync(handle);
    },
  };
};
