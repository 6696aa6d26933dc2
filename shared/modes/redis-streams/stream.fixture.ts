/** A stream of its own for each test, on a Redis of the file that may be killed, and ways to fill and read it. */
import { afterAll, beforeAll, beforeEach, onTestFinished } from "vitest";
import { startRedis } from "../../../dev/system/servers/redis.ts";
import type { Server } from "../../../dev/system/servers/server.ts";
import { freshName, silent, someOrders, until } from "../../../test/fresh.ts";
import { closeRedis } from "../../runtime/redis.ts";
import { encodeOrders } from "../../wire/order-message.ts";
import { createGroup } from "./consumer.ts";
import { openStream, type StreamClient } from "./stream.ts";

export type TestStream = {
  readonly redis: StreamClient;
  readonly stream: string;
  /** Adds entries of these numbers of orders; their ids. */
  add(...sizes: number[]): Promise<string[]>;
  createGroup(group?: string): Promise<void>;
  /** Reads with the group as another consumer, without the product's code. */
  take(count: number, group?: string, name?: string): Promise<string[]>;
  settle(group: string, ids: readonly (string | undefined)[]): Promise<unknown>;
  backlog(group?: string): Promise<[orders: number, oldest: string]>;
  ids(): Promise<string[]>;
};

/** A client that answers, and that is closed with its test. */
export const opened = async (client: StreamClient): Promise<StreamClient> => {
  onTestFinished(() => closeRedis(client));
  await untilReady(client);
  return client;
};

export const untilReady = (client: StreamClient): Promise<void> =>
  until("Redis answers", () =>
    client.ping().then(
      () => true,
      () => false,
    ),
  );

/** Starts a Redis for the file; the functions return it, and the stream of the current test. */
export const useStream = (): { server(): Server; test(): TestStream } => {
  let server: Server;
  let current: TestStream;
  beforeAll(async () => {
    server = await startRedis({ name: "redis-stream", role: "stream" });
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    current = streamOn(await opened(openStream(server.url, "test", silent)));
  });
  return { server: () => server, test: () => current };
};

const streamOn = (redis: StreamClient): TestStream => {
  const stream = freshName("orders");
  return {
    redis,
    stream,
    add: async (...sizes) => {
      const ids: string[] = [];
      for (const size of sizes) ids.push(await redis.addOrders(stream, size, encodeOrders(someOrders(size))));
      return ids;
    },
    createGroup: (group = "counters") => createGroup(redis, stream, group),
    take: async (count, group = "counters", name = "other") => {
      const reply = (await redis.xreadgroup("GROUP", group, name, "COUNT", count, "STREAMS", stream, ">")) as
        | [string, [string, string[]][]][]
        | null;
      return reply?.[0]?.[1].map(([id]) => id) ?? [];
    },
    settle: (group, ids) => redis.xack(stream, group, ...ids.map((id) => id ?? "")),
    backlog: async (group = "counters") => {
      const [orders, oldest] = await redis.backlogOf(stream, group);
      return [Number(orders), oldest];
    },
    ids: async () => (await redis.xrange(stream, "-", "+")).map(([id]) => id),
  };
};
