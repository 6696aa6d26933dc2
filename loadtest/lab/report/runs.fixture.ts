/** Runs made up: a model of each mode with a knee, a cost and noise. For tests and for looking at. */
import { randomFrom, seedOf } from "../../../shared/domain/random.ts";
import { runId } from "../run/result-files.ts";
import type { KeptRun, Percentiles, Run, Second } from "../run/results.ts";

type Model = {
  /** Requests per second by orders per request. */
  readonly knee: Readonly<Record<number, number>>;
  readonly ackMs: number;
  readonly freshMs: number;
  readonly idleCpu: number;
  readonly cpuPerOrder: number;
  readonly durability: string;
  readonly bottleneck: string;
};

export const MODELS: Readonly<Record<string, Model>> = {
  null: {
    knee: { 1: 7_100, 10: 2_900 },
    ackMs: 1.4,
    freshMs: 0,
    idleCpu: 0.01,
    cpuPerOrder: 0.00011,
    durability: "none: nothing is stored",
    bottleneck: "order API's event loop",
  },
  v1: {
    knee: { 1: 1_900, 10: 640 },
    ackMs: 5,
    freshMs: 560,
    idleCpu: 0.035,
    cpuPerOrder: 0.00062,
    durability: "201: committed in PostgreSQL (synchronous_commit on)",
    bottleneck: "PostgreSQL's CPU",
  },
  "v1-each": {
    knee: { 1: 860, 10: 130 },
    ackMs: 6,
    freshMs: 560,
    idleCpu: 0.035,
    cpuPerOrder: 0.00124,
    durability: "201: committed in PostgreSQL (synchronous_commit on)",
    bottleneck: "PostgreSQL's commits",
  },
  v2: {
    knee: { 1: 2_700, 10: 1_020 },
    ackMs: 4,
    freshMs: 145,
    idleCpu: 0.055,
    cpuPerOrder: 0.00049,
    durability: "202: fsynced in Redis (appendfsync always)",
    bottleneck: "order API's event loop",
  },
  v3: {
    knee: { 1: 2_150, 10: 1_340 },
    ackMs: 9,
    freshMs: 170,
    idleCpu: 0.11,
    cpuPerOrder: 0.00047,
    durability: "202: acknowledged by all in-sync replicas (one broker; not power loss)",
    bottleneck: "the machine",
  },
};

/** Of a shape that latencies have. */
const spread = (p50: number, p99: number, count: number): Percentiles => {
  const at = (share: number): number => Number((p50 * (p99 / p50) ** share).toFixed(2));
  return { p50: at(0), p90: at(0.55), p95: at(0.75), p99: at(1), p999: at(1.3), max: at(1.5), count };
};

export type MadeUp = Partial<Omit<Run, "load" | "mode">> & {
  readonly mode: string;
  readonly rate: number;
  readonly ordersPerRequest?: number;
  readonly seconds?: number;
};

export const madeUpRun = (wanted: MadeUp): Run => {
  const { mode, rate, ordersPerRequest = 1, seconds = 30, ...rest } = wanted;
  const { experiment = "E2", repetition = 1, attempt = 1, varied = {} } = rest;
  const model = MODELS[mode] ?? MODELS["v1"];
  if (!model) throw new Error("no model");
  const random = randomFrom(seedOf(`${experiment}${mode}${rate}${ordersPerRequest}${repetition}${attempt}`));
  const about = (value: number): number => value * (0.94 + 0.12 * random.next());
  const load = rate / ((model.knee[ordersPerRequest] ?? 1_000) * (0.985 + 0.03 * random.next()));
  const full = load > 1;
  const p99 = about(model.ackMs * (2.2 + 9 * load ** 7)) * (full ? 8 * load ** 5 : 1);
  const count = Math.round(rate * seconds * Math.min(1, 1 / load));
  const orders = count * ordersPerRequest;
  const cpu = (share: number): { cpuSeconds: number; peakRssBytes: number; cores: number } => ({
    cpuSeconds: Number(
      about((model.idleCpu * seconds + model.cpuPerOrder * orders ** 0.985) * share).toFixed(3),
    ),
    peakRssBytes: Math.round(about(120 * 2 ** 20 * (0.5 + share))),
    cores: 2,
  });
  const ackMs = spread(about(model.ackMs), p99, count);
  return {
    point: `${mode} ${ordersPerRequest}-order ${rate}/s`,
    startedAt: new Date(Date.UTC(2026, 0, 5) + Number(experiment.slice(1)) * 3_600_000).toISOString(),
    commit: "0123456789abcdef0123456789abcdef01234567",
    scale: "standard",
    durability: model.durability,
    settings: {},
    load: { profile: "constant", requestsPerSecond: rate, ordersPerRequest, warmUpSeconds: 10, seconds },
    voids: [],
    ledger: {
      iterations: rate * 40,
      acknowledged: orders,
      refused: full ? Math.round(orders * 0.1) : 0,
      unknown: 0,
    },
    audit: { problems: [], lost: 0, countedTwice: 0, stored: orders, counted: orders },
    ...{ ackMs, replyMs: ackMs },
    freshnessMs:
      mode === "null"
        ? null
        : spread(
            about(model.freshMs),
            about(model.freshMs * (1.3 + 2 * load ** 9)) * (full ? 4 * load ** 4 : 1),
            300,
          ),
    scheduleLagMs: spread(0.2, 1.4, count),
    errorShare: full ? 0.02 : 0,
    backlogGrew: full,
    drainedSeconds: Number((0.4 + (full ? 6 : 0)).toFixed(1)),
    resources: { "order-api": cpu(0.4), [`worker-${mode}`]: cpu(0.25), postgres: cpu(0.35), k6: cpu(0.9) },
    measuredSeconds: seconds,
    servers: {},
    bottleneck: load > 0.75 ? { resource: model.bottleneck, because: "made up" } : null,
    ...rest,
    experiment,
    mode,
    repetition,
    attempt,
    varied: { rate, ordersPerRequest, ...varied },
  };
};

export const kept = (run: Run, seconds: readonly Second[] = []): KeptRun => ({
  run,
  id: runId(run),
  seconds: () => seconds,
});
