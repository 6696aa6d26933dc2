/**
 * A run whose result is the rate that was reached, where runs of the open loop have a planned one: a closed loop, a bare
 * statement, a drained backlog, a fan-out, an overload. Each opens a fresh system, samples it, and is audited.
 */
import { once } from "node:events";
import type { Pool } from "#shared/store/pool.ts";
import { countsIn } from "../../../dev/system/audit.ts";
import { driftOf, numberOf } from "../../../dev/system/database.ts";
import { waitUntil } from "../../../dev/system/wait.ts";
import { bottleneckOf } from "../judge/bottleneck.ts";
import { voidsOf } from "../judge/objectives.ts";
import { durabilityOf, type Place, settingsOf } from "../judge/record.ts";
import { percentilesOf } from "../judge/statistics.ts";
import { machineIn, resourcesOf, rounded, saturationOf, type Window } from "../judge/usage.ts";
import { GENERATORS, type Percentiles, type Run } from "../run/results.ts";
import type { Lab, Order } from "../run/run.ts";
import type { SystemUnderTest } from "../run/test-bed.ts";
import { openSampler, type Sample } from "../sample/sampler.ts";
import { countersOf, grownBy } from "../sample/server-counters.ts";

/** What a measure returns; what it leaves out is empty in the run. */
export type Rated = {
  /** In words: "wrk, closed loop". */
  readonly profile: string;
  /** Stands in the run's `varied`: what kind of rate it is. */
  readonly purpose: string;
  /** Per second: requests of `ordersPerRequest` orders, rows, or frames. */
  readonly rate: number;
  readonly ordersPerRequest?: number;
  readonly window: Window;
  readonly samples: readonly Sample[];
  readonly requests?: { readonly acknowledged: number; readonly refused: number; readonly unknown: number };
  readonly audit?: Run["audit"];
  /** From the end of the load until everything was counted. */
  readonly drainedSeconds?: number;
  readonly ackMs?: Percentiles;
  readonly scheduleLagMs?: Percentiles;
  /** Why the run does not count, apart from its generator, its host and its audit. */
  readonly problems?: readonly string[];
  /** The lab itself sends what is measured: that it uses a whole core does not make the run void. */
  readonly isSentByLab?: boolean;
  readonly durability?: string;
  readonly varied?: Run["varied"];
  readonly resources?: Run["resources"];
};

export const NOTHING_KEPT: Run["audit"] = { problems: [], lost: 0, countedTwice: 0, stored: 0, counted: 0 };
const NO_REQUESTS = { acknowledged: 0, refused: 0, unknown: 0 };

/** Opens a fresh system for `work`, and makes a run of what it returns. */
export const rateRun = async (
  lab: Lab,
  order: Order,
  place: Place,
  work: (system: SystemUnderTest) => Promise<Rated>,
): Promise<Run> => {
  const startedAt = new Date().toISOString();
  const system = await lab.testBed.open(order.setting);
  try {
    const before = await countersOf(system.servers, system.pool);
    // an interruption closes the system at once, without waiting for the work
    const rated = await Promise.race([work(system), aborted(lab.signal)]);
    const servers = grownBy(before, await countersOf(system.servers, system.pool));
    return { ...runOf(lab, order, rated), ...place, startedAt, varied: variedOf(place, rated), servers };
  } finally {
    await system.close();
  }
};

const aborted = async (signal: AbortSignal): Promise<never> => {
  if (!signal.aborted) await once(signal, "abort");
  throw signal.reason;
};

const variedOf = (place: Place, { rate, ordersPerRequest = 1, purpose, varied }: Rated): Run["varied"] => ({
  ...place.varied,
  ...{ rate: rounded(rate, rate < 100 ? 1 : 0), ordersPerRequest, purpose },
  ...varied,
});

