import { retrying } from "../runtime/retry.ts";
import { sqlStateOf } from "./errors.ts";

/** Order ids may be up to 31 days old and 5 minutes ahead; partitions of coming weeks are created well before they start. */
const DAYS_BACK = 38;
const DAYS_AHEAD = 35;

type Queryable = { query(text: string, values: unknown[]): Promise<unknown> };

/** Creates the missing weekly partitions for the ids that are valid now. */
export const ensurePartitions = async (
  database: Queryable,
  signal: AbortSignal = new AbortController().signal,
): Promise<void> => {
  const text = "SELECT ensure_order_partitions(now() - $1::interval, now() + $2::interval)";
  await untilFree(() => database.query(text, [`${DAYS_BACK} days`, `${DAYS_AHEAD} days`]), signal);
};

/**
 * How long DDL on `orders` waits for its lock. All other statements queue behind it meanwhile, so it stops waiting soon and
 * retries: a batch takes some 10-50 ms, and clients wait at most 2 s for their reply.
 */
export const LOCK_WAIT_MS = 50;

/** With pauses from 50 ms to 2 s in between: about a minute. A reader of all orders may take longer than that. */
const MAX_ATTEMPTS = 40;

/** lock_not_available, and deadlock_detected: the lock was held by others; nothing was done. */
const BUSY = new Set(["55P03", "40P01"]);

export const isBusy = (error: unknown): boolean => BUSY.has(sqlStateOf(error) ?? "");

/** Repeats `attempt` until it gets its locks; rejects with PostgreSQL's error when it never does. */
export const untilFree = <T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T> => {
  let attempts = 0;
  return retrying(attempt, {
    signal,
    isRetryable: (error) => isBusy(error) && ++attempts < MAX_ATTEMPTS,
    onRetry: () => undefined,
  });
};
