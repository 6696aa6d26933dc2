/** Two brokers, one of which is cut off or killed in the middle of writes: whatever was acknowledged is in the topic. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { startKafka } from "../../../dev/system/servers/kafka.ts";
import { freePort } from "../../../dev/system/servers/ports.ts";
import type { Server } from "../../../dev/system/servers/server.ts";
import { openTcpProxy, type TcpProxy } from "../../../dev/system/tcp-proxy.ts";
import { freshName, silent, someOrders, until } from "../../../test/fresh.ts";
import { randomFrom } from "../../domain/random.ts";
import type { Intake } from "../../ports.ts";
import { loadSettings } from "../../runtime/config.ts";
import { openKafka } from "./client.ts";
import { openKafkaIntake, openTurns, partitionInTurn } from "./intake.ts";
import { type KafkaSettings, kafkaKnobs } from "./mode.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (let close = closers.pop(); close; close = closers.pop()) await close();
}, 60_000);

type Broker = { readonly kafka: Server; readonly proxy: TcpProxy };

/** Clients that come through the proxy stay on it. */
const startBroker = async (id: number, controllerPort: number): Promise<Broker> => {
  const proxy = await openTcpProxy(randomFrom(id));
  closers.push(() => proxy.close());
  const port = await freePort();
  proxy.forwardTo(port);
  const kafka = await startKafka({
    node: { id, controllerPort },
    listeners: [{ name: "PROXY", port, advertisedPort: proxy.port }],
    settings: { "offsets.topic.replication.factor": "2" },
  });
  closers.push(() => kafka.stop());
  return { kafka, proxy };
};

type Cluster = {
  readonly first: Broker;
  readonly second: Broker;
  readonly topic: string;
  readonly intake: Intake;
};

const startCluster = async (env: Readonly<Record<string, string>> = {}): Promise<Cluster> => {
  const controllerPort = await freePort();
  const first = await startBroker(1, controllerPort);
  const second = await startBroker(2, controllerPort);
  const topic = freshName("orders");
  const settings = loadSettings(kafkaKnobs, {
    KAFKA_BROKERS: [first, second].map(({ proxy }) => `127.0.0.1:${proxy.port}`).join(","),
    V3_TOPIC: topic,
    ...env,
  }) as KafkaSettings;
  const intake = openKafkaIntake(settings, silent);
  closers.push(() => intake.close());
  await until("it takes orders", async () => (await taken(intake, 1, 0)).length === 1);
  return { first, second, topic, intake };
};

/** The ids of the orders of one write; none when it was not acknowledged. */
const taken = async (intake: Intake, count: number, seed: number): Promise<string[]> => {
  const orders = someOrders(count, seed);
  try {
    await intake.accept(orders);
    return orders.map(({ id }) => id);
  } catch {
    return [];
  }
};

/** The keys of all records there are. */
const keysIn = async (brokers: string, topic: string): Promise<Set<string>> => {
  const kafka = openKafka(brokers, "test", silent, "patient");
  const admin = kafka.admin();
  const consumer = kafka.consumer({ groupId: topic });
  closers.push(
    () => admin.disconnect(),
    () => consumer.disconnect(),
  );
  await Promise.all([admin.connect(), consumer.connect()]);
  const offsets = await admin.fetchTopicOffsets(topic);
  const most = offsets.reduce((sum, { high }) => sum + Number(high), 0);
  const keys = new Set<string>();
  let read = 0;
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      read++;
      keys.add(String(message.key));
    },
  });
  await until(`all ${most} records are read`, () => read === most);
  return keys;
};

const ORDERS = 300;

