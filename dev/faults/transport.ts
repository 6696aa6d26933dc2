/** The stream or topic between the API and the workers, used directly: for what no API would put into it. */
import { once } from "node:events";
import { openKafka } from "#shared/modes/kafka/client.ts";
import { kafkaKnobs } from "#shared/modes/kafka/mode.ts";
import { redisStreamsKnobs } from "#shared/modes/redis-streams/mode.ts";
import { openReader, openStream } from "#shared/modes/redis-streams/stream.ts";
import { loadSettings } from "#shared/runtime/config.ts";
import { closeRedis } from "#shared/runtime/redis.ts";
import { servers } from "#shared/servers.ts";
import type { FaultySystem } from "./system.ts";

/** One stream entry or one record of the topic, as text, and how many orders it claims to hold. */
export type Message = { readonly text: string; readonly orders: number };

export type Transport = {
  /** Each becomes an entry or a record of its own; resolves when it is as durable as the mode promises. */
  put(messages: readonly Message[]): Promise<void>;
  /** Calls `onMessage` for each message that any producer adds between this call and `close`. */
  listen(onMessage: (message: Message) => void): Promise<void>;
  close(): Promise<void>;
};

const BLOCK_MS = 200;
const COUNT = 200;
const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

export const openTransport = (system: FaultySystem): Promise<Transport> =>
  system.backend === "kafka" ? openTopicTransport(system) : openStreamTransport(system);

/** The stream's settings as the programs have them, and an open connection. */
export const openStreamOf = async ({ addresses }: FaultySystem) => {
  const { v2Stream, v2Group } = loadSettings(redisStreamsKnobs, {
    [servers.stream.variable]: addresses.stream,
    [servers.postgres.variable]: addresses.postgres,
  });
  const stream = openStream(addresses.stream, "coffee-faults", SILENT);
  await once(stream, "ready");
  return { stream, v2Stream, v2Group };
};

export const openTopicOf = ({ addresses }: FaultySystem) => {
  const variables = { [servers.kafka.variable]: addresses.kafka };
  const { v3Topic, v3Group } = loadSettings(kafkaKnobs, variables);
  return {
    kafka: openKafka({ kafkaBrokers: addresses.kafka }, "coffee-faults", SILENT, "patient"),
    v3Topic,
    v3Group,
  };
};

type Entry = readonly [id: string, fields: readonly string[]];

const openStreamTransport = async (system: FaultySystem): Promise<Transport> => {
  const { stream, v2Stream } = await openStreamOf(system);
  const reader = openReader(system.addresses.stream, "coffee-faults-reader", SILENT);
  await once(reader, "ready");
  let isClosed = false;
  let listening: Promise<void> = Promise.resolve();
  const follow = async (after: string, onMessage: (message: Message) => void): Promise<void> => {
    for (let last = after; !isClosed; ) {
      const reply = await reader.xread("COUNT", COUNT, "BLOCK", BLOCK_MS, "STREAMS", v2Stream, last);
      const entries = ((reply as [string, Entry[]][] | null) ?? [])[0]?.[1] ?? [];
      for (const [id, fields] of entries) {
        const field = (name: string): string => fields[fields.indexOf(name) + 1] ?? "";
        onMessage({ text: field("orders"), orders: Number(field("n")) });
        last = id;
      }
    }
  };
  return {
    put: async (messages) => {
      // by the script that keeps the running total, from which the lag is computed
      for (const { text, orders } of messages) await stream.addOrders(v2Stream, orders, text);
    },
    listen: async (onMessage) => {
      const [newest] = (await stream.xrevrange(v2Stream, "+", "-", "COUNT", 1)) as unknown as Entry[];
      listening = follow(newest?.[0] ?? "0", onMessage);
      // `close` rejects with its error
      listening.catch(() => undefined);
    },
    close: async () => {
      isClosed = true;
      try {
        await listening;
      } finally {
        await Promise.all([closeRedis(reader), closeRedis(stream)]);
      }
    },
  };
};

const openTopicTransport = async (system: FaultySystem): Promise<Transport> => {
  const { kafka, v3Topic } = openTopicOf(system);
  const producer = kafka.producer({ idempotent: false, allowAutoTopicCreation: false });
  const consumer = kafka.consumer({ groupId: "faults", allowAutoTopicCreation: false });
  await producer.connect();
  return {
    put: async (messages) => {
      // without a key: as a rule another partition than the order's own, and so another worker
      await producer.send({
        topic: v3Topic,
        acks: -1,
        messages: messages.map(({ text }) => ({ key: null, value: text })),
      });
    },
    listen: async (onMessage) => {
      await consumer.connect();
      await consumer.subscribe({ topics: [v3Topic], fromBeginning: false });
      const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
      await consumer.run({
        eachMessage: async ({ message }) => onMessage({ text: message.value?.toString() ?? "", orders: 1 }),
      });
      await joined;
    },
    close: async () => {
      await Promise.all([consumer.disconnect(), producer.disconnect()]);
    },
  };
};
