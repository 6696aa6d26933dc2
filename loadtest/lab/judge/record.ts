/** From what was measured to what is kept: figures, whether the run counts, and what was saturated. */
import { modes } from "#shared/modes/all.ts";
import { loadSettings } from "#shared/runtime/config.ts";
import { SCENARIO_NUMBERS } from "../../k6/profiles/profile.ts";
import type { Variables } from "../experiments/experiment.ts";
import type { Arrangement } from "../run/arrangements.ts";
import type { Pinning } from "../run/environment.ts";
import { GENERATORS, type Percentiles, type Run, type Scale, type Second } from "../run/results.ts";
import type { Measured, Order } from "../run/run.ts";
import { grownBy } from "../sample/server-counters.ts";
import { bottleneckOf } from "./bottleneck.ts";
import { voidsOf } from "./objectives.ts";
import { percentilesOf } from "./statistics.ts";
import { backlogGrew, faultOf, secondsOf } from "./timeline.ts";
import { machineIn, resourcesOf, rounded, saturationOf, type Window } from "./usage.ts";

/** What a run is of. */
export type Place = Pick<
  Run,
  "experiment" | "point" | "repetition" | "attempt" | "commit" | "scale" | "varied"
> & { readonly scale: Scale };

/** An order that no dashboard showed in time is as old as the relaxed objective allows, at least. */
const NEVER_SEEN_MS = 65_000;

export const recordOf = (
  measured: Measured,
  place: Place,
  pinning: Pinning,
): { readonly run: Run; readonly seconds: readonly Second[] } => {
  const { order, output, samples, audit } = measured;
  const { arrangement } = order.setting;
  const { load } = order;
  const window: Window = { startMs: output.startMs, endMs: output.startMs + load.seconds * 1_000 };
  const seconds = secondsOf(output, samples, arrangement.mode ?? "");
  const saturation = saturationOf(samples, window, pinning);
  const acknowledged = output.requests.filter(({ outcome }) => outcome === "acknowledged");
  const scheduleLagMs = percentiles(output.requests.map(({ lagMs }) => lagMs));
  const ordersPerSecond = load.requestsPerSecond * load.ordersPerRequest;
  const machine = machineIn(samples, window);
  const run: Run = {
    ...place,
    mode: arrangement.name,
    startedAt: measured.startedAt,
    durability: durabilityOf(order),
    settings: settingsOf(order),
    load: {
      profile: load.profile,
      generator: load.generator,
      requestsPerSecond: load.requestsPerSecond,
      ordersPerRequest: load.ordersPerRequest,
      warmUpSeconds: load.warmUpSeconds,
      seconds: load.seconds,
    },
    voids: voidsIn(measured, { saturation, machine, lagP99Ms: scheduleLagMs.p99 }),
    ledger: ledgerOf(measured),
    audit: {
      problems: audit.problems,
      lost: audit.lost,
      countedTwice: audit.countedTwice,
      stored: audit.stored,
      counted: audit.counted,
    },
    ackMs: percentiles(acknowledged.map(({ latencyMs }) => latencyMs)),
    replyMs: percentiles(acknowledged.map(({ latencyMs, lagMs }) => Math.max(0, latencyMs - lagMs))),
    probeOrders: probeOrdersOf(measured),
    freshnessMs: arrangement.mode === null ? null : freshnessOf(measured),
    scheduleLagMs,
    errorShare: rounded(1 - acknowledged.length / Math.max(1, output.requests.length), 6),
    backlogGrew: backlogGrew(seconds, { seconds: load.seconds, ordersPerSecond }),
    drainedSeconds: rounded(measured.drainedSeconds, 2),
    resources: withListeners(
      measured,
      resourcesOf(samples, window, (name) =>
        GENERATORS.has(name) ? pinning.generatorCores : pinning.systemCores,
      ),
      pinning,
    ),
    measuredSeconds: load.seconds,
    machine,
    servers: serversOf(measured, seconds),
    bottleneck: bottleneckOf(saturation).bottleneck,
    ...faultIn(measured, window.endMs),
    ...(measured.listening && { websocket: measured.listening.websocket }),
  };
  return { run, seconds };
};

const voidsIn = (
  { output, listening, injected, audit, order }: Measured,
  of: {
    readonly saturation: ReturnType<typeof saturationOf>;
    readonly machine: ReturnType<typeof machineIn>;
    readonly lagP99Ms: number;
  },
): string[] => {
  const { used, given } = of.saturation.generator;
  const listenersUsed = (listening?.cpuSeconds ?? 0) / order.load.seconds;
  return voidsOf({
    isFaultEarly: injected.some(({ fromMs }) => fromMs < output.startMs),
    droppedIterations: output.dropped,
    generatorShare: (used + listenersUsed) / given,
    scheduleLagP99Ms: of.lagP99Ms,
    stolenShare: of.machine.stolenShare,
    auditProblems: audit.problems,
  });
};

