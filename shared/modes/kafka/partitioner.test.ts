import { expect, test } from "vitest";
import { openTurns, partitionInTurn } from "./partitioner.ts";

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
