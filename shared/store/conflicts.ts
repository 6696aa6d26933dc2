import { type CarriedBatch, messagesIn } from "./count.ts";
import type { Client, Pool } from "./pool.ts";

/**
 * A fingerprint is 16 bytes (shared/wire/order-message.ts). Whoever else writes to a stream may send any number, and an
 * index refuses entries above 2 704 bytes.
 */
const MOST_FINGERPRINT_BYTES = 64;

const RECORD_CONFLICTS = `
INSERT INTO order_conflicts (order_id, fingerprint, mode, store, drink, price_cents, event_time, accepted_at)
SELECT message.id, substring(message.fingerprint FOR ${MOST_FINGERPRINT_BYTES}), $1, message.store, message.drink,
       message.price_cents, message.event_time, message.accepted_at
FROM ${messagesIn("$2")} JOIN orders ON orders.order_id = message.id
WHERE orders.fingerprint <> message.fingerprint
ORDER BY 1, 2
ON CONFLICT DO NOTHING
RETURNING order_id`;

/**
 * Keeps each order of a counted batch whose id belongs to an order with another body; resolves with the ids of those not
 * kept before. To be called after counting has found duplicates, as a statement of its own: the snapshot of the
 * counting cannot see a concurrent order that it lost against.
 */
export const recordConflicts = async (
  pool: Pool | Client,
  { source, messages }: Pick<CarriedBatch, "source" | "messages">,
): Promise<string[]> => {
  const { rows } = await pool.query<{ order_id: string }>({
    name: "record-conflicts",
    text: RECORD_CONFLICTS,
    values: [source, messages],
  });
  return rows.map((row) => row.order_id);
};
