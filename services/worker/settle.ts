import { adoptRestored, countStored } from "#shared/modes/direct/count-stored.ts";
import type { Count, Delivery, Entry, Log } from "#shared/ports.ts";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { type OutageLog, openOutageLog } from "#shared/runtime/outage-log.ts";
import { retrying } from "#shared/runtime/retry.ts";
import { type CarriedBatch, type Counted, countCarried, recordConflicts } from "#shared/store/count.ts";
import { canCount, type DeadLetter, orderIdIn, setAside } from "#shared/store/dead-letters.ts";
import { isPoison, sqlStateOf } from "#shared/store/errors.ts";
import type { Pool } from "#shared/store/pool.ts";

export type Settling = {
  readonly pool: Pool;
  readonly mode: string;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** This many orders in a row that all fail alike stop the worker. */
  readonly poisonStopOrders: number;
  readonly onCounted: (counted: Counted) => void;
  readonly onDeadLetter: (letter: DeadLetter) => void;
  /** So many orders came under the key of another one; each is told once. */
  readonly onConflicts: (orders: number) => void;
};

/** An error may quote what it stumbled over, which may be megabytes. */
const DETAIL_CHARACTERS = 1_000;
/** Conflicts of one batch that are logged one by one; a client gone wrong makes every order one. */
const MOST_CONFLICTS_TOLD = 20;

/**
 * Settles deliveries: every order of one is counted or set aside when this resolves. What PostgreSQL blames on
 * the data is bisected out into the dead letters; everything else is infrastructure and is retried until the
 * worker stops.
 */
export const openSettle = (settling: Settling): Count => {
  const work: Work = { ...settling, outageOf: openOutages(settling) };
  /** Orders in a row that could not be counted, over batches: at a low rate a batch holds only one or two. */
  let alike = 0;
  const onCounted = (counted: Counted): void => {
    alike = 0;
    settling.onCounted(counted);
  };

  const settleCarried = async (delivery: Carried): Promise<void> => {
    try {
      await count(work, delivery, delivery.entries.map(bare), onCounted);
    } catch (error) {
      if (!isPoison(error)) throw error;
      const { pieces, broken } = piecesOf(delivery.entries);
      const poison = [...broken, ...(await sift(work, delivery, pieces, onCounted))];
      if (poison.length === pieces.length + broken.length) {
        // to what it is now: other batches may have been settled meanwhile, and counted good orders
        alike += poison.length;
        await stopIfSystemic(work, delivery, poison, alike);
      }
      for (const each of poison) await bury(work, each);
    }
  };
  return (delivery) =>
    delivery.kind === "stored" ? countAllStored(work, delivery.part) : settleCarried(delivery);
};

type Carried = Extract<Delivery, { kind: "carried" }>;

/** `outageOf` returns the outage log of one kind of work, shared by the deliveries that are settled at the same time. */
type Work = Settling & { readonly outageOf: (what: string) => OutageLog };

const openOutages = ({ log, mode }: Settling): Work["outageOf"] => {
  const outages = new Map<string, OutageLog>();
  return (what) => {
    const opened = outages.get(what);
    if (opened) return opened;
    const texts = { failing: `${what} failed, retrying`, recovered: `${what} recovered` };
    const outage = openOutageLog(log, { ...texts, fields: { mode } });
    outages.set(what, outage);
    return outage;
  };
};

/** Again and again until it succeeds, the worker stops, or the data itself is to blame. */
const persistently = async <T>(
  { signal, outageOf }: Work,
  what: string,
  attempt: () => Promise<T>,
): Promise<T> => {
  const outage = outageOf(what);
  const isRetryable = (error: unknown): boolean => !isPoison(error);
  const result = await retrying(attempt, { signal, isRetryable, onRetry: (error) => outage.failed(error) });
  outage.succeeded();
  return result;
};

const count = async (
  work: Work,
  { part, position }: Carried,
  texts: readonly string[],
  onCounted: (counted: Counted) => void,
): Promise<void> => {
  const batch = { source: work.mode, part, position, messages: `[${texts.join(",")}]` };
  const counted = await persistently(work, "counting", () => countCarried(work.pool, batch));
  onCounted(counted);
  if (counted.duplicates > 0) await keepConflicts(work, batch);
};

/**
 * Before the delivery is acknowledged: a crash in between delivers it again, and all of it is duplicates then. The data
 * have just been taken, so no error here is theirs: each is tried again, and the last is wrapped, lest its SQLSTATE
 * make dead letters of counted orders.
 */
