import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { ORDER_ID_PATTERN } from "#shared/domain/order.ts";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import {
  countLetters,
  discardLetter,
  findLetter,
  type KeptLetter,
  type LetterFilter,
  letterIds,
  listLetters,
  type Replay,
  replayLetter,
} from "#shared/store/dead-letters.ts";
import { type Command, type Context, FOUND, OK, UsageError } from "./command.ts";
import { countLine, describe, oneLine, outcomeLine, stateOf, tableOf } from "./letter-text.ts";

/** A batch of the API has a thousand; all of them are counted in one transaction. */
const MAX_ORDERS = 10_000;
const ORDER_ID = new RegExp(ORDER_ID_PATTERN);

/** `-` is standard input. In NFC, as all names are stored. */
const readCorrection = async (file: string): Promise<string> => {
  try {
    const written = file === "-" ? await text(process.stdin) : await readFile(file, "utf8");
    return written.normalize("NFC");
  } catch (error) {
    throw new UsageError(`--payload ${file} cannot be read: ${messageOf(error)}.`);
  }
};

/**
 * The JSON text of an array of orders in the wire format, from one order or an array of them. The correction of a single
 * order keeps its id: under another id it would count in addition to what its client may resend.
 */
const correctionOf = (json: string, letter: KeptLetter): string => {
  let written: unknown;
  try {
    written = JSON.parse(json);
  } catch (error) {
    throw new UsageError(`The payload is not JSON: ${messageOf(error)}.`);
  }
  const orders: unknown[] = Array.isArray(written) ? written : [written];
  if (orders.length === 0 || orders.length > MAX_ORDERS)
    throw new UsageError(`The payload has ${orders.length} orders: expected 1 to ${MAX_ORDERS}.`);
  if (letter.index >= 0 && orders.length > 1)
    throw new UsageError(`Dead letter ${letter.id} is one order, and the payload has ${orders.length}.`);
  const ids = orders.map((order, index) => {
    const id = (order as { id?: unknown } | null)?.id;
    if (typeof id === "string" && ORDER_ID.test(id)) return id.toLowerCase();
    throw new UsageError(
      `Order ${index} of the payload needs an id that is a UUIDv7, as in the wire format.`,
    );
  });
  if (letter.orderId !== null && ids[0] !== letter.orderId)
    throw new UsageError(`Dead letter ${letter.id} is order ${letter.orderId}: a correction keeps its id.`);
  // the text itself: numbers must not change
  return Array.isArray(written) ? json : `[${json}]`;
};

const LISTED = 50;
const MAX_LISTED = 10_000;
/** Ids read at once while all are replayed. */
const PAGE = 500;

const OPTIONS = {
  all: { type: "boolean" },
  mode: { type: "string" },
  reason: { type: "string" },
  limit: { type: "string" },
  json: { type: "boolean" },
  payload: { type: "string" },
} as const;
type Option = keyof typeof OPTIONS;
type Options = {
  readonly all?: boolean;
  readonly mode?: string;
  readonly reason?: string;
  readonly limit?: string;
  readonly json?: boolean;
  readonly payload?: string;
};
type Action = {
  readonly takes: readonly Option[];
  run(ids: readonly string[], options: Options, context: Context): Promise<number>;
};

const list = async (ids: readonly string[], options: Options, { pool, say }: Context): Promise<number> => {
  if (ids.length > 0) throw new UsageError("list takes options only; for one letter: show ID.");
  const limit = Number(options.limit ?? LISTED);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LISTED)
    throw new UsageError(`--limit is "${options.limit}": expected a number from 1 to ${MAX_LISTED}.`);
  const filter = { ...filterOf(options), isOpen: options.all ? undefined : true };
  const letters = await listLetters(pool, filter, limit);
  const counts = await countLetters(pool, filter);
  if (options.json) {
    const shown = letters.map((letter) => ({ ...letter, state: stateOf(letter) }));
    say(JSON.stringify({ letters: shown, counts }));
    return OK;
  }
  const total = counts.reduce((sum, count) => sum + count.letters, 0);
  if (total === 0) {
    say(options.all ? "There are no such dead letters." : "There are no such open dead letters.");
    return OK;
  }
  for (const line of tableOf(letters)) say(line);
  say("");
  if (letters.length < total) say(`The newest ${letters.length} of ${total}; --limit shows more.`);
  for (const count of counts) say(countLine(count));
  return OK;
};

const show = async (ids: readonly string[], _options: Options, { pool, say }: Context): Promise<number> => {
  const [id] = ids;
  if (id === undefined || ids.length > 1) throw new UsageError("show takes the id of one dead letter.");
  const letter = await findLetter(pool, id);
  if (letter === null) {
    say(`There is no dead letter ${id}.`);
    return FOUND;
  }
  for (const line of describe(letter)) say(line);
  return OK;
};

