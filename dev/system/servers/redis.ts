import { debianProgram } from "./apt.ts";
import { serverFolder, serverUser } from "./data-dir.ts";
import { freePort } from "./ports.ts";
import { type Cores, launch } from "./process.ts";
import { redisIsReady } from "./ready.ts";
import type { Server } from "./server.ts";
import { type RedisRole, redisArguments, redisSettings, type Settings } from "./settings.ts";

export type RedisOptions = {
  /** The server's name, as in "redis-board" or "redis-stream". */
  name: string;
  /** Kept after the end. Without it the data is temporary. */
  dataDir?: string;
  /** Preferred; the next free one is taken. */
  port?: number;
  /** Any processors without. */
  cores?: Cores | undefined;
  role: RedisRole;
  /** Further settings, by Redis' names. */
  settings?: Settings;
  /** Further variables of its environment. */
  env?: Record<string, string>;
  /** Reports that redis-server is being installed. */
  log?: (line: string) => void;
};

/** Reading back a log of 1 GB; an empty start takes 50 ms. */
const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 10_000;

export const startRedis = async (options: RedisOptions): Promise<Server> => {
  const { command, env } = await debianProgram("redis-server", options.log ?? (() => undefined), {
    packages: ["redis-tools"],
    instead: "name running servers in BOARD_REDIS_URL and STREAM_REDIS_URL",
  });
  const { folder, temporary } = serverFolder(options.name, options.dataDir);
  const port = await freePort(options.port);
  const settings = {
    port: String(port),
    bind: "127.0.0.1",
    dir: folder,
    daemonize: "no",
    ...redisSettings(options.role),
    ...options.settings,
  };
  return launch({
    name: options.name,
    url: `redis://127.0.0.1:${port}`,
    port,
    command,
    args: redisArguments(settings),
    env: { ...env, ...options.env },
    folder,
    ...serverUser(),
    stopSignal: "SIGTERM",
    stopWithinMs: STOP_WITHIN_MS,
    temporary,
    isReady: () => redisIsReady(port),
    readyWithinMs: READY_WITHIN_MS,
    cores: options.cores,
  });
};
