import { expect, test } from "vitest";
import { loadSettings } from "../../runtime/config.ts";
import { addressesIn } from "./client.ts";
import { openTurns, partitionInTurn } from "./intake.ts";
import { kafkaKnobs } from "./mode.ts";

test.each([
  ["a:1", ["a:1"], false],
  [" a:1 , b:2,", ["a:1", "b:2"], false],
  ["kafka+ssl://a:1,kafka+ssl://b:2", ["a:1", "b:2"], true],
])("%j are brokers, with TLS or without", (text, brokers, ssl) => {
  expect(addressesIn(text)).toEqual({ brokers, ssl });
});

test.each([
  ["a:1", true],
  ["a:1,b:2", true],
  ["a:1, b:2", true],
  ["kafka+ssl://a:1, kafka+ssl://b:2", true],
  ["10.0.0.1:9092", true],
  ["a", false],
  ["a:b", false],
  ["kafka://a:1", false],
  ["kafka+ssl://a", false],
  ["user:secret@a:1", false],
  ["kafka+ssl://user:secret@a:1", false],
  // some of them without TLS
  ["kafka+ssl://a:1,b:2", false],
  ["a:1,kafka+ssl://b:2", false],
])("KAFKA_BROKERS=%s is valid: %s", (text, isValid) => {
  const load = () => loadSettings(kafkaKnobs, { KAFKA_BROKERS: text });
  if (isValid) expect(load()).toHaveProperty("kafkaBrokers", text);
  else expect(load).toThrow("KAFKA_BROKERS");
});

const PARTITIONS = [4, 0, 2];
const partitionMetadata = PARTITIONS.map((partitionId) => ({
  partitionId,
  partitionErrorCode: 0,
  leader: 1,
  replicas: [1],
  isr: [1],
}));
const partitionAt = partitionInTurn();
const partitionOf = (partition: number): number =>
  partitionAt({ topic: "orders", partitionMetadata, message: { value: "x", partition } });

/** The partitions of writes of these sizes, by a clock on which each write takes this long. */
const partitionsOf = (sizes: readonly number[], msPerWrite: number): number[] => {
  let now = 0;
  const turns = openTurns(() => now);
  return sizes.map((bytes) => {
    const partition = partitionOf(turns.take(bytes));
    now += msPerWrite;
    return partition;
  });
};

test("small writes share a partition until it has its kilobytes", () => {
  const partitions = partitionsOf(Array(200).fill(300), 10);
  expect(partitions.slice(0, 55)).toEqual(Array(55).fill(4));
  expect(partitions[55]).toBe(0);
  expect(new Set(partitions)).toEqual(new Set(PARTITIONS));
});

test("a partition has its turn for 100 ms, however many large writes there are", () => {
  const partitions = partitionsOf(Array(200).fill(20_000), 1);
  expect(partitions).toEqual([...Array(100).fill(4), ...Array(100).fill(0)]);
});

test("partitions are filled equally, whatever the size of the writes", () => {
  const sizes = Array.from({ length: 3_000 }, (_, index) => 100 + ((index * 7_919) % 90_000));
  const filled = new Map(PARTITIONS.map((partition) => [partition, 0]));
  for (const [index, partition] of partitionsOf(sizes, 5).entries())
    filled.set(partition, (filled.get(partition) ?? 0) + (sizes[index] ?? 0));
  const bytes = [...filled.values()];
  expect(Math.max(...bytes) / Math.min(...bytes)).toBeLessThan(1.1);
});

test("the partition of a failed write is left at once", () => {
  const turns = openTurns();
  expect(partitionOf(turns.take(300))).toBe(4);
  turns.pass();
  expect(partitionOf(turns.take(300))).toBe(0);
});
