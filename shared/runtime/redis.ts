import { Redis, type RedisOptions } from "ioredis";
import { messageOf } from "./lifecycle.ts";
import { protocolProblem } from "./redis-protocol.ts";
import { tlsProblem } from "./tls-problem.ts";

/** A command without an answer for this long is abandoned; its effect is unknown. */
const COMMAND_TIMEOUT_MS = 1_500;
const CONNECT_TIMEOUT_MS = 3_000;
/**
 * A connection with pending commands that receives nothing for this long is broken: a network device may have dropped it
 * silently, and the operating system would retransmit for a quarter of an hour. Longer than a read blocks.
 */
export const SILENCE_MS = 3_000;
/** A restarted server is found within this time. */
const MAX_RECONNECT_MS = 500;

/** Replies in RESP2's shapes, the client's default; the other shape is a separate type. */
export type Options = Omit<RedisOptions, "replyMapping">;

/**
 * How this system uses Redis: commands fail at once while the server is unreachable (a queue would hide the outage and
 * grow), and commands in flight when a connection broke are resent once on the next.
 */
export const redisOptions = (name: string): Options => ({
  connectionName: name,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 1,
  commandTimeout: COMMAND_TIMEOUT_MS,
  connectTimeout: CONNECT_TIMEOUT_MS,
  socketTimeout: SILENCE_MS,
  // after a failover the address may lead to the new master, and only a new connection finds it
  reconnectOnError: (error) => error.message.includes("READONLY"),
  retryStrategy: (attempt) => Math.min(MAX_RECONNECT_MS, attempt * 50),
});

export type RedisClient = Redis;

/**
 * `onError` is called on each failed connection attempt; the client reconnects. A database that Redis refuses to
 * SELECT is a failed attempt: ioredis alone would continue in database 0, among another program's keys.
 */
export const openRedis = (url: string, options: Options, onError: (error: Error) => void): RedisClient => {
  const client = new Redis(url, options);
  client.on("error", (error: Error & { command?: { name: string } }) => {
    if (error.command?.name === "select") client.disconnect(true);
    onError(error);
  });
  askForProtocol(client, url);
  return client;
};

/** The server speaks the protocol that the URL does not name. */
export class WrongProtocol extends Error {}

/** The server is not there, or replies in the protocol of the URL. */
const SAYS_NOTHING = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH"]);

/** Emits `WrongProtocol` when no connection was usable yet and the server speaks the other protocol. */
const askForProtocol = (client: RedisClient, url: string): void => {
  let isOver = false;
  let isAsking = false;
  const end = (): void => {
    isOver = true;
  };
  client.once("ready", end).once("end", end);
  client.on("error", (error: Error & { code?: string }) => {
    if (isOver || isAsking || error.name === "ReplyError" || SAYS_NOTHING.has(error.code ?? "")) return;
    isAsking = true;
    void protocolProblem(url).then((problem) => {
      isAsking = false;
      if (problem === null || isOver) return;
      end();
      client.emit("error", new WrongProtocol(problem));
    });
  });
};

/** Closes the connection, gracefully if the server still answers. */
export const closeRedis = async (client: RedisClient): Promise<void> => {
  if (client.status === "ready") await client.quit().catch(() => client.disconnect());
  else client.disconnect();
};

/** Redis rejects what this process has never done successfully: a wrong setting, which no retry repairs. */
export class MissingRight extends Error {}

/** ioredis sends a script by EVAL the first time and by EVALSHA from then on: two rights, so two successes. */
export const OF_A_SCRIPT = 2;

export type Rights = {
  /**
   * Does `work`. Rejects with `MissingRight` where Redis rejects it and `what` has not succeeded before, as often as
   * `successes` requires (1).
   */
  check<T>(what: string, work: () => Promise<T>, successes?: number): Promise<T>;
  /** Redis allows `what`: from now on a rejection is an outage, to be logged and retried. */
  allowed(what: string): void;
  /** The error itself, or a `MissingRight` where Redis rejects what it has not allowed before. */
  errorOf(what: string, error: Error): Error;
  /** The connection is usable: from now on a failed one is an outage. */
  connected(): void;
  /** The error of a connection itself, or a `MissingRight` where no connection was usable before, nor can be. */
  connectErrorOf(error: Error): Error;
};

/**
 * The rights of the Redis user in `variable`. A right that is missing at start ends the program; one that is revoked
 * later does not, since an ACL that is being reloaded must not stop every worker at once.
 */
export const openRights = (variable: string): Rights => {
  /** How many successes each right still needs. */
  const needed = new Map<string, number>();
  const isAllowed = (what: string): boolean => needed.get(what) === 0;
  const allowed = (what: string): void => void needed.set(what, 0);
  const errorOf = (what: string, error: Error): Error => {
    if (isAllowed(what) || !isRefusedRight(error)) return error;
    const refusal = messageOf(error).trim();
    return new MissingRight(
      `${variable}: the Redis user may not ${what}: "${refusal}". Grant the rights in docs/deployment.md, "Redis rights".`,
    );
  };
  return {
    check: async (what, work, successes = 1) => {
      try {
        const result = await work();
        needed.set(what, Math.max(0, (needed.get(what) ?? successes) - 1));
        return result;
      } catch (error) {
        throw error instanceof Error ? errorOf(what, error) : error;
      }
    },
    allowed,
    errorOf,
    connected: () => allowed(SELECT),
    connectErrorOf: (error) => {
      const problem = isAllowed(SELECT) ? null : connectProblem(error);
      return problem === null ? errorOf(SELECT, error) : new MissingRight(`${variable}: ${problem}.`);
    },
  };
};

/** A connection is usable once its database is selected. */
const SELECT = "select the database";
const TRUST_BY = "set NODE_EXTRA_CA_CERTS to a file with that authority's certificate";

/** Why no connection to this URL can be used, as opposed to a server that is down. */
const connectProblem = (error: Error): string | null => {
  const text = messageOf(error).trim();
  if (/\b(WRONGPASS|NOAUTH)\b/.test(text)) return `Redis refuses the user or the password ("${text}")`;
  if (/^MOVED|CROSSSLOT/.test(text))
    return "the server is part of a Redis Cluster; expected a Redis without cluster mode";
  if (error instanceof WrongProtocol) return text;
  const problem = tlsProblem(error, TRUST_BY);
  return problem === null ? null : `TLS fails, ${problem}`;
};

/**
 * Redis replies NOPERM to a forbidden command. To a script with a forbidden command it replies ERR with these words
 * (7.0), and NOPERM or "ACL failure in script" from 7.2 on.
 */
export const isRefusedRight = (error: unknown): boolean =>
  /^NOPERM|ACL failure in script|user executing the script can't/.test(messageOf(error));
