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

/** A letter as it is kept: open until it is replayed or discarded, and here either way until retention takes it. */
export type KeptLetter = Omit<DeadLetter, "payload"> & {
  readonly id: string;
  readonly orderId: string | null;
  readonly setAsideAt: Date;
  readonly replayedAt: Date | null;
  readonly discardedAt: Date | null;
};

/** What is not said matters not. */
export type LetterFilter = {
  readonly source?: string | undefined;
  readonly reason?: string | undefined;
  readonly isOpen?: boolean | undefined;
};

const COLUMNS = `id, source, origin, index, order_id AS "orderId", reason, detail, set_aside_at AS "setAsideAt",
  replayed_at AS "replayedAt", discarded_at AS "discardedAt"`;
const FILTERED = `FROM dead_letters WHERE ($1::text IS NULL OR source = $1) AND ($2::text IS NULL OR reason = $2)
  AND ($3::boolean IS NULL OR $3 = (replayed_at IS NULL AND discarded_at IS NULL))`;

const filterValues = ({ source, reason, isOpen }: LetterFilter): unknown[] => [
  source ?? null,
  reason ?? null,
  isOpen ?? null,
];

/** The newest first. */
export const listLetters = async (pool: Pool, filter: LetterFilter, limit: number): Promise<KeptLetter[]> => {
  const text = `SELECT ${COLUMNS} ${FILTERED} ORDER BY id DESC LIMIT $4`;
  return (await pool.query<KeptLetter>(text, [...filterValues(filter), limit])).rows;
};

export type LetterCount = { readonly source: string; readonly reason: string; readonly letters: number };

/** How many there are by mode and reason, most first. */
export const countLetters = async (pool: Pool, filter: LetterFilter): Promise<LetterCount[]> => {
  const text = `SELECT source, reason, count(*)::float8 AS letters ${FILTERED} GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2`;
  return (await pool.query<LetterCount>(text, filterValues(filter))).rows;
};

/** Ids of letters after the one given, the oldest first. */
export const letterIds = async (
  pool: Pool,
  filter: LetterFilter,
  afterId: string,
  limit: number,
): Promise<string[]> => {
  const text = `SELECT id ${FILTERED} AND id > $4 ORDER BY dead_letters.id LIMIT $5`;
  const { rows } = await pool.query<{ id: string }>(text, [...filterValues(filter), afterId, limit]);
  return rows.map(({ id }) => id);
};

export const findLetter = async (
  pool: Pool,
  id: string,
): Promise<(KeptLetter & { readonly payload: Buffer }) | null> => {
  const text = `SELECT ${COLUMNS}, payload FROM dead_letters WHERE id = $1`;
  return (await pool.query<KeptLetter & { payload: Buffer }>(text, [id])).rows[0] ?? null;
};

/** Marks an open letter; false when it is not open or not there. */
export const discardLetter = async (pool: Pool, id: string): Promise<boolean> => {
  const { rows } = await pool.query(
    `UPDATE dead_letters SET discarded_at = clock_timestamp()
     WHERE id = $1 AND replayed_at IS NULL AND discarded_at IS NULL RETURNING id`,
    [id],
  );
  return rows.length > 0;
};
