import { expect, test } from "vitest";
import { stickyPartitioner } from "./partitioner.ts";

const partitionMetadata = [4, 0, 2].map((partitionId) => ({
  partitionId,
  partitionErrorCode: 0,
  leader: 1,
  replicas: [1],
  isr: [1],
}));
const partitionsOf = (values: readonly string[]): number[] => {
  const partition = stickyPartitioner();
  return values.map((value) => partition({ topic: "orders", partitionMetadata, message: { value } }));
};

test("small records stay together, and go on when a partition has its kilobytes", () => {
  const records = Array.from({ length: 200 }, () => "x".repeat(300));
  const partitions = partitionsOf(records);
  expect(partitions.slice(0, 55)).toEqual(Array(55).fill(4));
  expect(partitions[55]).toBe(0);
  expect(new Set(partitions)).toEqual(new Set([4, 0, 2]));
});

test("partitions are filled alike, whatever the size of the records", () => {
  const sizes = Array.from({ length: 3_000 }, (_, index) => 100 + ((index * 7_919) % 900));
  const partitions = partitionsOf(sizes.map((size) => "x".repeat(size)));
  const bytes = [4, 0, 2].map((partition) =>
    sizes.reduce((sum, size, index) => (partitions[index] === partition ? sum + size : sum), 0),
  );
  expect(Math.max(...bytes) - Math.min(...bytes)).toBeLessThan(20_000);
});