const replay = async (ids: readonly string[], options: Options, context: Context): Promise<number> => {
  const { all, payload } = options;
  if (all ? ids.length > 0 : ids.length === 0)
    throw new UsageError("replay takes the ids of dead letters, or --all for every open one.");
  if (!all && (options.mode !== undefined || options.reason !== undefined))
    throw new UsageError("--mode and --reason filter --all: give them with --all.");
  if (payload !== undefined) {
    const [id] = ids;
    if (id === undefined || ids.length > 1)
      throw new UsageError("--payload replaces the payload of one dead letter: give its id.");
    return replayCorrected(id, payload, context);
  }
  return replayEach(all ? everyOpen(options, context) : ids, context);
};

const replayEach = async (
  ids: Iterable<string> | AsyncIterable<string>,
  { pool, say, signal }: Context,
): Promise<number> => {
  const done = { orders: 0, duplicates: 0, left: 0 };
  for await (const id of ids) {
    if (signal.aborted) break;
    const result = await replayLetter(pool, id);
    say(outcomeLine(id, result));
    if (result.outcome === "counted") {
      done.orders += result.orders;
      done.duplicates += result.duplicates;
    } else if (result.outcome !== "before") done.left++;
  }
  const stay = done.left > 0 ? `; ${done.left} could not be replayed` : "";
  say(`${done.orders} counted now, ${done.duplicates} had been counted before${stay}.`);
  if (signal.aborted) throw new Error("Interrupted; the remaining letters are unchanged.");
  return done.left > 0 ? FOUND : OK;
};

/** Each letter that is open now or becomes so during the replay, once. */
async function* everyOpen(options: Options, { pool }: Context): AsyncGenerator<string> {
  const filter = { ...filterOf(options), isOpen: true };
  for (let page = ["0"]; page.length > 0; ) {
    page = await letterIds(pool, filter, page.at(-1) ?? "0", PAGE);
    yield* page;
  }
}

const replayCorrected = async (id: string, file: string, { pool, say }: Context): Promise<number> => {
  const letter = await findLetter(pool, id);
  const result: Replay =
    letter === null
      ? { outcome: "unknown" }
      : await replayLetter(pool, id, correctionOf(await readCorrection(file), letter));
  say(outcomeLine(id, result));
  return result.outcome === "counted" || result.outcome === "before" ? OK : FOUND;
};

const discard = async (
  ids: readonly string[],
  _options: Options,
  { pool, say }: Context,
): Promise<number> => {
  if (ids.length === 0) throw new UsageError("discard takes the ids of dead letters.");
  let status = OK;
  for (const id of ids) {
    if (await discardLetter(pool, id)) {
      say(`${id}: discarded; it is kept and can still be replayed.`);
      continue;
    }
    const letter = await findLetter(pool, id);
    const isDiscarded = letter !== null && stateOf(letter) === "discarded";
    if (!isDiscarded) status = FOUND;
    say(letter ? `${id}: is ${stateOf(letter)}; nothing changed.` : outcomeLine(id, { outcome: "unknown" }));
  }
  return status;
};

const filterOf = ({ mode, reason }: Options): LetterFilter => ({ source: mode, reason });

const ACTIONS: Readonly<Record<string, Action>> = {
  list: { takes: ["all", "mode", "reason", "limit", "json"], run: list },
  show: { takes: [], run: show },
  replay: { takes: ["all", "mode", "reason", "payload"], run: replay },
  discard: { takes: [], run: discard },
};

const parsed = (args: readonly string[], takes: readonly Option[]) => {
  const options = Object.fromEntries(takes.map((name) => [name, OPTIONS[name]]));
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
};

export const deadLetters: Command = {
  name: "dead-letters",
  summary: "orders that could not be counted, and what to do with them",
  usage: [
    `list [--all] [--mode v2] [--reason 23514] [--limit ${LISTED}] [--json]`,
    "show ID",
    "replay ID...",
    "replay ID --payload FILE   (as corrected; - is standard input)",
    "replay --all [--mode v2] [--reason 23514]",
    "discard ID...",
  ].join("\n"),
  run: async ([name = "", ...args], context) => {
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (action === undefined)
      throw new UsageError(`Expected one of ${Object.keys(ACTIONS).join(", ")}; not "${name}".`);
    const { values, positionals } = parsed(args, action.takes);
    for (const id of positionals)
      if (!/^[1-9]\d{0,17}$/.test(id))
        throw new UsageError(`"${oneLine(id)}" is not the id of a dead letter: list shows them, as in 17.`);
    return action.run(positionals, values as Options, context);
  },
};
