import { type CarriedBatch, countCarried } from "./count.ts";
import { isPoison } from "./errors.ts";
import type { Client, Pool } from "./pool.ts";

/** A good order to try with: the latest one, as if it came now under an id of its own. */
const LATEST = `
SELECT json_build_array(json_build_object(
  'id', overlay(gen_random_uuid()::text PLACING left(uuid7_floor(now())::text, 13) || '-7' FROM 1 FOR 15),
  'store', store, 'drink', drink, 'price_cents', price_cents, 'event_time', now(), 'accepted_at', now(),
  'fingerprint', fingerprint))::text AS messages
FROM orders ORDER BY order_id DESC LIMIT 1`;

/**
 * Whether this database counts good orders at all, found by counting one and rolling it back: it tells bad orders from
 * a fault of the whole system (a lost partition, a changed constraint), which looks the same to each order. `null`
 * when there is no good order yet to try with.
 */
export const canCount = async (
  pool: Pool,
  batch: Omit<CarriedBatch, "messages">,
): Promise<boolean | null> => {
  const client = await pool.connect();
  let broken = true;
  try {
    await client.query("BEGIN");
    const able = await tryLatest(client, batch);
    await client.query("ROLLBACK");
    broken = false;
    return able;
  } finally {
    client.release(broken);
  }
};

const tryLatest = async (client: Client, batch: Omit<CarriedBatch, "messages">): Promise<boolean | null> => {
  const { rows } = await client.query<{ messages: string }>(LATEST);
  const messages = rows[0]?.messages;
  if (messages === undefined) return null;
  try {
    await countCarried(client, { ...batch, messages });
    return true;
  } catch (error) {
    if (isPoison(error)) return false;
    throw error;
  }
};
