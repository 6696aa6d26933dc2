/** Reading ahead of what is counted: what is delivered and committed meanwhile. */
import { expect, inject, onTestFinished, test } from "vitest";
import { freshName, silent, until } from "../../../test/fresh.ts";
import type { Delivery } from "../../ports.ts";
import { loadSettings } from "../../runtime/config.ts";
import { openKafka } from "./client.ts";
import { type KafkaSettings, kafkaKnobs } from "./mode.ts";
import { openKafkaSource } from "./source.ts";

type Carried = Extract<Delivery, { kind: "carried" }>;
type Held = Pick<Carried, "part" | "position"> & {
  settle(): void;
  refuse(error: Error): void;
};

/** Two of them do not fit in a fetch, so the partition still has a backlog after the first. */
const LARGE = "x".repeat(700_000);

/** A topic of two partitions, and a source whose deliveries wait until the test settles them. */
const openReading = async () => {
  const topic = freshName("orders");
  const settings = loadSettings(kafkaKnobs, {
    KAFKA_BROKERS: inject("kafkaBrokers"),
    V3_TOPIC: topic,
    V3_GROUP: topic,
    V3_PARTITIONS: "2",
  }) as KafkaSettings;
  const kafka = openKafka(settings, "test", silent, "patient");
  const [admin, producer] = [kafka.admin(), kafka.producer()];
  await Promise.all([admin.connect(), producer.connect()]);
  onTestFinished(async () => void (await Promise.all([admin.disconnect(), producer.disconnect()])));
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: 2 }] });

  const held: Held[] = [];
  const start = (onDelivery: () => void = () => undefined) => {
    const stopping = new AbortController();
    const count = (delivery: Delivery): Promise<void> =>
      new Promise((settle, refuse) => {
        held.push({ ...(delivery as Carried), settle, refuse });
        onDelivery();
      });
    const source = openKafkaSource(settings, silent);
    const ended = source.run(count, stopping.signal);
    ended.catch(() => undefined);
    onTestFinished(async () => {
      stopping.abort();
      for (const { settle } of held) settle();
      await ended.catch(() => undefined);
      await source.close();
    });
    return { ended, stop: () => stopping.abort() };
  };
  return {
    held,
    start,
    send: async (partition: number, ...values: string[]) => {
      for (const value of values) await producer.send({ topic, messages: [{ partition, value }] });
    },
    /** Of the first partition; -1 before the first commit. */
    committed: async () => {
      const [group] = await admin.fetchOffsets({ groupId: topic, topics: [topic] });
      return Number(group?.partitions.find(({ partition }) => partition === 0)?.offset);
    },
  };
};

const ofPart = (held: readonly Held[], part: number): Held[] => held.filter((each) => each.part === part);

test("delivers a partition's next records while another partition is counted, and its own in order", async () => {
  const { held, start, send, committed } = await openReading();
  for (const partition of [0, 1]) await send(partition, LARGE, LARGE, LARGE);
  start();
  await until("both are delivered", () => held.length >= 2);
  ofPart(held, 1)[0]?.settle();
  await until("the next fetch is delivered", () => ofPart(held, 1).length >= 2);
  expect(ofPart(held, 0)).toHaveLength(1);
  expect(await committed()).toBe(-1);
  ofPart(held, 0)[0]?.settle();
  await until("the next is delivered", () => ofPart(held, 0).length >= 2);
  expect(ofPart(held, 0)[1]?.position).toBe("1");
  await until("the offset after the first is committed", async () => (await committed()) === 1);
});

test("commits nothing from a batch on whose counting failed", async () => {
  const { held, start, send, committed } = await openReading();
  await send(0, LARGE, LARGE, LARGE);
  const failing = start();
  await until("the first is delivered", () => held.length >= 1);
  held[0]?.settle();
  await until("the second is delivered", () => held.length >= 2);
  const refusal = new Error("not now");
  held[1]?.refuse(refusal);
  await expect(failing.ended).rejects.toBe(refusal);
  expect(held).toHaveLength(2);
  expect(await committed()).toBe(1);
  start();
  await until("it is redelivered", () => held.length >= 3);
  expect(held[2]).toMatchObject({ part: 0, position: "1" });
});

test("settles and commits the batch that is being counted when it stops", async () => {
  const { held, start, send, committed } = await openReading();
  await send(0, LARGE, LARGE);
  // at once, before the next records are there: nothing but the batch itself keeps the source waiting
  const { ended, stop } = start(() => stop());
  await until("the first is delivered", () => held.length >= 1);
  // longer than a consumer needs to leave its group
  setTimeout(() => held[0]?.settle(), 1_000);
  await ended;
  expect(held).toHaveLength(1);
  expect(await committed()).toBe(1);
});
