import type { ICustomPartitioner } from "kafkajs";

/** As Kafka's own producer has it by default (batch.size). */
const STICKY_BYTES = 16_384;

export type Turns = {
  /** The one for a write of so many bytes. */
  take(bytes: number): number;
  /** The write failed: its partition may have no leader just now. */
  pass(): void;
};

/**
 * Writes go to one partition for some kilobytes and then to the next (KIP-794): a write becomes one batch of records
 * instead of a small one in each partition, which costs producer and broker a good part of their time. Nothing hangs
 * on which partition an order is in: each counts once by its id.
 */
export const openTurns = (): Turns => {
  let turn = 0;
  let filled = 0;
  const next = (): void => {
    turn++;
    filled = 0;
  };
  return {
    take: (bytes) => {
      if (filled >= STICKY_BYTES) next();
      filled += bytes;
      return turn;
    },
    pass: next,
  };
};

/**
 * Takes the `partition` of a message for a turn. All messages of a send have to have the same one: when kafkajs 2.2.4
 * tries again it asks no broker that has answered before, and so what it then gives to that one is lost, acknowledged.
 * With one partition there is one broker, and the second try is the whole send or nothing.
 */
export const partitionInTurn: ICustomPartitioner =
  () =>
  ({ partitionMetadata, message }) =>
    partitionMetadata[(message.partition ?? 0) % partitionMetadata.length]?.partitionId ?? 0;
