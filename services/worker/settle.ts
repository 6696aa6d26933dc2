import type { Count, Delivery, Entry, Log } from "#shared/ports.ts";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { retrying } from "#shared/runtime/retry.ts";
import { type Counted, countCarried, countStored } from "#shared/store/count.ts";
import { type DeadLetter, setAside } from "#shared/store/dead-letters.ts";
import { isPoison, sqlStateOf } from "#shared/store/errors.ts";
import type { Pool } from "#shared/store/pool.ts";
import { adoptRestored } from "#shared/store/restore.ts";

export type Settling = {
  readonly pool: Pool;
  readonly mode: string;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** A batch of at least this many orders that all fail alike stops the worker. */
  readonly poisonStopOrders: number;
  readonly onCounted: (counted: Counted) => void;
  readonly onDeadLetter: (letter: DeadLetter) => void;
};

/** An error may quote what it stumbled over, which may be megabytes. */
const DETAIL_CHARACTERS = 1_000;

/** An order, or what claims to be one, and where it came from. */
type Piece = { readonly origin: string; readonly index: number; readonly text: string };

/**
 * Settles deliveries: every order of one is counted or set aside when this resolves. What PostgreSQL blames on
 * the data is bisected out into the dead letters; everything else is infrastructure and is retried until the
 * worker stops.
 */
export const openSettle = (settling: Settling): Count => {
  const { pool, mode, log, signal } = settling;

  const persistently = <T>(what: string, attempt: () => Promise<T>): Promise<T> =>
    retrying(attempt, {
      signal,
      isRetryable: (error) => !isPoison(error),
      onRetry: (error, failures) => {
        // the first failure tells, then every tenth: an outage is one story, not a thousand lines
        if (failures % 10 === 1) log.warn({ err: error, mode, failures }, `${what} failed; trying again`);
      },
    });

  /** Orders in a row that could not be counted, over batches: at a low rate a batch holds only one or two. */
  let alike = 0;

  const count = async (delivery: Carried, messages: string): Promise<void> => {
    const { part, position } = delivery;
    const batch = { source: mode, part, position, messages };
    settling.onCounted(await persistently("counting", () => countCarried(pool, batch)));
    alike = 0;
  };

  /** Counts the pieces that can be; resolves with those that never can, each with its error. */
  const sift = async (delivery: Carried, pieces: readonly Piece[]): Promise<Poison[]> => {
    if (pieces.length === 0) return [];
    try {
      await count(delivery, `[${pieces.map((piece) => piece.text).join(",")}]`);
      return [];
    } catch (error) {
      if (!isPoison(error)) throw error;
      const [only] = pieces;
      if (pieces.length === 1 && only) return [{ piece: only, error }];
      const middle = pieces.length >> 1;
      const first = await sift(delivery, pieces.slice(0, middle));
      return [...first, ...(await sift(delivery, pieces.slice(middle)))];
    }
  };

  const bury = async ({ piece, error }: Poison): Promise<void> => {
    const { origin, index, text } = piece;
    const reason = sqlStateOf(error) ?? "malformed";
    const detail = messageOf(error).slice(0, DETAIL_CHARACTERS);
    const letter = { source: mode, origin, index, payload: text, reason, detail };
    await persistently("setting aside a dead letter", () => setAside(pool, letter));
    log.error(
      { mode, origin, index, reason, detail },
      "an order can never be counted; it is a dead letter now",
    );
    settling.onDeadLetter(letter);
  };

  /** In steps, until nothing is left that can be counted now. */
  const countAllStored = async (part: number): Promise<void> => {
    const batch = { source: mode, part };
    for (let more = true; more && !signal.aborted; ) {
      const counted = await persistently("counting", () => countStored(pool, batch));
      settling.onCounted(counted);
      more = counted.more;
      if (!counted.restored) continue;
      log.warn({ mode }, "the database was restored into another cluster; adopting it");
      const rest = await persistently("adopting a restored database", () => adoptRestored(pool, batch));
      if (rest) settling.onCounted(rest);
      more = true;
    }
  };

  return async (delivery) => {
    if (delivery.kind === "stored") {
      await countAllStored(delivery.part);
      return;
    }
    try {
      await count(delivery, `[${delivery.entries.map(bare).join(",")}]`);
    } catch (error) {
      if (!isPoison(error)) throw error;
      const { pieces, broken } = piecesOf(delivery.entries);
      const poison = [...broken, ...(await sift(delivery, pieces))];
      const all = pieces.length + broken.length;
      alike = poison.length < all ? 0 : alike + all;
      if (alike >= settling.poisonStopOrders) stopIfAlike(poison, alike);
      for (const each of poison) await bury(each);
    }
  };
};

type Carried = Extract<Delivery, { kind: "carried" }>;
type Poison = { readonly piece: Piece; readonly error: unknown };

/** The members of an entry's array, as text: the whole batch becomes one array without being parsed here. */
const bare = ({ payload }: Entry): string => {
  const text = payload.trim();
  const inside = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1).trim() : text;
  return inside === "" ? "null" : inside;
};

/** The slow path: entries taken apart one by one, so that each order stands alone. */
const piecesOf = (entries: readonly Entry[]): { pieces: Piece[]; broken: Poison[] } => {
  const pieces: Piece[] = [];
  const broken: Poison[] = [];
  for (const { origin, payload } of entries) {
    try {
      JSON.parse(payload);
    } catch (error) {
      broken.push({ piece: { origin, index: -1, text: payload }, error });
      continue;
    }
    for (const [index, text] of membersOf(payload.trim()).entries()) pieces.push({ origin, index, text });
  }
  return { pieces, broken };
};

/**
 * The texts of an array's members; of anything else, itself. Parsing and writing them anew would change what is kept
 * as a dead letter (1e400 becomes null) and fails for members nested deeper than the stack.
 */
const membersOf = (json: string): string[] => {
  if (!json.startsWith("[")) return [json];
  const members: string[] = [];
  let depth = 0;
  let start = 1;
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (character === '"') at = endOfText(json, at);
    else if (character === "[" || character === "{") depth++;
    else if (character === "]" || character === "}") depth--;
    if (depth === 0 || (depth === 1 && character === ",")) {
      members.push(json.slice(start, at).trim());
      start = at + 1;
    }
  }
  return members.length === 1 && members[0] === "" ? [] : members;
};

/** The place of the quotation mark that ends the text which begins at `start`. */
const endOfText = (json: string, start: number): number => {
  let at = start + 1;
  while (json[at] !== '"') at += json[at] === "\\" ? 2 : 1;
  return at;
};

/** Not bad orders but something that makes every order fail (a lost partition, a changed constraint). */
const stopIfAlike = (poison: readonly Poison[], orders: number): void => {
  const reasons = new Set(poison.map(({ error }) => sqlStateOf(error) ?? "malformed"));
  if (reasons.size > 1) return;
  const [first] = poison;
  throw new Error(
    `the last ${orders} orders all fail alike (${[...reasons][0]}): ${messageOf(first?.error)}. ` +
      "Those of this batch are not set aside; mend the cause and start the worker again",
    { cause: first?.error },
  );
};
