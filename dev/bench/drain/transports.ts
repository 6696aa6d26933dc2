/** Fills what carries the orders of v2 and v3 as their intakes do, and tells what in it is not settled yet. */
import type { Order } from "#shared/domain/order.ts";
import { openKafka } from "#shared/modes/kafka/client.ts";
import { kafkaKnobs } from "#shared/modes/kafka/mode.ts";
import { ensureTopic, openBacklog } from "#shared/modes/kafka/topic.ts";
import { redisStreamsKnobs } from "#shared/modes/redis-streams/mode.ts";
import { openStream } from "#shared/modes/redis-streams/stream.ts";
import type { Log } from "#shared/ports.ts";
import { loadSettings } from "#shared/runtime/config.ts";
import { closeRedis } from "#shared/runtime/redis.ts";
import { encodeOrder, encodeOrders } from "#shared/wire/order-message.ts";
import { waitUntil } from "../../system/wait.ts";
import type { Ground } from "../ground.ts";

export type Transport = {
  /** Resolves when the orders are as safe as a reply would have promised. */
  add(orders: readonly Order[]): Promise<void>;
  /** Orders that nobody has settled. */
  waiting(): Promise<number>;
};
type Env = Readonly<Record<string, string>>;
type Closers = Ground["closers"];

/** What v2 puts into an entry when it is busy. */
const ENTRY_ORDERS = 500;
const SEND_TIMEOUT_MS = 10_000;
const ANSWERS_WITHIN_MS = 60_000;

const logTo = (tell: (line: string) => void): Log => ({
  info: () => undefined,
  warn: (fields, message) => tell(`${message} ${JSON.stringify(fields)}`),
  error: (fields, message) => tell(`${message} ${JSON.stringify(fields)}`),
});

export const openStreamTransport = async (
  env: Env,
  closers: Closers,
  tell: (line: string) => void,
): Promise<Transport> => {
  const { streamRedisUrl, v2Stream, v2Group } = loadSettings(redisStreamsKnobs, env);
  const redis = openStream(streamRedisUrl, "coffee-bench", logTo(tell));
  closers.add("the stream", async () => {
    await redis.del(v2Stream);
    await closeRedis(redis);
  });
  await waitUntil(
    "the stream's Redis answers",
    async () => (await redis.ping()) === "PONG",
    ANSWERS_WITHIN_MS,
  );
  return {
    add: async (orders) => {
      const adding: Promise<string>[] = [];
      for (let start = 0; start < orders.length; start += ENTRY_ORDERS) {
        const entry = orders.slice(start, start + ENTRY_ORDERS);
        adding.push(redis.addOrders(v2Stream, entry.length, encodeOrders(entry)));
      }
      await Promise.all(adding);
    },
    waiting: async () => Number((await redis.backlogOf(v2Stream, v2Group))[0]),
  };
};

export const openTopicTransport = async (
  env: Env,
  closers: Closers,
  tell: (line: string) => void,
): Promise<Transport> => {
  const settings = loadSettings(kafkaKnobs, env);
  const log = logTo(tell);
  const kafka = openKafka(settings.kafkaBrokers, "coffee-bench", log, "patient");
  const [admin, producer] = [
    kafka.admin(),
    kafka.producer({ idempotent: false, allowAutoTopicCreation: false }),
  ];
  await ensureTopic(settings, log);
  closers.add("the topic", async () => {
    await admin.deleteTopics({ topics: [settings.v3Topic] });
    await Promise.all([producer.disconnect(), admin.disconnect()]);
  });
  await Promise.all([admin.connect(), producer.connect()]);
  const backlog = openBacklog(admin, settings, log);
  return {
    add: async (orders) => {
      const messages = orders.map((order) => ({ key: order.id, value: encodeOrder(order) }));
      await producer.send({ topic: settings.v3Topic, acks: -1, timeout: SEND_TIMEOUT_MS, messages });
    },
    waiting: async () => (await backlog()).orders,
  };
};
