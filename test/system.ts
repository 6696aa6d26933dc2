/** The API and its workers in this process, on a database, a board and a stream of their own: for tests of the wire. */
import { pino } from "pino";
import { inject } from "vitest";
import { modes } from "#shared/modes/all.ts";
import { loadSettings } from "#shared/runtime/config.ts";
import { type Closers, openClosers } from "#shared/runtime/lifecycle.ts";
import type { Pool } from "#shared/store/pool.ts";
import { startRedis } from "../dev/system/servers/redis.ts";
import type { Server } from "../dev/system/servers/server.ts";
import { apiKnobs } from "../services/order-api/config.ts";
import { serve } from "../services/order-api/serve.ts";
import { catalogue, freshDatabase, freshName, poolOn, until } from "./fresh.ts";
import { startWorkerHere } from "./worker-here.ts";

export type System = {
  readonly url: string;
  readonly pool: Pool;
  readonly databaseUrl: string;
  readonly board: Server;
  readonly stream: Server;
  close(): Promise<void>;
};

export type SystemOptions = {
  readonly modes?: readonly string[];
  readonly workers?: boolean;
  /** Used and left alone, instead of fresh ones. */
  readonly on?: Pick<System, "databaseUrl" | "board" | "stream">;
  /** Settings of the API, by their variables. */
  readonly env?: Record<string, string>;
};

export const startSystem = async (options: SystemOptions = {}): Promise<System> => {
  const closers = openClosers();
  const { board, stream, databaseUrl } = options.on ?? (await freshGround(closers));
  const pool = poolOn(databaseUrl, 8);
  closers.add("pool", () => pool.end());
  const topic = freshName("orders");
  const env = {
    DATABASE_URL: databaseUrl,
    BOARD_REDIS_URL: board.url,
    STREAM_REDIS_URL: stream.url,
    KAFKA_BROKERS: inject("kafkaBrokers"),
    V1_TICK_MS: "200",
    V3_TOPIC: topic,
    V3_GROUP: topic,
    PORT: "0",
    POLL_EVERY_MS: "100",
    ...options.env,
  };
  const enabled = modes
    .filter((mode) => options.modes?.includes(mode.name) ?? true)
    .map((mode) => ({ mode, settings: loadSettings(mode.knobs, env) as Record<string, unknown> }));
  const settings = loadSettings(apiKnobs, env);
  const log = pino({ level: "silent" });
  const failed = (error: Error): void => {
    throw error;
  };
  const { url } = await serve({ settings, enabled, catalogue, log, closers, failed });
  if (options.workers ?? true)
    for (const { mode, settings: knobs } of enabled) {
      const { stop } = startWorkerHere(mode, knobs, board.url, pool);
      closers.add(`worker ${mode.name}`, stop);
    }
  await until("every mode takes orders", () => allModesReady(url));
  const close = async (): Promise<void> => {
    const failures = await closers.closeAll();
    if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join("; "));
  };
  return { url, pool, databaseUrl, board, stream, close };
};

const freshGround = async (closers: Closers): Promise<Pick<System, "databaseUrl" | "board" | "stream">> => {
  const [board, stream, databaseUrl] = await Promise.all([
    startRedis({ name: "redis-board", role: "board" }),
    startRedis({ name: "redis-stream", role: "stream" }),
    freshDatabase(),
  ]);
  closers.add("board", () => board.stop());
  closers.add("stream", () => stream.stop());
  return { board, stream, databaseUrl };
};

const allModesReady = async (url: string): Promise<boolean> => {
  const response = await fetch(`${url}/readyz`);
  const { modes: found } = (await response.json()) as { modes: Record<string, { health: string }> };
  return Object.values(found).every(({ health }) => health === "ok");
};
