/** Data, servers and names that no other test uses. */
import pg from "pg";
import { v7 as newOrderId } from "uuid";
import { inject, onTestFinished } from "vitest";
import { catalogueFrom } from "#shared/domain/catalogue.ts";
import { type Order, orderFrom } from "#shared/domain/order.ts";
import { randomFrom } from "#shared/domain/random.ts";
import type { Log } from "#shared/ports.ts";
import type { Closers } from "#shared/runtime/lifecycle.ts";
import { openPool, type Pool } from "#shared/store/pool.ts";
import { startRedis } from "../dev/system/servers/redis.ts";
import type { Server } from "../dev/system/servers/server.ts";
import { waitUntil } from "../dev/system/wait.ts";
import catalogueJson from "../services/order-api/catalogue.json" with { type: "json" };
import { TEMPLATE } from "./setup.ts";

/** The short name that most tests use. */
export const until = waitUntil;

let names = 0;
/** A name that no other test of this run uses. */
export const freshName = (what: string): string =>
  `${what}_${process.pid}_${Date.now().toString(36)}_${names++}`;

/** A migrated database on the shared PostgreSQL, or on the given one; it is dropped with the server. */
export const freshDatabase = async (
  serverUrl = inject("postgresUrl"),
  template = TEMPLATE,
): Promise<string> => {
  const name = freshName("test");
  const admin = new pg.Client({ connectionString: serverUrl });
  await admin.connect();
  try {
    await admin.query(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  } finally {
    await admin.end();
  }
  const url = new URL(serverUrl);
  url.pathname = name;
  return url.href;
};

export const poolOn = (databaseUrl: string, maxConnections = 4): Pool =>
  openPool(
    {
      databaseUrl,
      program: "coffee-test",
      maxConnections,
      statementTimeoutMs: 20_000,
      connectTimeoutMs: 5_000,
    },
    () => undefined,
  );

/** A pool that ends with the current test. */
export const poolForTest = (databaseUrl: string, maxConnections?: number): Pool => {
  const pool = poolOn(databaseUrl, maxConnections);
  onTestFinished(() => pool.end());
  return pool;
};

/** What the programs of one system connect to besides the shared Kafka. */
export type Servers = { readonly databaseUrl: string; readonly board: Server; readonly stream: Server };

/** Two new Redis servers, which stop with the closers, and a new database unless one is given. */
export const freshServers = async (closers: Closers, databaseUrl?: string): Promise<Servers> => {
  const [board, stream, database] = await Promise.all([
    startRedis({ name: "redis-board", role: "board" }),
    startRedis({ name: "redis-stream", role: "stream" }),
    databaseUrl ?? freshDatabase(),
  ]);
  for (const server of [board, stream]) closers.add(server.name, () => server.stop());
  return { databaseUrl: database, board, stream };
};

/** The variables of programs on these servers; the topic is new. */
export const variablesOf = ({ databaseUrl, board, stream }: Servers): Record<string, string> => {
  const topic = freshName("orders");
  return {
    DATABASE_URL: databaseUrl,
    BOARD_REDIS_URL: board.url,
    STREAM_REDIS_URL: stream.url,
    KAFKA_BROKERS: inject("kafkaBrokers"),
    V3_TOPIC: topic,
    V3_GROUP: topic,
  };
};

/** Closes everything, and throws if something could not be closed. */
export const closeAll = async (closers: Closers): Promise<void> => {
  const failures = await closers.closeAll();
  if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join("; "));
};

export const silent: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

export const catalogue = catalogueFrom(catalogueJson);
export const rules = { catalogue, maxEventAgeDays: 366 };

/** Valid orders, the same for the same seed except for their ids and times of acceptance. */
export const someOrders = (count: number, seed = 1, eventTime?: (index: number) => string): Order[] => {
  const random = randomFrom(seed);
  return Array.from({ length: count }, (_, index) => {
    const request = {
      drink: random.pick(catalogue.drinks),
      store: random.pick(catalogue.stores),
      price: (200 + Math.floor(random.next() * 500)) / 100,
      ...(eventTime && { timestamp: eventTime(index) }),
    };
    const checked = orderFrom(request, newOrderId(), Date.now(), rules);
    if ("errors" in checked) throw new Error(JSON.stringify(checked.errors));
    return checked.order;
  });
};
