/** One run: fresh ground, warm-up, measured time, drain, audit; and what it leaves behind. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Account, countOutcomes } from "../../../dev/system/account.ts";
import { type Audit, audit, countsIn, unaudited, untilCounted } from "../../../dev/system/audit.ts";
import { type DashboardSource, readDashboard, readSnapshot } from "../../../dev/system/dashboards.ts";
import type { K6 } from "../../generator.ts";
import type { PlannedAction } from "../experiments/experiment.ts";
import { accountOf } from "../generators/account.ts";
import { type Load, linesFile, type Sending, type Sent, send } from "../generators/generator.ts";
import { type GeneratorOutput, outputIn } from "../generators/output.ts";
import type { ListenerFigures, Sockets } from "../listeners/listeners.ts";
import { openSampler, type Sample } from "../sample/sampler.ts";
import { type Counters, countersOf, topicBytes } from "../sample/server-counters.ts";
import type { Arrangement } from "./arrangements.ts";
import type { InjectedFault } from "./during-load.ts";
import { duringLoad } from "./during-load.ts";
import type { Pinning } from "./environment.ts";
import type { Setting, SystemUnderTest, TestBed } from "./test-bed.ts";

/** A run as it is planned. */
export type Order = {
  readonly setting: Setting;
  readonly load: Omit<Load, "url" | "route" | "catalogue">;
  readonly actions: readonly PlannedAction[];
  readonly sockets: Sockets | null;
};

/** All that is known of a run before anything is said of it. */
export type Measured = {
  readonly order: Order;
  readonly startedAt: string;
  readonly output: GeneratorOutput;
  readonly sent: Sent;
  readonly audit: Audit;
  readonly samples: readonly Sample[];
  readonly before: Counters;
  readonly after: Counters;
  /** Of Kafka's topic; null without one. */
  readonly topicBytes: number | null;
  readonly drainedSeconds: number;
  readonly injected: readonly InjectedFault[];
  readonly listening: ListenerFigures | null;
  readonly logs: string;
  /** Of each phase, in seconds. */
  readonly took: Readonly<Record<string, number>>;
};

export type Lab = {
  readonly testBed: TestBed;
  /** Null where it is not installed. */
  readonly k6: K6 | null;
  readonly pinning: Pinning;
  /** Ends what runs. */
  readonly signal: AbortSignal;
  /** For tests, which disturb what is stored before it is audited. */
  readonly beforeAudit?: (system: SystemUnderTest) => Promise<void>;
};

/** The relaxed objective gives orders 65 s to become visible; a backlog of twice that is not waited for. */
const DRAIN_WITHIN_MS = 130_000;
const POLL_MS = 100;

export const measure = async (lab: Lab, order: Order): Promise<Measured> => {
  const startedAt = new Date().toISOString();
  const timer = openTimer();
  const folder = mkdtempSync(join(tmpdir(), "coffee-rt-run-"));
  const system = await lab.testBed.open(order.setting);
  timer.lap("data");
  try {
    const before = await countersOf(system.servers, system.pool);
    const { arrangement } = order.setting;
    const load: Load = {
      ...order.load,
      url: system.url,
      route: arrangement.route,
      catalogue: system.catalogue,
    };
    const sending = send(load, folder, lab.k6);
    const stop = (): void => sending.kill();
    lab.signal.addEventListener("abort", stop, { once: true });
    try {
      // the generator waits until the programs are ready
      const started = await Promise.race([system.start().then(() => true), sending.ended.then(() => false)]);
      if (!started) throw new Error("the load was over before the programs had started");
      timer.lap("start");
      return {
        ...{ order, startedAt, before },
        ...(await underLoad(lab, order, system, { folder, sending, timer })),
        took: timer.laps(),
      };
    } finally {
      lab.signal.removeEventListener("abort", stop);
      stop();
    }
  } finally {
    await system.close();
    rmSync(folder, { recursive: true, force: true });
  }
};

type SuiteRun = { readonly folder: string; readonly sending: Sending; readonly timer: Timer };

