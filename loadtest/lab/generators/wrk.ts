/**
 * What an arrangement carries at most, by wrk: a closed loop that takes a fraction of the generator's CPU. It confirms
 * peaks, and says where a search may begin. It is no capacity: a closed loop
 * waits for the system, and hides its queues.
 */
import type { Pool } from "#shared/store/pool.ts";
import { type Accepted, drive } from "../../../dev/bench/ingest/wrk.ts";
import { countsIn } from "../../../dev/system/audit.ts";
import { driftOf } from "../../../dev/system/database.ts";
import { waitUntil } from "../../../dev/system/wait.ts";
import { bottleneckOf } from "../judge/bottleneck.ts";
import { voidsOf } from "../judge/objectives.ts";
import { durabilityOf, type Place, settingsOf } from "../judge/record.ts";
import { percentilesOf } from "../judge/statistics.ts";
import { machineIn, resourcesOf, rounded, saturationOf, type Window } from "../judge/usage.ts";
import { GENERATORS, type Run } from "../run/results.ts";
import type { Lab, Order } from "../run/run.ts";
import type { Scene } from "../run/stage.ts";
import { openSampler } from "../sample/sampler.ts";
import { countersOf, grownBy } from "../sample/server-counters.ts";
import { sameOrders } from "./catalogue.ts";

/** As many as the benchmark has; of large requests so few that none waits so long that it is refused. */
const connectionsFor = (size: number): number => (size === 1 ? 64 : size <= 10 ? 16 : 4);
const DRAIN_WITHIN_MS = 130_000;

/** The rate of the run is what was reached. */
export const measurePeak = async (lab: Lab, order: Order, place: Place): Promise<Run> => {
  const startedAt = new Date().toISOString();
  const scene = await lab.stage.open(order.setting);
  try {
    await scene.start();
    const before = await countersOf(scene.servers, scene.pool);
    const driven = await drivenBy(lab, order, scene);
    const { arrangement } = order.setting;
    const { accepted, window, looks } = driven;
    const size = order.load.ordersPerRequest;
    const { audit, wholeAtMs } =
      arrangement.mode === null
        ? { audit: NOTHING_KEPT, wholeAtMs: window.endMs }
        : await tallied(scene.pool, driven.requests * size);
    const saturation = saturationOf(looks, window, lab.pinning);
    const rate = Math.round(accepted.perSecond);
    const ackMs = { ...accepted.latencyMs, count: accepted.requests };
    const machine = machineIn(looks, window);
    const seconds = (window.endMs - window.startMs) / 1_000;
    const voids = [
      ...(driven.problem === null ? [] : [driven.problem]),
      ...voidsOf({
        ...UNPLANNED,
        generatorShare: saturation.generator.used / saturation.generator.given,
        stolenShare: machine.stolenShare,
        auditProblems: audit.problems,
      }),
    ];
    return {
      ...place,
      mode: arrangement.name,
      startedAt,
      durability: durabilityOf(order),
      settings: settingsOf(order),
      varied: { ...place.varied, rate, ordersPerRequest: size, purpose: "peak" },
      load: {
        profile: "wrk, closed loop",
        requestsPerSecond: rate,
        ordersPerRequest: size,
        warmUpSeconds: order.load.warmUpSeconds,
        seconds: rounded(seconds, 2),
      },
      voids,
      ledger: {
        iterations: driven.requests,
        acknowledged: driven.requests * size,
        refused: 0,
        unknown: 0,
      },
      audit,
      ackMs,
      replyMs: ackMs,
      freshnessMs: null,
      scheduleLagMs: percentilesOf([]),
      errorShare: 0,
      backlogGrew: false,
      drainedSeconds: rounded((wholeAtMs - window.endMs) / 1_000, 2),
      resources: resourcesOf(looks, window, (name) =>
        GENERATORS.has(name) ? lab.pinning.generatorCores : lab.pinning.systemCores,
      ),
      measuredSeconds: rounded(seconds, 2),
      machine,
      servers: grownBy(before, await countersOf(scene.servers, scene.pool)),
      bottleneck: bottleneckOf(saturation).bottleneck,
    };
  } finally {
    await scene.close();
  }
};

/** A closed loop has no times to be late for. */
const UNPLANNED = { droppedIterations: 0, scheduleLagP99Ms: 0 };

const drivenBy = async (lab: Lab, order: Order, scene: Scene) => {
  const { load, setting } = order;
  const size = load.ordersPerRequest;
  const body = sameOrders(scene.catalogue, size);
  const url = `${scene.url}/api/${setting.arrangement.route}/${size === 1 ? "order" : "orders"}`;
  const how = { url, body, connections: connectionsFor(size) };
  let wrkPid = 0;
  const sampler = openSampler({
    pids: () => (wrkPid > 0 ? scene.pids().set("wrk", wrkPid) : scene.pids()),
    metricUrls: scene.metricUrls,
    pool: scene.pool,
    cores: lab.pinning.system,
  });
  try {
    const warmed = await drive({ ...how, seconds: load.warmUpSeconds, isWarmUp: true }, () => undefined);
    const startMs = Date.now();
    const outcome = await drive(
      { ...how, seconds: load.seconds },
      () => undefined,
      (pid) => {
        wrkPid = pid;
      },
    ).catch((error: Error) => error.message);
    const endMs = Date.now();
    lab.signal.throwIfAborted();
    await sampler.stop();
    const accepted = typeof outcome === "string" ? NOTHING : outcome;
    return {
      accepted,
      problem: typeof outcome === "string" ? outcome : null,
      requests: warmed.requests + accepted.requests,
      window: { startMs, endMs } satisfies Window,
      looks: sampler.looks,
    };
  } finally {
    await sampler.stop();
  }
};

const NOTHING_KEPT: Run["audit"] = { problems: [], lost: 0, countedTwice: 0, stored: 0, counted: 0 };
const NOTHING: Accepted = {
  requests: 0,
  perSecond: 0,
  latencyMs: { p50: 0, p90: 0, p95: 0, p99: 0, p999: 0, max: 0 },
};

/** Everything accepted is stored and counted once. What wrk cut off at the end may be there or not. */
const tallied = async (
  pool: Pool,
  accepted: number,
): Promise<{ readonly audit: Run["audit"]; readonly wholeAtMs: number }> => {
  let tally = { stored: 0, counted: 0 };
  const isWhole = async (): Promise<boolean> => {
    tally = await countsIn(pool);
    return tally.counted >= accepted && tally.stored === tally.counted;
  };
  const isLate = await waitUntil("all is counted", () => isWhole().catch(() => false), DRAIN_WITHIN_MS).then(
    () => false,
    () => true,
  );
  const wholeAtMs = Date.now();
  const lost = Math.max(0, accepted - tally.stored);
  const countedTwice = Math.max(0, tally.counted - tally.stored);
  const drift = isLate ? [] : await driftOf(pool);
  const problems = [
    ...(lost > 0 ? [`${lost} orders were acknowledged and are not stored`] : []),
    ...(isLate ? [`${tally.stored} are stored and ${tally.counted} counted`] : []),
    ...(drift.length > 0 ? [`${drift.length} rollup rows differ from their orders`] : []),
  ];
  return { audit: { problems, lost, countedTwice, ...tally }, wholeAtMs };
};
