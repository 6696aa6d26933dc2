/** A dead letter's order counted after all: once the cause is mended, or as somebody has corrected it. */
import { recordConflicts } from "./conflicts.ts";
import { type Counted, countCarried } from "./count.ts";
import { isPoison, sqlStateOf } from "./errors.ts";
import type { Client, Pool } from "./pool.ts";

/** The operator's own part of every source, and its rollup shard: it waits for no worker, and no worker for it. */
export const OPERATOR_PART = -1;

/**
 * What became of it. `counted`: it is replayed now; orders that had been counted before are `duplicates`, `conflicts`
 * of which are other orders under their id. `poison`: it can still not be counted, and stays as it is. `before`: it was
 * replayed before. `whole`: it is no JSON, so it can only be replayed as corrected. `unknown`: there is none.
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
 * Counts a letter's order and marks the letter, both or neither. `messages` (JSON text of an array) stands for its
 * payload, which stays as it is. Two at once count once: they take turns by the letter's lock, and orders are counted by
 * their id whoever else brings them.
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
