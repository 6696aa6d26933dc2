/** One run: a mode under load, one fault at a random moment, and what the audit finds afterwards. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Random, randomFrom, seedOf } from "#shared/domain/random.ts";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { openLedger } from "../system/account.ts";
import { type Checked, check } from "./check.ts";
import { startClients } from "./clients.ts";
import { openDashboardClients } from "./dashboard-clients.ts";
import type { Fault } from "./faults.ts";
import { readinessProblems, sampleReadiness } from "./readiness.ts";
import { recoveryMs, type WarmUp, warmUpOf } from "./service-level.ts";
import { type FaultySystem, openSystem } from "./system.ts";

export type RunOptions = {
  readonly mode: string;
  readonly fault: Fault;
  readonly seed: number;
  /** The drain included; the time to start and to stop the system is added. */
  readonly seconds: number;
  readonly onLine: (line: string) => void;
  /** What the run does now. */
  readonly onStage: (stage: string) => void;
};

export type RunResult = Checked & {
  readonly mode: string;
  readonly fault: string;
  readonly seed: number;
  /** No problem, and served as promised again in time. */
  readonly ok: boolean;
  /** Before the strike; null when the run ended before it. */
  readonly warmUp: WarmUp | null;
  /** In total, whatever their outcome. */
  readonly sent: number;
  /** Null when it took longer than the fault allows. */
  readonly recoverySeconds: number | null;
  /** Milliseconds by which the clients themselves were late, 99th percentile. */
  readonly lateP99Ms: number;
};

const REQUESTS_PER_SECOND = 60;
const WARM_MS = 3_000;
const STRIKE_WITHIN_MS = 2_000;
/** Dashboards follow within 2 s; a machine that is ten times busier needs 20 s. */
const AGREE_WITHIN_MS = 30_000;
const POLL_MS = 250;

export const runFault = async (options: RunOptions): Promise<RunResult> => {
  const { mode, fault, seed, onLine, onStage } = options;
  onStage("starting the system");
  const random = randomFrom(seedOf(`${mode} ${fault.name} ${seed}`));
  const system = await openSystem({ mode, random, setup: fault.setup ?? {}, onLine });
  try {
    return await runOn(system, random, options);
  } finally {
    await system.close();
  }
};

const runOn = async (
  system: FaultySystem,
  random: Random,
  { mode, fault, seed, seconds, onStage }: RunOptions,
): Promise<RunResult> => {
  const deadline = performance.now() + seconds * 1_000;
  const left = (): number => Math.max(0, deadline - performance.now());
  const { urls, addresses } = system;
  const [url = ""] = urls;
  const ledger = openLedger();
  const dashboards = openDashboardClients(url, mode);
  const readiness = sampleReadiness(urls, mode);
  const load = { urls, mode, random, requestsPerSecond: REQUESTS_PER_SECOND, ...fault.clients };
  const clients = startClients(ledger, load);
  const problems: string[] = [];
  const expected = { deadLetters: 0, conflicts: 0 };
  try {
    onStage("orders arrive; the fault strikes in a few seconds");
    await sleep(WARM_MS + random.below(STRIKE_WITHIN_MS));
    const warmUp = warmUpOf(ledger.entries(), readiness.samples, urls, performance.now());
    onStage("the fault strikes");
    await fault.strike({ system, clients, random, ledger, expected }).catch((error: unknown) => {
      problems.push(`the fault itself: ${messageOf(error)}`);
    });
    const overMs = performance.now();
    onStage("waiting for recovery");
    const recovery = (): number | null =>
      recoveryMs(ledger.entries(), dashboards.seen, overMs, performance.now());
    const untilMs = overMs + Math.min(fault.recoverWithinSeconds * 1_000, left() / 2);
    while (recovery() === null && performance.now() < untilMs) await sleep(POLL_MS);
    const recovered = recovery();
    onStage("comparing every reply with the database and the dashboards");
    const unacknowledged = await clients.stop(left() / 2);
    if (unacknowledged > 0) problems.push(`${unacknowledged} valid orders were never acknowledged`);
    problems.push(...readinessProblems(mode, readiness.samples, clients.requests));
    const subject = {
      ...{ mode, url, databaseUrl: addresses.postgres, streamUrl: addresses.stream, ...expected },
      ...{ drainWithinMs: left(), agreeWithinMs: AGREE_WITHIN_MS },
    };
    const checked = await check(subject, ledger, dashboards);
    const all = [...problems, ...checked.problems];
    return {
      mode,
      fault: fault.name,
      seed,
      ok: all.length === 0 && recovered !== null,
      warmUp,
      sent: ledger.size,
      ...checked,
      recoverySeconds: recovered === null ? null : Math.round(recovered / 100) / 10,
      lateP99Ms: Math.round(clients.lateP99Ms()),
      problems: all,
    };
  } finally {
    await clients.stop(0);
    dashboards.close();
    readiness.close();
  }
};

/** Runs the work for each item, at most `count` at the same time: most of a run is waiting. */
export const concurrently = async <T>(
  count: number,
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> => {
  const pending = [...items];
  const next = async (): Promise<void> => {
    for (let item = pending.shift(); item !== undefined; item = pending.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: count }, next));
};
