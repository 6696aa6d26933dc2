import { adoptRestored, countStored } from "#shared/modes/direct/count-stored.ts";
import type { Count, Delivery, Entry, Log } from "#shared/ports.ts";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { type OutageLog, openOutageLog } from "#shared/runtime/outage-log.ts";
import { retrying } from "#shared/runtime/retry.ts";
import { type CarriedBatch, type Counted, countCarried, recordConflicts } from "#shared/store/count.ts";
import { canCount, type DeadLetter, orderIdIn, storeLetter } from "#shared/store/dead-letters.ts";
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
  /** This many orders had the key of another order; each is reported once. */
  readonly onConflicts: (orders: number) => void;
};

/** An error may quote the data that caused it, which may be megabytes. */
const DETAIL_CHARACTERS = 1_000;
/** Conflicts of one batch that are logged one by one; a broken client makes every order one. */
const MAX_LOGGED_CONFLICTS = 20;

/**
 * Settles deliveries: every order of a delivery is counted or stored as a dead letter when this resolves. Data that
 * PostgreSQL rejects is isolated by bisection and becomes dead letters; every other error is infrastructure and is
 * retried until the worker stops.
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
      const poison = [...broken, ...(await countSeparately(work, delivery, pieces, onCounted))];
      if (poison.length === pieces.length + broken.length) {
        // added to the current value: other batches may have been settled meanwhile, and have counted good orders
        alike += poison.length;
        await stopIfSystemic(work, delivery, poison, alike);
      }
      for (const each of poison) await storeDeadLetter(work, each);
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

/** Repeats `attempt` until it succeeds, the worker stops, or the data itself is rejected. */
const withRetries = async <T>(
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
  const counted = await withRetries(work, "counting", () => countCarried(work.pool, batch));
  onCounted(counted);
  if (counted.duplicates > 0) await storeConflicts(work, batch);
};

/**
 * Runs before the delivery is acknowledged: after a crash in between it is redelivered, and all of it is duplicates. The
 * data has just been accepted, so no error here is caused by it: each is retried, and the last is wrapped, or its
 * SQLSTATE would turn counted orders into dead letters.
 */
const storeConflicts = async (work: Work, batch: CarriedBatch): Promise<void> => {
  const { pool, mode, log, onConflicts } = work;
  const record = () =>
    recordConflicts(pool, batch).catch((cause: unknown) => {
      throw new Error(`conflicts could not be recorded: ${messageOf(cause)}`, { cause });
    });
  const ids = await withRetries(work, "recording conflicts", record);
  if (ids.length === 0) return;
  onConflicts(ids.length);
  for (const orderId of ids.slice(0, MAX_LOGGED_CONFLICTS))
    log.warn({ mode, orderId }, "order has the key of another order, not counted");
  const further = ids.length - MAX_LOGGED_CONFLICTS;
  if (further > 0)
    log.warn({ mode, orders: further }, "more orders of this batch have the key of another order");
};

/** Counts the pieces that can be counted; resolves with the others, each with its error. */
const countSeparately = async (
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
    const first = await countSeparately(work, delivery, pieces.slice(0, middle), onCounted);
    return [...first, ...(await countSeparately(work, delivery, pieces.slice(middle), onCounted))];
  }
};

const storeDeadLetter = async (work: Work, { piece, error }: Poison): Promise<void> => {
  const { pool, mode, log, onDeadLetter } = work;
  const { origin, index, text } = piece;
  const reason = sqlStateOf(error) ?? "malformed";
  const detail = messageOf(error).slice(0, DETAIL_CHARACTERS);
  const letter = { source: mode, origin, index, payload: text, reason, detail };
  await withRetries(work, "storing a dead letter", () => storeLetter(pool, letter));
  log.error(
    { mode, orderId: orderIdIn(text), origin, index, reason, detail },
    "order cannot be counted, dead letter stored",
  );
  onDeadLetter(letter);
};

/** In steps, until no stored order is left that can be counted now. */
const countAllStored = async (work: Work, part: number): Promise<void> => {
  const { pool, mode, log, signal, onCounted } = work;
  const batch = { source: mode, part };
  for (let more = true; more && !signal.aborted; ) {
    const counted = await withRetries(work, "counting", () => countStored(pool, batch));
    onCounted(counted);
    more = counted.more;
    if (!counted.restored) continue;
    log.warn({ mode }, "database restored into another cluster, adopting it");
    const rest = await withRetries(work, "adopting a restored database", () =>
      adoptRestored(pool, batch, signal),
    );
    if (rest) onCounted(rest);
    more = true;
  }
};

/**
 * Every order of a batch failed. If a good order would fail too, or very many in a row fail alike, the cause is not the
 * orders but something that fails each of them (a lost partition, a changed constraint). The worker stops, because
 * otherwise the whole stream would become dead letters, at a low rate one small batch after the other.
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
  const able = await withRetries(work, "trying a good order", () => canCount(pool, batch));
  if (able !== false && (alike < poisonStopOrders || reasons.length > 1)) return;
  const found = able === false ? "good orders cannot be counted" : `the last ${alike} orders all fail alike`;
  const cause = poison[0]?.error;
  throw new Error(
    `${found} (${reasons.join(", ")}): ${messageOf(cause)}. ` +
      "The orders of this batch stay in the backend: repair the cause and restart the worker",
    { cause },
  );
};

/** An order, or text in its place, and its origin; index -1 is the whole entry. */
type Piece = { readonly origin: string; readonly index: number; readonly text: string };
type Poison = { readonly piece: Piece; readonly error: unknown };

/** The members of an entry's array, as text: the whole batch becomes one array without being parsed here. */
const bare = ({ payload }: Entry): string => {
  const text = payload.trim();
  const inside = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1).trim() : text;
  return inside === "" ? "null" : inside;
};

/** The slow path: takes entries apart one by one, so that each order is a separate piece. */
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
 * The texts of an array's members; of anything else, the text itself. Parsing and serialising them would change what is
 * stored as a dead letter (1e400 becomes null) and fails for members nested deeper than the stack.
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

/** The position of the quotation mark that ends the text which starts at `start`. */
const endOfText = (json: string, start: number): number => {
  let at = start + 1;
  while (json[at] !== '"') at += json[at] === "\\" ? 2 : 1;
  return at;
};
