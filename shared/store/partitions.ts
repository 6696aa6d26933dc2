import { untilFree } from "./short-lock.ts";

/** Order ids may be made up to 31 days ago and 5 minutes ahead; weeks are made well before they begin. */
const DAYS_BACK = 38;
const DAYS_AHEAD = 35;

type Queryable = { query(text: string, values: unknown[]): Promise<unknown> };

/** Makes the weekly partitions that orders of now may fall into, where they are missing. */
export const ensurePartitions = async (
  database: Queryable,
  signal: AbortSignal = new AbortController().signal,
): Promise<void> => {
  const text = "SELECT ensure_order_partitions(now() - $1::interval, now() + $2::interval)";
  await untilFree(() => database.query(text, [`${DAYS_BACK} days`, `${DAYS_AHEAD} days`]), signal);
};
