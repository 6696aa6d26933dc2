/**
 * The board in Redis: one hash with the board, one channel that announces changes, two keys by which publishers take
 * turns. Only this file uses these keys.
 */
import type { Board } from "../domain/board.ts";
import type { Log } from "../ports.ts";
import { atMost, messageOf } from "../runtime/lifecycle.ts";
import { openOutageLog } from "../runtime/outage-log.ts";
import {
  closeRedis,
  MissingRight,
  OF_A_SCRIPT,
  openRedis,
  openRights,
  type RedisClient,
  redisOptions,
} from "../runtime/redis.ts";

const BOARD = "coffee:board";
const CHANGES = "coffee:board:changes";
const TURN = "coffee:board:turn";
const RANKING = "coffee:board:ranking";

/** What a program does when the board's Redis fails: a missing right ends it, anything else is logged as an outage. */
export const boardEvents = (log: Log, failed: (error: MissingRight) => void) => {
  const outage = openOutageLog(log, {
    failing: "board Redis unreachable, reconnecting",
    recovered: "board Redis reachable again",
  });
  const onError = (error: Error): void => {
    if (error instanceof MissingRight) failed(error);
    else outage.failed(error);
  };
  return { onError, onConnected: outage.succeeded };
};

/** A board whose clock is this far ahead of Redis' own would block every correct board after it. */
const MAX_AHEAD_US = 5_000_000;
/** A turn lasts as long as the default time between two boards. */
const TURN_MS = 100;
/** A command before the first connection is open fails at once, so the first turn waits for it this long. */
const FIRST_ATTEMPT_MS = 3_000;
/** The stores are ranked at most this often. */
const RANKING_MS = 900;

/** Keeps the newer of two boards by (epoch, version, as_of): time alone moves a board too, so versions may be equal. */
const PUBLISH = `
local held = redis.call('HMGET', KEYS[1], 'epoch', 'version', 'as_of_us')
local epoch, version, as_of = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local now = redis.call('TIME')
if as_of > now[1] * 1000000 + now[2] + ${MAX_AHEAD_US} then return 'ahead' end
if held[1] then
  local e, v, a = tonumber(held[1]), tonumber(held[2]), tonumber(held[3])
  if epoch < e or (epoch == e and (version < v or as_of <= a)) then return 'older' end
end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'version', ARGV[2], 'as_of_us', ARGV[3],
  'stores_as_of_us', ARGV[4], 'board', ARGV[5])
redis.call('PUBLISH', KEYS[2], ARGV[5])
return 'published'`;

type WithPublish = RedisClient & {
  publishBoard(...args: (string | number)[]): Promise<Published>;
};

/** `older`: Redis already has a newer board. `ahead`: PostgreSQL's clock is more than 5 s ahead of Redis' clock. */
export type Published = "published" | "older" | "ahead";

/** What a publisher needs of the published board each time: 4 numbers, where the whole is up to 64 kB of JSON. */
export type BoardPosition = Pick<Board, "epoch" | "version" | "asOfUs" | "storesAsOfUs">;

/** Each call rejects with `MissingRight` while Redis has never allowed it to this user. */
export type BoardWriter = {
  /** The position of the published board; null without one. */
  position(): Promise<BoardPosition | null>;
  /** The whole published board; null without one. */
  read(): Promise<Board | null>;
  publish(board: Board): Promise<Published>;
  /** Whether this publisher may read PostgreSQL now; of N workers one at a time may. */
  takeTurn(): Promise<boolean>;
  /** Whether this publisher may rank the stores now. */
  takeRanking(): Promise<boolean>;
  close(): Promise<void>;
};

