import type { Log } from "#shared/ports.ts";
import { atMost, messageOf } from "#shared/runtime/lifecycle.ts";
import { openOutageLog } from "#shared/runtime/outage-log.ts";
import { delayMs, jittered, pause } from "#shared/runtime/retry.ts";
import { ensurePartitions } from "#shared/store/partitions.ts";
import { openPool, type Pool } from "#shared/store/pool.ts";
import { sampleDifferences } from "#shared/store/reconcile.ts";
import { type Keeps, retain } from "#shared/store/retention.ts";
import type { WorkerSettings } from "./config.ts";
import type { WorkerMetrics } from "./metrics.ts";

const EVERY_MS = 3_600_000;
/**
 * After a failure: soon, because a worker may start before the migrations or during a restart of PostgreSQL, and without
 * partitions orders go to the default one. A lasting failure (a missing right) costs one attempt in 5 minutes.
 */
const BACKOFF = { firstMs: 5_000, maxMs: 300_000 };
/** A session is ended at once; a connection that is being opened may hang. */
const CLOSE_WITHIN_MS = 1_000;

/**
 * Maintains the partitions of orders at start and every hour: creates those of the coming weeks, and once a day drops
 * expired data, unless another worker has done so.
 */
export const openKeeper = (pool: Pool, keeps: Keeps, log: Log): { close(): Promise<unknown> } => {
  const closing = new AbortController();
  const { signal } = closing;
  const run = async (): Promise<void> => {
    for (let failures = 0; !signal.aborted; ) {
      try {
        await maintain(pool, keeps, log, signal);
        if (failures > 0) log.info({ failures }, "partition maintenance recovered");
        failures = 0;
        await pause(EVERY_MS, signal);
      } catch (error) {
        if (signal.aborted) return;
        const retryInMs = Math.round(delayMs(++failures, BACKOFF));
        const reason = messageOf(error);
        log.warn({ reason, failures, retryInMs }, "partition maintenance failed, retrying");
        await pause(retryInMs, signal);
      }
    }
  };
  const running = run();
  return {
    close: () => {
      closing.abort();
      return atMost(running, CLOSE_WITHIN_MS);
    },
  };
};

const maintain = async (pool: Pool, keeps: Keeps, log: Log, signal: AbortSignal): Promise<void> => {
  await ensurePartitions(pool, signal);
  const outcomes = await retain(pool, keeps, { signal, ifDue: true });
  for (const { fate, ...what } of outcomes ?? []) {
    if (fate === "dropped") log.info(what, "dropped by retention");
    else log.warn({ ...what, reason: REASONS[fate] }, "not dropped by retention, retrying later");
  }
};

const REASONS: Record<string, string> = {
  uncounted: "it contains orders that are not counted yet",
  busy: "its lock was held by other sessions",
};

export type Sampling = Pick<WorkerSettings, "databaseUrl" | "reconcileEveryMs"> & {
  readonly mode: string;
  readonly log: Log;
  readonly metrics: Pick<WorkerMetrics, "reconciled">;
};

/** A slower sample is not worth its cost: the next one compares another hour. */
const LONGEST_MS = 10_000;
/** Hours that differ are compared each time until they are exact; each costs as much as the current one. */
const MAX_HOURS_AGAIN = 4;

/**
 * Compares the rollups with their orders periodically. It uses a separate connection, open only during a comparison:
 * counting and publishing never wait for it.
 */
export const openSampler = (sampling: Sampling): { close(): Promise<void> } => {
  const { databaseUrl, mode, log, reconcileEveryMs, metrics } = sampling;
  const closing = new AbortController();
  const { signal } = closing;
  const pool = openPool(
    {
      databaseUrl,
      program: `coffee-sampler-${mode}`,
      maxConnections: 1,
      statementTimeoutMs: LONGEST_MS,
      connectTimeoutMs: 2_000,
    },
    () => undefined, // the next comparison opens another one
  );
  const outage = openOutageLog(log, {
    failing: "rollup check failed, retrying",
    recovered: "rollup check recovered",
    fields: { mode },
  });
  let apartHoursMs: readonly number[] = [];
  const look = async (): Promise<void> => {
    try {
      const found = await sampleDifferences(pool, mode, { longestMs: LONGEST_MS, signal }, apartHoursMs);
      apartHoursMs = found.hoursMs.slice(0, MAX_HOURS_AGAIN);
      metrics.reconciled(found.apart);
      outage.succeeded();
      if (found.apart > 0)
        log.error(
          { mode, apart: found.apart, rows: found.rows, first: found.first.slice(0, 3) },
          "rollups differ from their orders, run reconcile",
        );
    } catch (error) {
      if (signal.aborted) return;
      metrics.reconciled(null);
      outage.failed(error);
    }
  };
  const keepLooking = async (): Promise<void> => {
    for (;;) {
      await pause(jittered(reconcileEveryMs), signal);
      if (signal.aborted) return;
      await look();
    }
  };
  const ended = keepLooking();
  return {
    close: async () => {
      closing.abort();
      await ended;
      await pool.end();
    },
  };
};
