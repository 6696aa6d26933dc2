import type { Pool } from "./pool.ts";

/** An order that can never be counted. `index` is its place inside the entry, -1 for the whole entry. */
export type DeadLetter = {
  readonly source: string;
  readonly origin: string;
  readonly index: number;
  readonly payload: string;
  readonly reason: string;
  readonly detail: string;
};

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The id of the order, where the payload tells one: who asks for the order asks by it. */
export const orderIdIn = (payload: string): string | null => {
  let order: unknown;
  try {
    order = JSON.parse(payload);
  } catch {
    // that it is no JSON is why it is a dead letter
    return null;
  }
  const id = (order as { id?: unknown } | null)?.id;
  return typeof id === "string" && UUID.test(id) ? id.toLowerCase() : null;
};

/**
 * Keeps a dead letter; the same one again changes nothing. The payload is kept as bytes, because what made it
 * poison may be that it is no text. `detail` may quote it, and PostgreSQL takes no U+0000 in a text.
 */
export const setAside = async (pool: Pool, letter: DeadLetter): Promise<void> => {
  await pool.query({
    name: "set-aside",
    text: `INSERT INTO dead_letters (source, origin, index, payload, payload_sha256, reason, detail, order_id)
           VALUES ($1, $2, $3, $4, sha256($4), $5, $6, $7) ON CONFLICT DO NOTHING`,
    values: [
      letter.source,
      letter.origin,
      letter.index,
      Buffer.from(letter.payload),
      letter.reason,
      letter.detail.replaceAll("\0", "\\0"),
      orderIdIn(letter.payload),
    ],
  });
};