/** `onError` is called on each failed connection attempt, with `MissingRight` if none can succeed. */
export const openBoardWriter = (
  url: string,
  onError: (error: Error) => void,
  onConnected: () => void = () => undefined,
): BoardWriter => {
  const rights = openRights(VARIABLE);
  const options = redisOptions("coffee-board-writer");
  const redis = openRedis(url, options, (error) => onError(rights.connectErrorOf(error))) as WithPublish;
  redis.defineCommand("publishBoard", { numberOfKeys: 2, lua: PUBLISH });
  redis.on("ready", rights.connected).on("ready", onConnected);
  const attempted = new Promise<void>((resolve) => void redis.once("ready", resolve).once("close", resolve));
  const firstAttempt = atMost(attempted, FIRST_ATTEMPT_MS);
  // HMGET also for one field: the publishing script needs that right anyway
  const read = (...fields: string[]) => rights.check(READ, () => redis.hmget(BOARD, ...fields));
  return {
    position: async () => {
      const fields = await read("epoch", "version", "as_of_us", "stores_as_of_us");
      if (fields[0] === null) return null;
      // 0 for the stores of a board that an earlier version of this program published
      const [epoch = 0, version = 0, asOfUs = 0, storesAsOfUs = 0] = fields.map(Number);
      return { epoch, version, asOfUs, storesAsOfUs };
    },
    read: async () => parsed((await read("board"))[0]),
    publish: (board) => {
      const { epoch, version, asOfUs, storesAsOfUs } = board;
      const text = JSON.stringify(board);
      const publish = () => redis.publishBoard(BOARD, CHANGES, epoch, version, asOfUs, storesAsOfUs, text);
      return rights.check("publish the board", publish, OF_A_SCRIPT);
    },
    takeTurn: async () => {
      await firstAttempt;
      return rights.check("take the turn to publish", () => taken(redis, TURN, TURN_MS));
    },
    takeRanking: () =>
      rights.check("take the turn to rank the stores", () => taken(redis, RANKING, RANKING_MS)),
    close: () => closeRedis(redis),
  };
};

const taken = async (redis: RedisClient, key: string, ms: number): Promise<boolean> =>
  (await redis.set(key, "1", "PX", ms, "NX")) === "OK";

const VARIABLE = "BOARD_REDIS_URL";
const READ = "read the board";

export type BoardReader = {
  /** The newest board this process has received, whether or not Redis answers now; null before the first. */
  latest(): Board | null;
  isConnected(): boolean;
  close(): Promise<void>;
};

/**
 * Follows the board: reads it on every (re)connection, because a change may have been missed, and then receives each
 * change. `onChange` is called with each newer board. `onError` is called with each failure, with `MissingRight` while
 * Redis has never allowed the command to this user.
 */
export const openBoardReader = (
  url: string,
  onChange: (board: Board) => void,
  onError: (error: Error) => void,
  onConnected: () => void = () => undefined,
): BoardReader => {
  let latest: Board | null = null;
  // a connection that subscribes cannot read
  const options = redisOptions("coffee-board-reader");
  const rights = openRights(VARIABLE);
  const onConnectError = (error: Error): void => onError(rights.connectErrorOf(error));
  const reads = openRedis(url, options, onConnectError);
  const changes = openRedis(url, { ...options, autoResubscribe: false }, onConnectError);

  /** A board must be newer than this. Null after Redis was empty: a restored PostgreSQL may follow. */
  let floor: Board | null = null;
  let receivedAt = performance.now();

  const take = (text: string | null): void => {
    receivedAt = performance.now();
    const board = parsed(text);
    if (board === null) floor = null;
    else if (floor === null || isNewer(board, floor)) {
      floor = board;
      latest = board;
      onChange(board);
    }
  };
  const guarded = async (what: string, work: () => Promise<unknown> | unknown): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (error instanceof MissingRight) onError(error);
      else onError(new Error(`${what}: ${messageOf(error)}`, { cause: error }));
    }
  };
  const isConnected = (): boolean => changes.status === "ready" && reads.status === "ready";
  const follow = (): Promise<void> =>
    guarded("following the board", async () => {
      if (changes.status === "ready")
        await rights.check("subscribe to the board's changes", () => changes.subscribe(CHANGES));
      if (reads.status === "ready") take(await rights.check(READ, () => reads.hget(BOARD, "board")));
      if (isConnected()) onConnected();
    });
  for (const client of [changes, reads]) client.on("ready", rights.connected).on("ready", follow);
  changes.on("message", (_channel, text) => guarded("reading a board", () => take(text)));
  // a connection that was cut without notice stays silent for minutes: missed changes are read instead
  const listening = setInterval(() => {
    if (performance.now() - receivedAt > SILENCE_MS) void follow();
  }, SILENCE_MS);
  return {
    latest: () => latest,
    isConnected,
    close: async () => {
      clearInterval(listening);
      await Promise.all([closeRedis(changes), closeRedis(reads)]);
    },
  };
};

/** Workers publish at least every second. */
const SILENCE_MS = 2_500;

/** By (epoch, version, as_of), as the publishing script compares. */
const isNewer = (a: Board, b: Board): boolean =>
  a.epoch > b.epoch || (a.epoch === b.epoch && a.version >= b.version && a.asOfUs > b.asOfUs);

const parsed = (text: string | null | undefined): Board | null => (text ? (JSON.parse(text) as Board) : null);
