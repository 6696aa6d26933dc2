import { type CarriedBatch, type Counted, countCarried, recordConflicts } from "./count.ts";
import { isPoison, sqlStateOf } from "./errors.ts";
import type { Client, Pool } from "./pool.ts";

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

/** The id of the order, if the payload contains one: the order's status is found by it. */
export const orderIdIn = (payload: string): string | null => {
  let order: unknown;
  try {
    order = JSON.parse(payload);
  } catch {
    // a dead letter may be one because it is not JSON
    return null;
  }
  const id = (order as { id?: unknown } | null)?.id;
  return typeof id === "string" && UUID.test(id) ? id.toLowerCase() : null;
};

/**
 * Stores a dead letter; storing it again changes nothing. The payload is stored as bytes, because it may not be valid
 * text. `detail` may quote it, and PostgreSQL accepts no U+0000 in a text.
 */
export const storeLetter = async (pool: Pool, letter: DeadLetter): Promise<void> => {
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

/** A stored letter: open until it is replayed or discarded, and kept either way until retention deletes it. */
export type KeptLetter = Omit<DeadLetter, "payload"> & {
  readonly id: string;
  readonly orderId: string | null;
  readonly setAsideAt: Date;
  readonly replayedAt: Date | null;
  readonly discardedAt: Date | null;
};

/** An absent member matches every letter. */
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

/** The number of letters by mode and reason, most first. */
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

/** Marks an open letter; false when it is not open or does not exist. */
export const discardLetter = async (pool: Pool, id: string): Promise<boolean> => {
  const { rows } = await pool.query(
    `UPDATE dead_letters SET discarded_at = clock_timestamp()
     WHERE id = $1 AND replayed_at IS NULL AND discarded_at IS NULL RETURNING id`,
    [id],
  );
  return rows.length > 0;
};

/** The part of an operator's replay in every source, and its rollup shard: it never waits for a worker or delays one. */
export const OPERATOR_PART = -1;

/**
 * The result of a replay. `counted`: it is replayed now; orders that had been counted before are `duplicates`,
 * `conflicts` of which are other orders under their id. `poison`: it still cannot be counted, and stays open. `before`:
 * it was replayed before. `whole`: it is not JSON, so it can only be replayed with a correction. `unknown`: no such letter.
 */
export type Replay =
  | ({ readonly outcome: "counted"; readonly conflicts: number } & Pick<Counted, "orders" | "duplicates">)
  | { readonly outcome: "poison"; readonly error: Error; readonly reason: string }
  | { readonly outcome: "before" | "whole" | "unknown" };

const TAKE = `
SELECT source, index, payload, replayed_at IS NOT NULL AS "isReplayed" FROM dead_letters WHERE id = $1 FOR UPDATE`;
const MARK = "UPDATE dead_letters SET replayed_at = clock_timestamp() WHERE id = $1";

type Taken = { source: string; index: number; payload: Buffer; isReplayed: boolean };

/**
 * Counts the order of a dead letter, after its cause is repaired or with a correction, and marks the letter, both or
 * neither. `messages` (JSON text of an array) replaces its payload, which stays stored. Concurrent replays count once:
 * they are serialised by the letter's lock, and orders are counted by their id.
 */
export const replayLetter = async (pool: Pool, id: string, messages?: string): Promise<Replay> => {
  const client = await pool.connect();
  let broken = true;
  try {
    await client.query("BEGIN");
    const replay = await replayTaken(client, id, messages);
    await client.query(replay.outcome === "counted" ? "COMMIT" : "ROLLBACK");
    broken = false;
    return replay;
  } finally {
    client.release(broken);
  }
};

const replayTaken = async (client: Client, id: string, messages?: string): Promise<Replay> => {
  const letter = (await client.query<Taken>(TAKE, [id])).rows[0];
  if (!letter) return { outcome: "unknown" };
  if (letter.isReplayed) return { outcome: "before" };
  if (letter.index < 0 && messages === undefined) return { outcome: "whole" };
  const batch = {
    source: letter.source,
    part: OPERATOR_PART,
    position: `dead letter ${id}`,
    messages: messages ?? `[${letter.payload.toString()}]`,
  };
  try {
    const { orders, duplicates } = await countCarried(client, batch);
    const conflicts = duplicates > 0 ? (await recordConflicts(client, batch)).length : 0;
    await client.query(MARK, [id]);
    return { outcome: "counted", orders, duplicates, conflicts };
  } catch (error) {
    if (!isPoison(error) || !(error instanceof Error)) throw error;
    return { outcome: "poison", error, reason: sqlStateOf(error) ?? "malformed" };
  }
};

/** A good order to test with: the latest one, as if it arrived now under a new id. */
const LATEST = `
SELECT json_build_array(json_build_object(
  'id', overlay(gen_random_uuid()::text PLACING left(uuid7_floor(now())::text, 13) || '-7' FROM 1 FOR 15),
  'store', store, 'drink', drink, 'price_cents', price_cents, 'event_time', now(), 'accepted_at', now(),
  'fingerprint', fingerprint))::text AS messages
FROM orders ORDER BY order_id DESC LIMIT 1`;

/**
 * Whether this database counts good orders at all, tested by counting one and rolling it back. This distinguishes bad
 * orders from an error of the whole system (a lost partition, a changed constraint), which fails every order alike.
 * `null` when there is no good order yet to test with.
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

/** After a stream has become dead letters, each count of them would be expensive; more than this makes no difference. */
export const MAX_COUNTED_LETTERS = 10_000;

/** Counted for each mode separately: a flood in one hides nothing of another. */
const OPEN_LETTERS = `
SELECT asked.source, (SELECT count(*)::float8 FROM (
  SELECT FROM dead_letters AS letter
  WHERE letter.source = asked.source AND replayed_at IS NULL AND discarded_at IS NULL LIMIT ${MAX_COUNTED_LETTERS}) AS open) AS letters
FROM unnest($1::text[]) AS asked (source)`;

/** Open letters by mode; `MAX_COUNTED_LETTERS` means that many or more. */
export const openLetters = async (
  pool: Pool,
  modes: readonly string[],
): Promise<ReadonlyMap<string, number>> => {
  const { rows } = await pool.query<{ source: string; letters: number }>(OPEN_LETTERS, [modes]);
  return new Map(rows.map(({ source, letters }) => [source, letters]));
};
