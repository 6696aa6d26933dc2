import { serverFolder, serverUser } from "./data-dir.ts";
import { freePort } from "./ports.ts";
import { launch } from "./process.ts";
import { redisIsReady } from "./ready.ts";
import { redisBinary } from "./redis-binary.ts";
import type { Server } from "./server.ts";

export type RedisOptions = {
  /** The server's name, as in "redis-board" or "redis-stream". */
  name: string;
  /** Kept after the end. Without it the data is temporary. */
  dataDir?: string;
  /** Preferred; the next free one is taken. */
  port?: number;
  role: "board" | "stream";
  /** Further settings, by Redis' names. */
  settings?: Record<string, string>;
  /** What a missing redis-server makes us do, in sentences. */
  log?: (line: string) => void;
};

/** Reading back a log of 1 GB; an empty start takes 50 ms. */
const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 10_000;

/**
 * The stream holds acknowledged orders: on disk before the reply, even while the log is rewritten, and full means a
 * refusal rather than an eviction. The board is a picture that can be rebuilt; BullMQ too asks for noeviction.
 */
const byRole = {
  stream: {
    appendonly: "yes",
    appendfsync: "always",
    "no-appendfsync-on-rewrite": "no",
    maxmemory: "1gb",
    "maxmemory-policy": "noeviction",
  },
  board: { appendonly: "no", "maxmemory-policy": "noeviction" },
};

export const startRedis = async (options: RedisOptions): Promise<Server> => {
  const { command, env } = await redisBinary(options.log);
  const { folder, temporary } = serverFolder(options.name, options.dataDir);
  const port = await freePort(options.port);
  const settings = {
    port: String(port),
    bind: "127.0.0.1",
    dir: folder,
    daemonize: "no",
    save: "",
    ...byRole[options.role],
    ...options.settings,
  };
  return launch({
    name: options.name,
    url: `redis://127.0.0.1:${port}`,
    port,
    command,
    args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    env,
    folder,
    ...serverUser(),
    stopSignal: "SIGTERM",
    stopWithinMs: STOP_WITHIN_MS,
    temporary,
    isReady: () => redisIsReady(port),
    readyWithinMs: READY_WITHIN_MS,
  });
};
