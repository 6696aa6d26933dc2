import { Queue, Worker } from "bullmq";
import type { Count, Log, Source } from "../../ports.ts";
import { atMost, messageOf } from "../../runtime/lifecycle.ts";
import { pause } from "../../runtime/retry.ts";
import type { DirectSettings } from "./knobs.ts";

const QUEUE = "coffee-v1-tick";
const SCHEDULER = "count";
/** A flushed Redis forgets the schedule; this often it is written again. */
const RESCHEDULE_MS = 5_000;
/** A worker killed in a tick holds the next ones back until its lock has run out and was looked for. */
const LOCK_MS = 2_000;
const STALLED_CHECK_MS = 1_000;
/** BullMQ blocks for ten seconds at most: a connection that is silent for longer leads nowhere. */
const SILENCE_MS = 12_000;
/** Longer than a tick; what is not counted by then comes again. */
const CLOSE_MS = 3_000;

/**
 * v1's aggregator: BullMQ says when to count, one worker at a time; that the count is right is PostgreSQL's
 * doing alone, so a tick too many or two at once do no harm.
 */
export const openDirectSource = (settings: DirectSettings, log: Log): Source => {
  const connection = { url: settings.boardRedisUrl, maxRetriesPerRequest: null, socketTimeout: SILENCE_MS };
  const queue = new Queue(QUEUE, { connection: { ...connection, enableOfflineQueue: false } });
  const heard = new Set<string>();
  const complain = (error: Error): void => {
    // ioredis repeats itself on every attempt; an outage is told once
    if (heard.has(error.message)) return;
    heard.add(error.message);
    log.warn({ err: error, mode: "v1" }, "the schedule's Redis does not answer");
  };
  queue.on("error", complain);

  const schedule = async (): Promise<void> => {
    try {
      await queue.setGlobalConcurrency(1);
      await forgetFarTick(queue, settings.v1TickMs);
      const keep = { removeOnComplete: 10, removeOnFail: 10 };
      await queue.upsertJobScheduler(SCHEDULER, { every: settings.v1TickMs }, { name: "count", opts: keep });
      heard.clear();
    } catch (error) {
      complain(error instanceof Error ? error : new Error(messageOf(error)));
    }
  };

  const run = async (count: Count, signal: AbortSignal): Promise<void> => {
    const failure = Promise.withResolvers<never>();
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
    const worker = new Worker(QUEUE, tick, {
      connection,
      concurrency: 1,
      lockDuration: LOCK_MS,
      stalledInterval: STALLED_CHECK_MS,
      maxStalledCount: 1_000_000,
    });
    worker.on("error", complain);
    // it catches its own errors and ends with the signal; a Redis that hangs must not hold up the stop
    void keepScheduled(schedule, signal);
    try {
      await Promise.race([ended, failure.promise]);
    } finally {
      failure.promise.catch(() => undefined);
      // lets the tick under way end
      if (!(await atMost(worker.close(), CLOSE_MS))) void worker.close(true);
    }
    // the tick that was let end may have failed
    await Promise.race([failure.promise, Promise.resolve()]);
  };

  const close = async (): Promise<void> => {
    if (!(await atMost(queue.close(), CLOSE_MS))) await queue.disconnect();
  };
  return { run, close };
};

/**
 * A worker whose clock was an hour ahead leaves a next tick that is due in an hour, and writing the schedule again keeps
 * it: counting stood still until then. No tick is due later than one period after its schedule was written.
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