const underLoad = async (
  lab: Lab,
  order: Order,
  system: SystemUnderTest,
  { folder, sending, timer }: SuiteRun,
): Promise<Omit<Measured, "order" | "startedAt" | "before" | "took">> => {
  const { arrangement } = order.setting;
  const sampler = openSampler({
    pids: () => system.pids().set(order.load.generator, sending.pid()),
    metricUrls: system.metricUrls,
    pool: system.pool,
    cores: lab.pinning.system,
  });
  try {
    const [{ injected, listening }, sent] = await Promise.all([
      duringLoad(lab, order, system, linesFile(folder), sending),
      sending.ended,
    ]);
    lab.signal.throwIfAborted();
    const output = outputIn(sent.lines, sent.summary);
    timer.lap("load");
    const account = accountOf(sent.summary, output.notAcknowledged, system.catalogue);
    const { acknowledged, unknown } = countOutcomes(account);
    const endMs = output.startMs + order.load.seconds * 1_000;
    const drainedMs =
      arrangement.mode === null ? endMs : await drained(system, arrangement.mode, acknowledged);
    if (unknown > 0) await settled(system);
    timer.lap("drain");
    await sampler.stop();
    await lab.beforeAudit?.(system);
    const found =
      arrangement.mode === null ? unaudited(account) : await audited(system, arrangement.mode, account);
    timer.lap("audit");
    return {
      ...{ output, sent, audit: found, samples: sampler.samples, injected, listening },
      after: await countersOf(system.servers, system.pool),
      topicBytes: topicBytesOf(system, arrangement),
      drainedSeconds: Math.max(0, drainedMs - endMs) / 1_000,
      logs: system.logs(),
    };
  } finally {
    await sampler.stop();
  }
};

/**
 * When everything that was acknowledged was counted, by the machine's clock; when the wait was over, where it never was:
 * the audit then says what is missing.
 */
const drained = async ({ pool }: SystemUnderTest, mode: string, acknowledged: number): Promise<number> => {
  await untilCounted(pool, mode, acknowledged, DRAIN_WITHIN_MS);
  return Date.now();
};

const AGREE_WITHIN_MS = 10_000;

const audited = ({ pool, url }: SystemUnderTest, mode: string, account: Account): Promise<Audit> =>
  audit(pool, account, { mode, dashboards: dashboardsOf(url, mode), agreeWithinMs: AGREE_WITHIN_MS });

export const dashboardsOf = (apiUrl: string, mode: string): readonly DashboardSource[] => [
  { name: "the board", read: () => readDashboard(apiUrl, mode) },
  { name: "a new WebSocket's snapshot", read: () => readSnapshot(apiUrl, mode) },
];

/** Longer than a batch takes to be counted, on a busy machine. */
const QUIET_MS = 2_000;
const SETTLED_WITHIN_MS = 60_000;

/** Orders of an unknown fate may still be under way: what is stored and counted has to stand still to be audited. */
const settled = async ({ pool }: SystemUnderTest): Promise<void> => {
  const deadlineMs = Date.now() + SETTLED_WITHIN_MS;
  let last = "";
  for (let sinceMs = Date.now(); Date.now() - sinceMs < QUIET_MS && Date.now() < deadlineMs; ) {
    const now = JSON.stringify(await countsIn(pool).catch(() => null));
    if (now !== last) [last, sinceMs] = [now, Date.now()];
    await sleep(POLL_MS);
  }
};

const topicBytesOf = (system: SystemUnderTest, { mode }: Arrangement): number | null => {
  const { kafka } = system.servers;
  return mode === "v3" && kafka ? topicBytes(system.pids().get(kafka.name) ?? 0, system.topic) : null;
};

type Timer = { lap(name: string): void; laps(): Record<string, number> };

const openTimer = (): Timer => {
  let lastMs = performance.now();
  const laps: Record<string, number> = {};
  return {
    lap: (name) => {
      const nowMs = performance.now();
      laps[name] = Number(((nowMs - lastMs) / 1_000).toFixed(2));
      lastMs = nowMs;
    },
    laps: () => laps,
  };
};
