import type { Log } from "../ports.ts";
import { messageOf } from "../runtime/lifecycle.ts";
import type { Pool } from "./pool.ts";

/** Order ids may be made up to 31 days ago and 5 minutes ahead; weeks are made well before they begin. */
const DAYS_BACK = 38;
const DAYS_AHEAD = 35;
const EVERY_MS = 3_600_000;

type Queryable = { query(text: string, values: unknown[]): Promise<unknown> };

/** Makes the weekly partitions that orders of now may fall into, where they are missing. */
export const ensurePartitions = async (database: Queryable): Promise<void> => {
  const text = "SELECT ensure_order_partitions(now() - $1::interval, now() + $2::interval)";
  await database.query(text, [`${DAYS_BACK} days`, `${DAYS_AHEAD} days`]);
};

/**
 * Looks every hour, so that a system that runs for months never meets a week without a partition; there are five
 * weeks to mend a failure in. Resolves nothing: call what it returns to end it.
 */
export const keepPartitions = (pool: Pool, log: Log): (() => void) => {
  const look = (): void => {
    ensurePartitions(pool).catch((error: unknown) => {
      log.warn(
        { reason: messageOf(error) },
        "the coming weeks' partitions could not be made; trying again in an hour",
      );
    });
  };
  const timer = setInterval(look, EVERY_MS);
  return () => clearInterval(timer);
};
