/** Two brokers, one of which is cut off or killed during writes: every acknowledged order is in the topic. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { startKafka } from "../../../dev/system/servers/kafka.ts";
import { freePort } from "../../../dev/system/servers/ports.ts";
import type { Server } from "../../../dev/system/servers/server.ts";
import { openTcpProxy, type TcpProxy } from "../../../dev/system/tcp-proxy.ts";
import { freshName, silent, someOrders, until } from "../../../test/fresh.ts";
import { randomFrom } from "../../domain/random.ts";
import type { Intake } from "../../ports.ts";
import { loadSettings } from "../../runtime/config.ts";
import { openKafka } from "./client.ts";
import { openKafkaIntake } from "./intake.ts";
import { type KafkaSettings, kafkaKnobs } from "./mode.ts";

type Broker = { readonly kafka: Server; readonly proxy: TcpProxy };

/** A broker behind a proxy, which it advertises, so that clients stay on it. */
const startBroker = async (id: number, controllerPort: number): Promise<Broker> => {
  const proxy = await openTcpProxy(randomFrom(id));
  onTestFinished(() => proxy.close());
  const port = await freePort();
  proxy.forwardTo(port);
  const kafka = await startKafka({
    node: { id, controllerPort },
    listeners: [{ name: "PROXY", port, advertisedPort: proxy.port }],
    settings: { "offsets.topic.replication.factor": "2" },
  });
  onTestFinished(() => kafka.stop());
  return { kafka, proxy };
};

const startCluster = async (env: Readonly<Record<string, string>> = {}) => {
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
  onTestFinished(() => intake.close());
  await until("it accepts orders", async () => (await accepted(intake, 1, 0)).length === 1);
  return { first, second, topic, intake };
};

/** The ids of the orders of one write; none when it was not acknowledged. */
const accepted = async (intake: Intake, count: number, seed: number): Promise<string[]> => {
  const orders = someOrders(count, seed);
  try {
    await intake.accept(orders);
    return orders.map(({ id }) => id);
  } catch {
    return [];
  }
};

/** The keys of all records in the topic. */
const keysIn = async (brokers: string, topic: string): Promise<Set<string>> => {
  const kafka = openKafka({ kafkaBrokers: brokers }, "test", silent, "patient");
  const admin = kafka.admin();
  const consumer = kafka.consumer({ groupId: topic });
  onTestFinished(() => admin.disconnect());
  onTestFinished(() => consumer.disconnect());
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

test("keeps every acknowledged order when a broker is cut off during its write", async () => {
  const { first, second, topic, intake } = await startCluster();
  const acknowledged: string[] = [];
  for (let wave = 1; wave <= 24; wave++) {
    // the other one answers first
    second.proxy.disturb({ delayMs: 40, jitterMs: 0 });
    const writing = accepted(intake, ORDERS, wave);
    await sleep(20);
    second.proxy.disturb("cut");
    await sleep(5);
    second.proxy.disturb("none");
    acknowledged.push(...(await writing));
  }
  // most are retried in time
  expect(acknowledged.length).toBeGreaterThan(6 * ORDERS);
  const keys = await keysIn(`${first.kafka.url},${second.kafka.url}`, topic);
  expect(acknowledged.filter((id) => !keys.has(id))).toEqual([]);
});

test("keeps every acknowledged order when one of two replicas is killed", async () => {
  const { first, second, topic, intake } = await startCluster({ V3_REPLICAS: "2" });
  const acknowledged: string[] = [];
  let isDown = false;
  /** Acknowledged after the kill: the other broker leads all partitions by then. */
  let later = 0;
  const writing = Array.from({ length: 4 }, async (_, client) => {
    for (let wave = 0; wave < 2_000 && later <= 20 * ORDERS; wave++) {
      const wasDown = isDown;
      const ids = await accepted(intake, ORDERS, client * 10_000 + wave);
      acknowledged.push(...ids);
      if (wasDown) later += ids.length;
      if (ids.length === 0) await sleep(20);
    }
  });
  await until("orders are written", () => acknowledged.length > 4 * ORDERS);
  await second.kafka.kill();
  isDown = true;
  await Promise.all(writing);
  expect(later).toBeGreaterThan(20 * ORDERS);
  const keys = await keysIn(first.kafka.url, topic);
  expect(acknowledged.filter((id) => !keys.has(id))).toEqual([]);
});
