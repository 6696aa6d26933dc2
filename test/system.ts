/** The API and its workers in this process, on a database, a board and a stream of their own: for tests of the wire. */

import type { FastifyInstance } from "fastify";
import { pino } from "pino";
import { Registry } from "prom-client";
import { inject } from "vitest";
import { openBoardReader, openBoardWriter } from "#shared/board/board.ts";
import { modes } from "#shared/modes/all.ts";
import { loadSettings } from "#shared/runtime/config.ts";
import { openClosers } from "#shared/runtime/lifecycle.ts";
import type { Pool } from "#shared/store/pool.ts";
import { startRedis } from "../dev/servers/redis.ts";
import type { Server } from "../dev/servers/server.ts";
import { buildApp } from "../services/order-api/app.ts";
import { type Fanout, openFanout } from "../services/order-api/fanout.ts";
import { openIntakes } from "../services/order-api/intakes.ts";
import { openApiMetrics } from "../services/order-api/metrics.ts";
import { watchDatabase } from "../services/order-api/routes/operations.ts";
import { openWorkerMetrics } from "../services/worker/metrics.ts";
import { openWorker } from "../services/worker/worker.ts";
import { freshDatabase, freshName, poolOn, rules, silent, until } from "./fresh.ts";

export type System = {
  readonly url: string;
  readonly app: FastifyInstance;
  readonly pool: Pool;
  readonly databaseUrl: string;
  readonly board: Server;
  readonly stream: Server;
  readonly registry: Registry;
  close(): Promise<void>;
};

export type SystemOptions = {
  readonly modes?: readonly string[];
  readonly workers?: boolean;
  readonly maxLagOrders?: number;
  readonly maxSockets?: number;
  readonly allowedOrigins?: readonly string[];
};

export const startSystem = async (options: SystemOptions = {}): Promise<System> => {
  const closers = openClosers();
  const [board, stream, databaseUrl] = await Promise.all([
    startRedis({ name: "redis-board", role: "board" }),
    startRedis({ name: "redis-stream", role: "stream" }),
    freshDatabase(),
  ]);
  closers.add("board", () => board.stop());
  closers.add("stream", () => stream.stop());
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
  };
  const enabled = modes
    .filter((mode) => options.modes?.includes(mode.name) ?? true)
    .map((mode) => ({ mode, settings: loadSettings(mode.knobs, env) as Record<string, unknown> }));
  const intakes = openIntakes(
    enabled,
    { maxLagOrders: options.maxLagOrders ?? 100_000, pollEveryMs: 100 },
    silent,
  );
  closers.add("intakes", () => intakes.close());
  const reader = openBoardReader(
    board.url,
    () => fanout.changed(),
    () => undefined,
  );
  closers.add("reader", () => reader.close());
  const registry = new Registry();
  const metrics = openApiMetrics(registry, rules.catalogue, intakes.states);
  const fanout: Fanout = openFanout(reader.latest, intakes, metrics);
  const database = watchDatabase(pool, 100);
  closers.add("database watch", () => database.close());
  const app = await buildApp({
    log: pino({ level: "silent" }),
    rules,
    intakes,
    fanout,
    metrics,
    registry,
    pool,
    databaseState: database.state,
    boardIsConnected: reader.isConnected,
    maxSockets: options.maxSockets ?? 100,
    allowedOrigins: options.allowedOrigins ?? [],
  });
  closers.add("app", () => app.close());
  if (options.workers ?? true)
    for (const { mode, settings } of enabled) {
      const writer = openBoardWriter(board.url, () => undefined);
      const worker = openWorker({
        settings: { publishEveryMs: 100, refreshEveryMs: 500, pinnedStores: "", poisonStopOrders: 20 },
        mode: mode.name,
        source: mode.openSource(settings, silent),
        pool,
        board: writer,
        log: silent,
        metrics: openWorkerMetrics(new Registry(), mode.name),
      });
      closers.add("writer", () => writer.close());
      closers.add(`worker ${mode.name}`, () => worker.close());
    }
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  await until("every mode takes orders", () =>
    Object.values(intakes.statuses()).every(({ health }) => health === "ok"),
  );
  const close = async (): Promise<void> => {
    const failures = await closers.closeAll();
    if (failures.length > 0)
      throw new AggregateError(failures, failures.map((failure) => failure.message).join("; "));
  };
  return { url, app, pool, databaseUrl, board, stream, registry, close };
};