const runOf = (
  { pinning }: Lab,
  order: Order,
  rated: Rated,
): Omit<Run, keyof Place | "startedAt" | "servers"> => {
  const { profile, rate, ordersPerRequest = 1, window, samples, requests = NO_REQUESTS } = rated;
  const { audit = NOTHING_KEPT, ackMs = percentilesOf([]), scheduleLagMs = percentilesOf([]) } = rated;
  const saturation = saturationOf(samples, window, pinning);
  const { used, given } = saturation.generator;
  const machine = machineIn(samples, window);
  const seconds = rounded((window.endMs - window.startMs) / 1_000, 2);
  const sent = requests.acknowledged + requests.refused + requests.unknown;
  return {
    mode: order.setting.arrangement.name,
    durability: rated.durability ?? durabilityOf(order),
    settings: settingsOf(order),
    load: {
      profile,
      requestsPerSecond: rounded(rate, rate < 100 ? 1 : 0),
      ordersPerRequest,
      warmUpSeconds: order.load.warmUpSeconds,
      seconds,
    },
    voids: [
      ...(rated.problems ?? []),
      ...voidsOf({
        droppedIterations: 0,
        // a rate without planned times has none to be late for; overload.ts has its own bound
        scheduleLagP99Ms: 0,
        generatorShare: rated.isSentByLab ? 0 : used / given,
        stolenShare: machine.stolenShare,
        auditProblems: audit.problems,
      }),
    ],
    ledger: {
      iterations: sent,
      acknowledged: requests.acknowledged * ordersPerRequest,
      refused: requests.refused * ordersPerRequest,
      unknown: requests.unknown * ordersPerRequest,
    },
    audit,
    ackMs,
    replyMs: ackMs,
    freshnessMs: null,
    scheduleLagMs,
    errorShare: sent === 0 ? 0 : rounded(1 - requests.acknowledged / sent, 6),
    backlogGrew: false,
    drainedSeconds: rounded(rated.drainedSeconds ?? 0, 2),
    resources: {
      ...resourcesOf(samples, window, (name) =>
        GENERATORS.has(name) ? pinning.generatorCores : pinning.systemCores,
      ),
      ...rated.resources,
    },
    measuredSeconds: seconds,
    machine,
    bottleneck: bottleneckOf(saturation).bottleneck,
  };
};

/** Samples the system, and generators that are processes of their own, while `work` runs. */
export const sampled = async <T>(
  lab: Lab,
  system: SystemUnderTest,
  work: () => Promise<T>,
  generatorPids: () => ReadonlyMap<string, number> = () => new Map(),
): Promise<{ readonly result: T; readonly samples: readonly Sample[] }> => {
  const sampler = openSampler({
    pids: () => new Map([...system.pids(), ...generatorPids()]),
    metricUrls: system.metricUrls,
    pool: system.pool,
    cores: lab.pinning.system,
  });
  try {
    const result = await work();
    // after an interruption the system is closed: nothing more may start on it
    lab.signal.throwIfAborted();
    await sampler.stop();
    return { result, samples: sampler.samples };
  } finally {
    await sampler.stop();
  }
};

const DRAIN_WITHIN_MS = 180_000;

/**
 * Everything acknowledged is stored and counted once, and nothing is dead. `unknown` orders were sent and have no reply, as
 * those that a closed loop cuts off at its end: they may be stored or not.
 */
export const tallied = async (
  pool: Pool,
  acknowledged: number,
  unknown: number,
): Promise<{ readonly audit: Run["audit"]; readonly atMs: number }> => {
  let tally = { stored: 0, counted: 0 };
  const isWhole = async (): Promise<boolean> => {
    tally = await countsIn(pool);
    return tally.counted >= acknowledged && tally.stored === tally.counted;
  };
  const isLate = await waitUntil("everything is counted", isWhole, DRAIN_WITHIN_MS).then(
    () => false,
    () => true,
  );
  const atMs = Date.now();
  const { lost, problems: losses } = lossIn({ stored: tally.stored, acknowledged, unknown });
  const countedTwice = Math.max(0, tally.counted - tally.stored);
  const drift = isLate ? [] : await driftOf(pool);
  const dead = await numberOf(pool, "SELECT count(*) FROM dead_letters");
  const problems = [
    ...losses,
    ...(dead > 0 ? [`${dead} orders are dead letters`] : []),
    ...(isLate ? [`${tally.stored} are stored and ${tally.counted} counted`] : []),
    ...(drift.length > 0 ? [`${drift.length} rollup rows differ from their orders`] : []),
  ];
  return { audit: { problems, lost, countedTwice, ...tally }, atMs };
};

/** Acknowledged orders that are not stored, and stored ones that were not sent. */
export const lossIn = (of: {
  readonly stored: number;
  readonly acknowledged: number;
  readonly unknown: number;
}): Pick<Run["audit"], "lost" | "problems"> => {
  const lost = Math.max(0, of.acknowledged - of.stored);
  const tooMany = of.stored - of.acknowledged - of.unknown;
  return {
    lost,
    problems: [
      ...(lost > 0 ? [`${lost} orders were acknowledged and are not stored`] : []),
      ...(tooMany > 0 ? [`${tooMany} more orders are stored than were sent`] : []),
    ],
  };
};
