/** What carries orders between the API and the workers, reached directly: for what no API would put into it. */
import { once } from "node:events";
import { openKafka } from "#shared/modes/kafka/client.ts";
import { kafkaKnobs } from "#shared/modes/kafka/knobs.ts";
import { redisStreamsKnobs } from "#shared/modes/redis-streams/knobs.ts";
import { openReader, openStream } from "#shared/modes/redis-streams/stream.ts";
import { loadSettings } from "#shared/runtime/config.ts";
import { closeRedis } from "#shared/runtime/redis.ts";
import type { Ground } from "./ground.ts";

/** One stream entry or one record of the topic, as text, and how many orders it is said to hold. */
export type Parcel = { readonly text: string; readonly orders: number };

export type Carrier = {
  /** Each becomes an entry or a record of its own; resolves when it is as durable as the mode promises. */
  put(parcels: readonly Parcel[]): Promise<void>;
  /** Hears of what is put in, by anybody, from about now until `close`. */
  listen(onParcel: (parcel: Parcel) => void): Promise<void>;
  close(): Promise<void>;
};

const BLOCK_MS = 200;
const COUNT = 200;
const UNHEARD = { info: () => undefined, warn: () => undefined, error: () => undefined };

export const openCarrier = (ground: Ground): Promise<Carrier> =>
  ground.mode === "v3" ? openTopicCarrier(ground) : openStreamCarrier(ground);

/** The stream's settings as the programs have them, and a connection that is there. */
export const openStreamOf = async ({ addresses }: Ground) => {
  const variables = { STREAM_REDIS_URL: addresses.stream, DATABASE_URL: addresses.postgres };
  const { v2Stream, v2Group } = loadSettings(redisStreamsKnobs, variables);
  const stream = openStream(addresses.stream, "coffee-faults", UNHEARD);
  await once(stream, "ready");
  return { stream, v2Stream, v2Group };
};

export const openTopicOf = ({ addresses }: Ground) => {
  const { v3Topic, v3Group } = loadSettings(kafkaKnobs, { KAFKA_BROKERS: addresses.kafka });
  return { kafka: openKafka(addresses.kafka, "coffee-faults", UNHEARD, "patient"), v3Topic, v3Group };
};

type Fields = readonly [id: string, fields: readonly string[]];

const openStreamCarrier = async (ground: Ground): Promise<Carrier> => {
  const { stream, v2Stream } = await openStreamOf(ground);
  const reads = openReader(ground.addresses.stream, "coffee-faults-reader", UNHEARD);
  await once(reads, "ready");
  let isClosed = false;
  let listening: Promise<void> = Promise.resolve();
  const follow = async (after: string, onParcel: (parcel: Parcel) => void): Promise<void> => {
    for (let last = after; !isClosed; ) {
      const reply = await reads.xread("COUNT", COUNT, "BLOCK", BLOCK_MS, "STREAMS", v2Stream, last);
      const entries = ((reply as [string, Fields[]][] | null) ?? [])[0]?.[1] ?? [];
      for (const [id, fields] of entries) {
        const field = (name: string): string => fields[fields.indexOf(name) + 1] ?? "";
        onParcel({ text: field("orders"), orders: Number(field("n")) });
        last = id;
      }
    }
  };
  return {
    put: async (parcels) => {
      // by the script that keeps the running total, from which lag is told
      for (const { text, orders } of parcels) await stream.addOrders(v2Stream, orders, text);
    },
    listen: async (onParcel) => {
      const [newest] = (await stream.xrevrange(v2Stream, "+", "-", "COUNT", 1)) as unknown as Fields[];
      listening = follow(newest?.[0] ?? "0", onParcel);
      // `close` tells
      listening.catch(() => undefined);
    },
    close: async () => {
      isClosed = true;
      try {
        await listening;
      } finally {
        await Promise.all([closeRedis(reads), closeRedis(stream)]);
      }
    },
  };
};

const openTopicCarrier = async (ground: Ground): Promise<Carrier> => {
  const { kafka, v3Topic } = openTopicOf(ground);
  const producer = kafka.producer({ idempotent: false, allowAutoTopicCreation: false });
  const consumer = kafka.consumer({ groupId: "faults", allowAutoTopicCreation: false });
  await producer.connect();
  return {
    put: async (parcels) => {
      // without a key: another partition, as a rule, than the order's own, and so another worker
      await producer.send({
        topic: v3Topic,
        acks: -1,
        messages: parcels.map(({ text }) => ({ key: null, value: text })),
      });
    },
    listen: async (onParcel) => {
      await consumer.connect();
      await consumer.subscribe({ topics: [v3Topic], fromBeginning: false });
      const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
      await consumer.run({
        eachMessage: async ({ message }) => onParcel({ text: message.value?.toString() ?? "", orders: 1 }),
      });
      await joined;
    },
    close: async () => {
      await Promise.all([consumer.disconnect(), producer.disconnect()]);
    },
  };
};
