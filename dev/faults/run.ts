/** One run: a mode under load, one fault at a random moment, and what the checker finds afterwards. */
import { setTimeout as sleep } from "node:timers/promises";
import { randomFrom, seedOf } from "#shared/domain/random.ts";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { openLedger } from "../system/account.ts";
import { type Checked, check } from "./check.ts";
import { startClients } from "./clients.ts";
import type { Fault } from "./fault.ts";
import { type Ground, openGround } from "./ground.ts";
import { readinessProblems } from "./readiness.ts";
import { sampleReadiness } from "./readiness-sampler.ts";
import { recoveryMs } from "./recovery.ts";
import { type WarmUp, warmUpOf } from "./warm-up.ts";
import { openWatchers } from "./watchers.ts";

export type RunOptions = {
  readonly mode: string;
  readonly fault: Fault;
  readonly seed: number;
  /** The drain included; the time to start and to stop the system comes on top. */
  readonly seconds: number;
  readonly onLine: (line: string) => void;
};

export type RunResult = Checked & {
  readonly mode: string;
  readonly fault: string;
  readonly seed: number;
  /** No problem, and served as promised again in time. */
  readonly ok: boolean;
  /** Before the strike; null when the run ended before it. */
  readonly warmUp: WarmUp | null;
  /** Sent in all, whatever became of them. */
  readonly sent: number;
  /** Null when it was not within the bound of its fault. */
  readonly recoverySeconds: number | null;
  /** Milliseconds by which the clients themselves were late, 99th percentile. */
  readonly lateP99Ms: number;
};

const REQUESTS_PER_SECOND = 60;
const WARM_MS = 3_000;
const STRIKE_WITHIN_MS = 2_000;
const AGREE_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 250;

export const runFault = async (options: RunOptions): Promise<RunResult> => {
  const { mode, fault, seed, onLine } = options;
  const random = randomFrom(seedOf(`${mode} ${fault.name} ${seed}`));
  const ground = await openGround({ mode, random, onLine, ...fault.ground });
  try {
    return await runOn(ground, random, options);
  } finally {
    await ground.close();
  }
};

const runOn = async (
  ground: Ground,
  random: ReturnType<typeof randomFrom>,
  { mode, fault, seed, seconds }: RunOptions,
): Promise<RunResult> => {
  const deadline = performance.now() + seconds * 1_000;
  const left = (): number => Math.max(0, deadline - performance.now());
  const [url = ""] = ground.urls;
  const ledger = openLedger();
  const watchers = openWatchers(url, mode);
  const readiness = sampleReadiness(ground.urls, mode);
  const clients = startClients(ledger, {
    urls: ground.urls,
    mode,
    random,
    requestsPerSecond: REQUESTS_PER_SECOND,
    ...fault.clients,
  });
  const problems: string[] = [];
  const sown = { deadLetters: 0, conflicts: 0 };
  try {
    await sleep(WARM_MS + random.below(STRIKE_WITHIN_MS));
    const warmUp = warmUpOf(ledger.entries(), readiness.samples, ground.urls, performance.now());
    await fault.strike({ ground, clients, random, ledger, sown }).catch((error: unknown) => {
      problems.push(`the fault itself: ${messageOf(error)}`);
    });
    const overMs = performance.now();
    const recovery = (): number | null =>
      recoveryMs(ledger.entries(), watchers.seen, overMs, performance.now());
    const untilMs = overMs + Math.min(fault.recoverWithinSeconds * 1_000, left() / 2);
    while (recovery() === null && performance.now() < untilMs) await sleep(LOOK_EVERY_MS);
    const recovered = recovery();
    const untaken = await clients.stop(left() / 2);
    if (untaken > 0) problems.push(`${untaken} valid orders were never taken`);
    problems.push(...readinessProblems(mode, readiness.samples, clients.requests));
    const subject = {
      mode,
      url,
      databaseUrl: ground.addresses.postgres,
      streamUrl: ground.addresses.stream,
      ...sown,
      drainWithinMs: left(),
      agreeWithinMs: AGREE_WITHIN_MS,
    };
    const checked = await check(subject, ledger, watchers);
    const all = [...problems, ...checked.problems];
    return {
      mode,
      fault: fault.name,
      seed,
      ok: all.length === 0 && recovered !== null,
      warmUp,
      sent: ledger.entries().length,
      ...checked,
      recoverySeconds: recovered === null ? null : Math.round(recovered / 100) / 10,
      lateP99Ms: Math.round(clients.lateP99Ms()),
      problems: all,
    };
  } finally {
    await clients.stop(0);
    watchers.close();
    readiness.close();
  }
};