test("an order that was acknowledged is in the topic, although a broker was cut off in the middle of its write", async () => {
  const { first, second, topic, intake } = await startCluster();
  const acknowledged: string[] = [];
  for (let wave = 1; wave <= 24; wave++) {
    // the other one answers first
    second.proxy.disturb({ delayMs: 40, jitterMs: 0 });
    const taking = taken(intake, ORDERS, wave);
    await sleep(20);
    second.proxy.disturb("cut");
    await sleep(5);
    second.proxy.disturb("none");
    acknowledged.push(...(await taking));
  }
  // most are tried again in time
  expect(acknowledged.length).toBeGreaterThan(12 * ORDERS);
  const there = await keysIn(`${first.kafka.url},${second.kafka.url}`, topic);
  expect(acknowledged.filter((id) => !there.has(id))).toEqual([]);
}, 180_000);

test("an order that was acknowledged is in the topic, although a broker was killed, where both have it", async () => {
  const { first, second, topic, intake } = await startCluster({ V3_REPLICAS: "2" });
  const acknowledged: string[] = [];
  let isDown = false;
  let later = 0;
  const taking = Array.from({ length: 4 }, async (_, client) => {
    const isEnough = (): boolean => later > 20 * ORDERS;
    for (let wave = 0; wave < 2_000 && !isEnough(); wave++) {
      const wasDown = isDown;
      const ids = await taken(intake, ORDERS, client * 10_000 + wave);
      acknowledged.push(...ids);
      if (wasDown) later += ids.length;
      if (ids.length === 0) await sleep(20);
    }
  });
  await sleep(1_000);
  await second.kafka.kill();
  isDown = true;
  await Promise.all(taking);
  // the other one leads all partitions now
  expect(later).toBeGreaterThan(20 * ORDERS);
  const there = await keysIn(first.kafka.url, topic);
  expect(acknowledged.filter((id) => !there.has(id))).toEqual([]);
}, 180_000);

const partitionMetadata = [4, 0, 2].map((partitionId) => ({
  partitionId,
  partitionErrorCode: 0,
  leader: 1,
  replicas: [1],
  isr: [1],
}));
const partitionAt = partitionInTurn();
const partitionOf = (partition: number): number =>
  partitionAt({ topic: "orders", partitionMetadata, message: { value: "x", partition } });

/** Turns by a clock on which each write takes so long. */
const turnsOf = (msPerWrite: number) => {
  let now = 0;
  const turns = openTurns(() => now);
  return {
    ...turns,
    take: (bytes: number): number => {
      const turn = turns.take(bytes);
      now += msPerWrite;
      return turn;
    },
  };
};

test("small writes stay together, and go on when a partition has its kilobytes", () => {
  const turns = turnsOf(10);
  const taken = Array.from({ length: 200 }, () => partitionOf(turns.take(300)));
  expect(taken.slice(0, 55)).toEqual(Array(55).fill(4));
  expect(taken[55]).toBe(0);
  expect(new Set(taken)).toEqual(new Set([4, 0, 2]));
});

test("however many come, a partition has its turn for a tenth of a second", () => {
  const turns = turnsOf(1);
  const taken = Array.from({ length: 200 }, () => partitionOf(turns.take(20_000)));
  expect(taken.slice(0, 100)).toEqual(Array(100).fill(4));
  expect(taken.slice(100)).toEqual(Array(100).fill(0));
});

test("partitions are filled alike, whatever the size of the writes", () => {
  const turns = turnsOf(5);
  const filled = new Map([4, 0, 2].map((partition) => [partition, 0]));
  for (let index = 0; index < 3_000; index++) {
    const bytes = 100 + ((index * 7_919) % 90_000);
    const partition = partitionOf(turns.take(bytes));
    filled.set(partition, (filled.get(partition) ?? 0) + bytes);
  }
  const sizes = [...filled.values()];
  expect(Math.max(...sizes) / Math.min(...sizes)).toBeLessThan(1.1);
});

test("a failed write's partition is left at once", () => {
  const turns = openTurns();
  expect(partitionOf(turns.take(300))).toBe(4);
  turns.pass();
  expect(partitionOf(turns.take(300))).toBe(0);
});
