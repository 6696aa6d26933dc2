import { Redis, type RedisOptions } from "ioredis";

/** A command that got no answer in this time is given up; its effect is unknown. */
const COMMAND_TIMEOUT_MS = 1_500;
const CONNECT_TIMEOUT_MS = 3_000;
/**
 * A connection on which something waits and nothing at all comes for so long leads nowhere: what lies between may have
 * forgotten it without a word, and the system would go on trying it for a quarter of an hour. Longer than a read blocks.
 */
export const SILENCE_MS = 3_000;
/** A server that comes back is found again within this time. */
const MOST_RECONNECT_MS = 500;

/** Replies in RESP2's shapes, the client's default; the other shape is a type of its own. */
export type Options = Omit<RedisOptions, "replyMapping">;

/**
 * How this system talks to Redis: commands fail at once while the server is away (a queue would hide it and grow),
 * and what was sent when a connection broke is sent once more on the next.
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
  retryStrategy: (attempt) => Math.min(MOST_RECONNECT_MS, attempt * 50),
});

export type RedisClient = Redis;

/**
 * `onError` is called on each failed connection attempt; the client reconnects. A database that Redis refuses to
 * SELECT is a failed attempt: ioredis alone would go on in database 0, among another program's keys.
 */
export const openRedis = (url: string, options: Options, onError: (error: Error) => void): RedisClient => {
  const client = new Redis(url, options);
  client.on("error", (error: Error & { command?: { name: string } }) => {
    if (error.command?.name === "select") client.disconnect(true);
    onError(error);
  });
  return client;
};

/** Ends the connection, politely where the server still answers. */
export const closeRedis = async (client: RedisClient): Promise<void> => {
  if (client.status === "ready") await client.quit().catch(() => client.disconnect());
  else client.disconnect();
};