const ledgerOf = ({ sent, audit }: Measured): Run["ledger"] => {
  const { acknowledged, refused, unknown } = audit;
  const iterations = sent.summary.scenarios
    .filter(({ ordersPerIteration }) => ordersPerIteration > 0)
    .reduce((sum, each) => sum + each.iterations, 0);
  return { iterations, acknowledged, refused, unknown };
};

/** A tenth of a microsecond says nothing, and makes files long. */
const percentiles = (values: readonly number[]): Percentiles => {
  const of = percentilesOf(values);
  return Object.fromEntries(
    Object.entries(of).map(([name, value]) => [name, rounded(value, 2)]),
  ) as Percentiles;
};

const probeOrdersOf = ({ sent, output }: Measured): number => {
  const probe = sent.summary.scenarios.find(({ number }) => number === SCENARIO_NUMBERS.probe);
  const failed = output.notAcknowledged.filter(({ scenario }) => scenario === SCENARIO_NUMBERS.probe).length;
  return Math.max(0, (probe?.iterations ?? 0) - failed);
};

/** Null when no probe was even sent. */
const freshnessOf = ({ output, sent }: Measured): Percentiles | null => {
  const missed = Array<number>(sent.summary.freshness.missed).fill(NEVER_SEEN_MS);
  const all = [...output.visible.map(({ freshnessMs }) => freshnessMs), ...missed];
  return all.length === 0 ? null : percentiles(all);
};

const NOTHING_KEPT = "none: nothing is stored";

/** In words, from the mode, with the servers' changed settings. */
export const durabilityOf = ({ setting }: Pick<Order, "setting">): string => {
  const { arrangement, servers } = setting;
  const mode = modes.find(({ name }) => name === arrangement.mode);
  if (mode === undefined) return NOTHING_KEPT;
  const env = { ...ADDRESSES, ...arrangement.settings, ...setting.settings };
  const said = mode.durability(loadSettings(mode.knobs, env) as Record<string, unknown>);
  const appendfsync = arrangement.mode === "v2" ? servers.stream?.["appendfsync"] : undefined;
  return appendfsync === undefined ? said : `202: in the stream (appendfsync ${appendfsync})`;
};

/** Settings cannot be read without them; where the servers are does not matter here. */
const ADDRESSES = {
  DATABASE_URL: "postgres://none@127.0.0.1/none",
  BOARD_REDIS_URL: "redis://127.0.0.1",
  STREAM_REDIS_URL: "redis://127.0.0.1",
  KAFKA_BROKERS: "127.0.0.1:1",
};

/** What was set other than by default: of the programs, of the servers, and how many workers. */
export const settingsOf = ({ setting }: Pick<Order, "setting">): Record<string, string> => {
  const { arrangement, settings, servers, workers, apis = 1, stores } = setting;
  const ofServers = Object.entries(servers).flatMap(([server, own]) =>
    Object.entries(own ?? {}).map(([name, value]) => [`${server}: ${name}`, value]),
  );
  return {
    ...ownSettings(arrangement),
    ...settings,
    ...Object.fromEntries(ofServers),
    ...(workers !== 1 && { workers: String(workers) }),
    ...(apis !== 1 && { apis: String(apis) }),
    ...(stores !== undefined && { stores: String(stores) }),
  };
};

/** That a mode is on is no setting of an experiment. */
const ownSettings = ({ settings }: Arrangement): Variables =>
  Object.fromEntries(Object.entries(settings).filter(([name]) => !name.endsWith("_ENABLED")));

const serversOf = ({ before, after, topicBytes }: Measured, seconds: readonly Second[]): Run["servers"] => {
  const grown = grownBy(before, after);
  if (topicBytes === null) return grown;
  const mostLagOrders = Math.max(0, ...seconds.map(({ lagOrders }) => lagOrders));
  return { ...grown, kafka: { logBytes: topicBytes, mostLagOrders } };
};

/** They are in a process that the sampler does not know. */
const withListeners = (
  { listening, order }: Measured,
  resources: Run["resources"],
  { generatorCores }: Pinning,
): Run["resources"] =>
  listening === null
    ? resources
    : {
        ...resources,
        clients: {
          cpuSeconds: rounded(Math.min(listening.cpuSeconds, order.load.seconds * generatorCores), 3),
          peakRssBytes: 0,
          cores: generatorCores,
        },
      };

const faultIn = ({ injected, output }: Measured, endMs: number): Pick<Run, "fault"> => {
  const [first] = injected;
  return first ? { fault: faultOf(first, output.requests, output.visible, endMs) } : {};
};
