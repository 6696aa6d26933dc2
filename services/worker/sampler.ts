import type { Log } from "#shared/ports.ts";
import { openOutageLog } from "#shared/runtime/outage-log.ts";
import { jittered, pause } from "#shared/runtime/retry.ts";
import { openPool } from "#shared/store/pool.ts";
import { sampleDifferences } from "#shared/store/reconcile.ts";
import type { WorkerSettings } from "./config.ts";
import type { WorkerMetrics } from "./metrics.ts";

export type Sampling = Pick<WorkerSettings, "databaseUrl" | "reconcileEveryMs"> & {
  readonly mode: string;
  readonly log: Log;
  readonly metrics: Pick<WorkerMetrics, "reconciled">;
};

/** What takes longer is not worth it: the next look is at another hour. */
const LONGEST_MS = 10_000;
/** Hours that were found apart are looked at each time until they are exact; each costs as much as the current one. */
const MOST_HOURS_AGAIN = 4;

/**
 * Looks again and again whether the rollups say what their orders say. A connection of its own, open while it looks:
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
    () => undefined, // the next look opens another one
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
      apartHoursMs = found.hoursMs.slice(0, MOST_HOURS_AGAIN);
      metrics.reconciled(found.apart);
      outage.succeeded();
      if (found.apart > 0)
        log.error(
          { mode, apart: found.apart, rows: found.rows, first: found.first.slice(0, 3) },
          "the rollups are not what their orders say; see reconcile",
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