const keepConflicts = async (work: Work, batch: CarriedBatch): Promise<void> => {
  const { pool, mode, log, onConflicts } = work;
  const record = () =>
    recordConflicts(pool, batch).catch((cause: unknown) => {
      throw new Error(`conflicts could not be recorded: ${messageOf(cause)}`, { cause });
    });
  const ids = await persistently(work, "recording conflicts", record);
  if (ids.length === 0) return;
  onConflicts(ids.length);
  for (const orderId of ids.slice(0, MOST_CONFLICTS_TOLD))
    log.warn({ mode, orderId }, "an order came under the key of another one and is not counted");
  const untold = ids.length - MOST_CONFLICTS_TOLD;
  if (untold > 0) log.warn({ mode, orders: untold }, "more of them did, in the same batch");
};

/** Counts the pieces that can be; resolves with those that never can, each with its error. */
const sift = async (
  work: Work,
  delivery: Carried,
  pieces: readonly Piece[],
  onCounted: (counted: Counted) => void,
): Promise<Poison[]> => {
  if (pieces.length === 0) return [];
  try {
    const texts = pieces.map((piece) => piece.text);
    await count(work, delivery, texts, onCounted);
    return [];
  } catch (error) {
    if (!isPoison(error)) throw error;
    const [only] = pieces;
    if (pieces.length === 1 && only) return [{ piece: only, error }];
    const middle = pieces.length >> 1;
    const first = await sift(work, delivery, pieces.slice(0, middle), onCounted);
    return [...first, ...(await sift(work, delivery, pieces.slice(middle), onCounted))];
  }
};

const bury = async (work: Work, { piece, error }: Poison): Promise<void> => {
  const { pool, mode, log, onDeadLetter } = work;
  const { origin, index, text } = piece;
  const reason = sqlStateOf(error) ?? "malformed";
  const detail = messageOf(error).slice(0, DETAIL_CHARACTERS);
  const letter = { source: mode, origin, index, payload: text, reason, detail };
  await persistently(work, "setting aside a dead letter", () => setAside(pool, letter));
  log.error(
    { mode, orderId: orderIdIn(text), origin, index, reason, detail },
    "an order can never be counted; it is a dead letter now",
  );
  onDeadLetter(letter);
};

/** In steps, until nothing is left that can be counted now. */
const countAllStored = async (work: Work, part: number): Promise<void> => {
  const { pool, mode, log, signal, onCounted } = work;
  const batch = { source: mode, part };
  for (let more = true; more && !signal.aborted; ) {
    const counted = await persistently(work, "counting", () => countStored(pool, batch));
    onCounted(counted);
    more = counted.more;
    if (!counted.restored) continue;
    log.warn({ mode }, "the database was restored into another cluster; adopting it");
    const rest = await persistently(work, "adopting a restored database", () =>
      adoptRestored(pool, batch, signal),
    );
    if (rest) onCounted(rest);
    more = true;
  }
};

/**
 * Every order of a batch failed. Where a good order would fail too, or very many in a row fail alike, it is not the
 * orders but something that makes each of them fail (a lost partition, a changed constraint): the worker stops,
 * because otherwise the stream would end as dead letters, at a low rate one small batch after the other.
 */
const stopIfSystemic = async (
  work: Work,
  { part, position }: Carried,
  poison: readonly Poison[],
  alike: number,
): Promise<void> => {
  const { pool, mode, poisonStopOrders } = work;
  const reasons = [...new Set(poison.map(({ error }) => sqlStateOf(error) ?? "malformed"))];
  const batch = { source: mode, part, position };
  const able = await persistently(work, "trying a good order", () => canCount(pool, batch));
  if (able !== false && (alike < poisonStopOrders || reasons.length > 1)) return;
  const found = able === false ? "good orders cannot be counted" : `the last ${alike} orders all fail alike`;
  const cause = poison[0]?.error;
  throw new Error(
    `${found} (${reasons.join(", ")}): ${messageOf(cause)}. ` +
      "Those of this batch are not set aside; mend the cause and start the worker again",
    { cause },
  );
};

/** An order, or what claims to be one, and where it came from; index -1 is the whole entry. */
export type Piece = { readonly origin: string; readonly index: number; readonly text: string };
export type Poison = { readonly piece: Piece; readonly error: unknown };

/** The members of an entry's array, as text: the whole batch becomes one array without being parsed here. */
export const bare = ({ payload }: Entry): string => {
  const text = payload.trim();
  const inside = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1).trim() : text;
  return inside === "" ? "null" : inside;
};

/** The slow path: entries taken apart one by one, so that each order stands alone. */
export const piecesOf = (entries: readonly Entry[]): { pieces: Piece[]; broken: Poison[] } => {
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
