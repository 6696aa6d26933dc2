/** Ground for the tests of the stream: one of its own on a Redis that may be killed, and ways to fill and read it. */
import { freshName, silent, someOrders, until } from "../../../test/fresh.ts";
import { closeRedis } from "../../runtime/redis.ts";
import { encodeOrders } from "../../wire/order-message.ts";
import { openStream, type StreamClient } from "./stream.ts";

export type StreamGround = {
  readonly redis: StreamClient;
  readonly stream: string;
  /** Closed last in, first out. */
  readonly closers: (() => Promise<unknown>)[];
  /** A client that answers, and that is closed with the ground. */
  opened(client: StreamClient): Promise<StreamClient>;
  /** An entry of this many orders; its id. */
  add(orders: number): Promise<string>;
  addEach(...sizes: number[]): Promise<string[]>;
  /** Reads with the group as some consumer, without the product's code around it. */
  take(count: number, group?: string, name?: string): Promise<string[]>;
  backlog(group?: string): Promise<[orders: number, oldest: string]>;
  idsIn(): Promise<string[]>;
  close(): Promise<void>;
};

export const openStreamGround = async (redisUrl: string): Promise<StreamGround> => {
  const closers: (() => Promise<unknown>)[] = [];
  const opened = async (client: StreamClient): Promise<StreamClient> => {
    closers.push(() => closeRedis(client));
    await untilReady(client);
    return client;
  };
  const redis = await opened(openStream(redisUrl, "test", silent));
  const stream = freshName("orders");
  const add = (orders: number) => redis.addOrders(stream, orders, encodeOrders(someOrders(orders)));
  return {
    redis,
    stream,
    closers,
    opened,
    add,
    addEach: async (...sizes) => {
      const ids: string[] = [];
      for (const size of sizes) ids.push(await add(size));
      return ids;
    },
    take: async (count, group = "counters", name = "other") => {
      const reply = (await redis.xreadgroup("GROUP", group, name, "COUNT", count, "STREAMS", stream, ">")) as
        | [string, [string, string[]][]][]
        | null;
      return reply?.[0]?.[1].map(([id]) => id) ?? [];
    },
    backlog: async (group = "counters") => {
      const [orders, oldest] = await redis.backlogOf(stream, group);
      return [Number(orders), oldest];
    },
    idsIn: async () => (await redis.xrange(stream, "-", "+")).map(([id]) => id),
    close: async () => {
      for (let close = closers.pop(); close; close = closers.pop()) await close();
    },
  };
};

export const untilReady = (client: StreamClient): Promise<void> =>
  until("Redis answers", () =>
    client.ping().then(
      () => true,
      () => false,
    ),
  );
