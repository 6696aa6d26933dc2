import { type ConnectionOptions, Queue, RedisConnection, Worker } from "bullmq";
import type { Count, Log, Source } from "../../ports.ts";
import { atMost } from "../../runtime/lifecycle.ts";
import { openOutageLog } from "../../runtime/outage-log.ts";
import { MissingRight, OF_A_SCRIPT, openRights, type Rights } from "../../runtime/redis.ts";
import { pause } from "../../runtime/retry.ts";
import type { DirectSettings } from "./mode.ts";

const QUEUE = "coffee-v1-tick";
const SCHEDULER = "count";
/** A flushed Redis loses the schedule; it is rewritten at this interval. */
const RESCHEDULE_MS = 5_000;
/** A worker killed during a tick blocks the next ones until its lock has expired and BullMQ has checked it. */
const LOCK_MS = 2_000;
const STALLED_CHECK_MS = 1_000;
/** BullMQ blocks for at most ten seconds: a connection that is silent for longer is broken. */
const SILENCE_MS = 12_000;
/** Longer than a tick; orders that are not counted by then are counted by a later tick. */
const CLOSE_MS = 3_000;

/** After an error reply BullMQ retries at once, as fast as Redis rejects. It is paused for this long instead. */
const REFUSED_PAUSE_MS = 1_000;
/** The kinds of work that need rights of the Redis user. */
const SCHEDULE = "write v1's schedule (BullMQ)";
const TICK = "take v1's ticks (BullMQ)";

/**
 * BullMQ calls INFO for the version. Where the user lacks that right, it retried without ever yielding to the event loop:
 * no order was counted, no signal handled, a whole core used. Without INFO it assumes its minimum version, and for 5.0.0
 * it rounds every wait up to a second: a tick of 500 ms took 1 000. v2's XAUTOCLAIM needs 6.2.
 */
RedisConnection.minimumVersion = "6.2.0";

/**
 * v1's aggregator: BullMQ schedules the ticks, for one worker at a time. PostgreSQL alone makes the count right, so an
 * extra tick or two at once do no harm.
 */
export const openDirectSource = (settings: DirectSettings, log: Log): Source => {
  const connection = { url: settings.boardRedisUrl, maxRetriesPerRequest: null, socketTimeout: SILENCE_MS };
  const queue = new Queue(QUEUE, {
    connection: { ...connection, enableOfflineQueue: false },
    skipVersionCheck: true,
  });
  const rights = openRights("BOARD_REDIS_URL");
  const scheduling = openOutageLog(log, {
    failing: "v1 schedule not written, retrying",
    recovered: "v1 schedule written again",
    fields: { mode: "v1" },
  });
  queue.on("error", (error) => scheduling.failed(error));

  const schedule = async (): Promise<void> => {
    try {
      await rights.check(SCHEDULE, () => writeSchedule(queue, settings.v1TickMs), OF_A_SCRIPT);
      scheduling.succeeded();
    } catch (error) {
      if (error instanceof MissingRight) throw error;
      scheduling.failed(error);
    }
  };

  const run = async (count: Count, signal: AbortSignal): Promise<void> => {
    const failure = Promise.withResolvers<never>();
    // it may reject after the run has ended
    failure.promise.catch(() => undefined);
    const ended = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener("abort", () => resolve(), { once: true });
    });
    const tick = async (): Promise<void> => {
      try {
        await count({ kind: "stored", part: 0 });
      } catch (error) {
        failure.reject(error);
        throw error;
      }
    };
    const ticking = openOutageLog(log, {
      failing: "v1 ticks not received, retrying",
      recovered: "v1 ticks received again",
      fields: { mode: "v1" },
    });
    const worker = openWorker(connection, tick, rights, (error) => {
      if (error instanceof MissingRight) failure.reject(error);
      else ticking.failed(error);
    });
    worker.on("completed", ticking.succeeded);
    // it ends with the signal; a Redis that hangs must not delay the stop
    keepScheduled(schedule, signal).catch(failure.reject);
    try {
      await Promise.race([ended, failure.promise]);
    } finally {
      // lets the current tick end
      await atMost(worker.close(), CLOSE_MS);
    }
    // that tick may have failed
    await Promise.race([failure.promise, Promise.resolve()]);
  };

  const close = async (): Promise<void> => {
    if (!(await atMost(queue.close(), CLOSE_MS))) await queue.disconnect();
  };
  return { run, close };
};

const openWorker = (
  connection: ConnectionOptions,
  tick: () => Promise<void>,
  rights: Rights,
  onError: (error: unknown) => void,
): Worker => {
  const worker = new Worker(QUEUE, tick, {
    connection,
    skipVersionCheck: true,
    concurrency: 1,
    lockDuration: LOCK_MS,
    stalledInterval: STALLED_CHECK_MS,
    maxStalledCount: 1_000_000,
  });
  let ticks = 0;
  let hasWaited = false;
  // a tick that is due is taken by a script; only a tick after an empty queue was waited for, which is a right of its own
  worker.on("drained", () => {
    hasWaited = true;
  });
  worker.on("completed", () => {
    if (hasWaited && ++ticks >= OF_A_SCRIPT) rights.allowed(TICK);
  });
  worker.on("error", (error) => {
    onError(rights.errorOf(TICK, error));
    if (isRefusal(error)) pauseBriefly(worker);
  });
  return worker;
};

/** Redis replied with an error. Failed connections are paced by ioredis itself. */
const isRefusal = (error: Error): boolean => error.name === "ReplyError";

/** Pausing is synchronous, so that even a retry that never yields stops; BullMQ ignores pause and resume while it closes. */
const pauseBriefly = (worker: Worker): void => {
  if (worker.isPaused()) return;
  void worker.pause(true);
  setTimeout(() => void worker.resume(), REFUSED_PAUSE_MS).unref();
};

const writeSchedule = async (queue: Queue, tickMs: number): Promise<void> => {
  await queue.setGlobalConcurrency(1);
  await forgetFarTick(queue, tickMs);
  const keep = { removeOnComplete: 10, removeOnFail: 10 };
  await queue.upsertJobScheduler(SCHEDULER, { every: tickMs }, { name: "count", opts: keep });
};

/**
 * A worker whose clock was an hour ahead leaves a next tick that is due in an hour, and rewriting the schedule keeps it:
 * counting stopped until then. No tick is due later than one period after its schedule was written.
 */
const forgetFarTick = async (queue: Queue, tickMs: number): Promise<void> => {
  const next = (await queue.getJobScheduler(SCHEDULER))?.next;
  if (next !== undefined && next > Date.now() + tickMs + RESCHEDULE_MS)
    await queue.removeJobScheduler(SCHEDULER);
};

const keepScheduled = async (schedule: () => Promise<void>, signal: AbortSignal): Promise<void> => {
  while (!signal.aborted) {
    await schedule();
    await pause(RESCHEDULE_MS, signal);
  }
};
