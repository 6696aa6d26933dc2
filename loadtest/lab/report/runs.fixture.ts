/** Synthetic runs for tests: a model of each mode with a capacity, a cost and noise. */
import { randomFrom, seedOf } from "../../../shared/domain/random.ts";
import { runId } from "../run/result-files.ts";
import type { KeptRun, Percentiles, Run, Second } from "../run/results.ts";

type Model = {
  /** Capacity in requests per second, by orders per request. */
  readonly knee: Readonly<Record<number, number>>;
  readonly ackMs: number;
  readonly freshMs: number;
  readonly idleCpu: number;
  readonly cpuPerOrder: number;
  readonly durability: string;
  readonly bottleneck: string;
};

const V1: Model = {
  ...{ knee: { 1: 1_900, 10: 640 }, ackMs: 5, freshMs: 560, idleCpu: 0.035, cpuPerOrder: 0.00062 },
  durability: "201: committed in PostgreSQL (synchronous_commit on)",
  bottleneck: "PostgreSQL's CPU",
};

export const MODELS: Readonly<Record<string, Model>> = {
  null: {
    ...{ knee: { 1: 7_100, 10: 2_900 }, ackMs: 1.4, freshMs: 0, idleCpu: 0.01, cpuPerOrder: 0.00011 },
    ...{ durability: "none: nothing is stored", bottleneck: "order API's event loop" },
  },
  v1: V1,
  "v1-each": {
    ...V1,
    ...{ knee: { 1: 860, 10: 130 }, ackMs: 6, cpuPerOrder: 0.00124, bottleneck: "PostgreSQL's commits" },
  },
  v2: {
    ...{ knee: { 1: 2_700, 10: 1_020 }, ackMs: 4, freshMs: 145, idleCpu: 0.055, cpuPerOrder: 0.00049 },
    durability: "202: fsynced in Redis (appendfsync always)",
    bottleneck: "order API's event loop",
  },
  v3: {
    ...{ knee: { 1: 2_150, 10: 1_340 }, ackMs: 9, freshMs: 170, idleCpu: 0.11, cpuPerOrder: 0.00047 },
    durability: "202: acknowledged by all in-sync replicas (one broker; not power loss)",
    bottleneck: "the machine",
  },
};

const spread = (p50: number, p99: number, count: number): Percentiles => {
  const at = (share: number): number => Number((p50 * (p99 / p50) ** share).toFixed(2));
  return { p50: at(0), p90: at(0.55), p95: at(0.75), p99: at(1), p999: at(1.3), max: at(1.5), count };
};

export type Synthetic = Partial<Omit<Run, "load" | "mode">> & {
  readonly mode: string;
  readonly rate: number;
  readonly ordersPerRequest?: number;
  readonly seconds?: number;
};

export const syntheticRun = (wanted: Synthetic): Run => {
  const { mode, rate, ordersPerRequest = 1, seconds = 30, ...rest } = wanted;
  const { experiment = "E2", repetition = 1, attempt = 1, varied = {} } = rest;
  const model = MODELS[mode] ?? V1;
  const random = randomFrom(seedOf(`${experiment}${mode}${rate}${ordersPerRequest}${repetition}${attempt}`));
  const about = (value: number): number => value * (0.94 + 0.12 * random.next());
  const load = rate / ((model.knee[ordersPerRequest] ?? 1_000) * (0.985 + 0.03 * random.next()));
  const isFull = load > 1;
  const p99 = about(model.ackMs * (2.2 + 9 * load ** 7)) * (isFull ? 8 * load ** 5 : 1);
  const count = Math.round(rate * seconds * Math.min(1, 1 / load));
  const orders = count * ordersPerRequest;
  const cpuSeconds = model.idleCpu * seconds + model.cpuPerOrder * orders ** 0.985;
  const resource = (share: number) => ({
    cpuSeconds: Number(about(cpuSeconds * share).toFixed(3)),
    peakRssBytes: Math.round(about(120 * 2 ** 20 * (0.5 + share))),
    cores: 2,
  });
  const ackMs = spread(about(model.ackMs), p99, count);
  const freshP99 = model.freshMs * (1.3 + 2 * load ** 9) * (isFull ? 4 * load ** 4 : 1);
  const freshnessMs = mode === "null" ? null : spread(about(model.freshMs), about(freshP99), 300);
  return {
    point: `${mode} ${ordersPerRequest}-order ${rate}/s`,
    startedAt: new Date(Date.UTC(2026, 0, 5) + Number(experiment.slice(1)) * 3_600_000).toISOString(),
    commit: "0123456789abcdef0123456789abcdef01234567",
    ...{ scale: "standard", durability: model.durability, settings: {}, voids: [] },
    load: { profile: "constant", requestsPerSecond: rate, ordersPerRequest, warmUpSeconds: 10, seconds },
    ledger: {
      iterations: rate * 40,
      acknowledged: orders,
      refused: isFull ? Math.round(orders * 0.1) : 0,
      unknown: 0,
    },
    audit: { problems: [], lost: 0, countedTwice: 0, stored: orders, counted: orders },
    ...{ ackMs, replyMs: ackMs, freshnessMs, scheduleLagMs: spread(0.2, 1.4, count) },
    ...{ errorShare: isFull ? 0.02 : 0, backlogGrew: isFull, drainedSeconds: isFull ? 6.4 : 0.4 },
    resources: {
      "order-api": resource(0.4),
      [`worker-${mode}`]: resource(0.25),
      postgres: resource(0.35),
      k6: resource(0.9),
    },
    ...{ measuredSeconds: seconds, servers: {} },
    bottleneck: load > 0.75 ? { resource: model.bottleneck, because: "synthetic" } : null,
    ...rest,
    ...{ experiment, mode, repetition, attempt, varied: { rate, ordersPerRequest, ...varied } },
  };
};

export const kept = (run: Run, seconds: readonly Second[] = []): KeptRun => ({
  run,
  id: runId(run),
  seconds: () => seconds,
});
