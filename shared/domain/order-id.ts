/**
 * Order ids are UUIDv7 (RFC 9562): their first 48 bits are milliseconds, which is what partitions the orders
 * table and what bounds how long the same key is known to be the same order.
 */
import { DAY_MS, MINUTE_MS } from "./time.ts";

export const ORDER_ID_PATTERN =
  "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-7[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$";

const ORDER_ID = new RegExp(ORDER_ID_PATTERN);

/** Keys older than this may have left the orders kept, so they cannot be told from new ones. */
export const KEY_MAX_AGE_MS = 31 * DAY_MS;
/** How far a client's clock may run ahead. */
export const KEY_MAX_AHEAD_MS = 5 * MINUTE_MS;

/** Milliseconds in a UUIDv7; only for text that matches the pattern. */
export const idTimeMs = (id: string): number => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);

/** Why `key` cannot be an order's id at time `nowMs`, in words for the client; `null` when it can. */
export const keyProblem = (key: string, nowMs: number): string | null => {
  if (!ORDER_ID.test(key)) return "must be a UUIDv7 (RFC 9562)";
  const age = nowMs - idTimeMs(key);
  if (age > KEY_MAX_AGE_MS) return "must not be made more than 31 days ago";
  if (-age > KEY_MAX_AHEAD_MS) return "must not be made more than 5 minutes ahead";
  return null;
};
