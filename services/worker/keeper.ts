import type { Log } from "#shared/ports.ts";
import { atMost, messageOf } from "#shared/runtime/lifecycle.ts";
import { pause } from "#shared/runtime/retry.ts";
import { ensurePartitions } from "#shared/store/partitions.ts";
import type { Pool } from "#shared/store/pool.ts";
import { retain } from "#shared/store/retention.ts";
import type { Keeps } from "#shared/store/retention-knobs.ts";

/** There are five weeks to mend a failure in; and whoever looks first on a day does what is due on it. */
const EVERY_MS = 3_600_000;
/** A session is ended at once; a connection that is being made may hang. */
const CLOSE_WITHIN_MS = 1_000;

/**
 * Keeps the orders table as long as it should be, at the start and every hour: makes the partitions of the coming
 * weeks, and drops what is too old when no worker has done so within a day.
 */
export const openKeeper = (pool: Pool, keeps: Keeps, log: Log): { close(): Promise<unknown> } => {
  const closing = new AbortController();
  const { signal } = closing;
  const run = async (): Promise<void> => {
    for (; !signal.aborted; await pause(EVERY_MS, signal)) {
      try {
        await ensurePartitions(pool, signal);
        const outcomes = await retain(pool, keeps, { signal, ifDue: true });
        for (const { fate, ...what } of outcomes ?? []) {
          if (fate === "gone") log.info(what, "was older than it is kept, and is dropped");
          else
            log.warn(
              { ...what, reason: REASONS[fate] },
              "is older than it is kept, and could not be dropped",
            );
        }
      } catch (error) {
        if (signal.aborted) return;
        const reason = messageOf(error);
        log.warn({ reason }, "the orders' partitions could not be seen to; trying again in an hour");
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

const REASONS: Record<string, string> = {
  uncounted: "it holds orders that are not counted yet",
  busy: "others held its lock all the time",
};
