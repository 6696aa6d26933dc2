/** Bugs in when an order is acknowledged, to the client and to the transport. */
import { slowFsyncEverysec } from "../kinds/disks.ts";
import type { Mutant } from "./mutant.ts";

const LOST = /acknowledged and lost/;

const repliesBeforeWrites: readonly Mutant[] = [
  {
    name: "v1-answers-before-commit",
    mode: "v1",
    fault: "kill-api-writing",
    edits: [
      {
        file: "shared/modes/direct/intake.ts",
        find: "(orders) => store(parts, orders),",
        replace:
          "async (orders) => { void store(parts, orders); return orders.map(() => ({ replayed: false })); },",
      },
    ],
    exposedAs: LOST,
  },
  {
    name: "v2-answers-before-xadd",
    mode: "v2",
    fault: "kill-api-writing",
    edits: [
      {
        file: "shared/modes/redis-streams/intake.ts",
        find: "await redis.addOrders(",
        replace: "void redis.addOrders(",
      },
    ],
    exposedAs: LOST,
  },
  {
    name: "v3-answers-before-produce",
    mode: "v3",
    fault: "kill-api-writing",
    edits: [
      {
        file: "shared/modes/kafka/intake.ts",
        find: "const answers = await producer.send({",
        // one answer, as for a single partition
        replace: "const answers = [{}];\n    void producer.send({",
      },
    ],
    exposedAs: LOST,
  },
];

const acksBeforeCommit: readonly Mutant[] = [
  {
    name: "v2-xack-before-commit",
    mode: "v2",
    fault: "kill-workers-counting",
    edits: [
      {
        file: "shared/modes/redis-streams/source.ts",
        find: "    const ids = entries.map(([id]) => id);",
        replace:
          "    const ids = entries.map(([id]) => id);\n    if (ids.length > 0) await consumer.settled(ids);",
      },
    ],
    exposedAs: LOST,
  },
  {
    name: "v3-offset-before-commit",
    mode: "v3",
    fault: "kill-workers-counting",
    edits: [
      {
        file: "shared/modes/kafka/source.ts",
        find: "  const position = lastOffsetOf(chunk);",
        replace: `  const position = lastOffsetOf(chunk);
  const next = String(BigInt(position) + 1n);
  await commitOffsetsIfNecessary({ topics: [{ topic, partitions: [{ partition, offset: next }] }] });`,
      },
    ],
    exposedAs: LOST,
  },
];

const weakTransports: readonly Mutant[] = [
  // after a timeout kafkajs reuses the sequence number, so the broker takes other records for repetitions
  {
    name: "v3-idempotent-producer",
    mode: "v3",
    fault: "net-api-kafka-replies-flicker",
    edits: [
      { file: "shared/modes/kafka/intake.ts", find: "idempotent: false,", replace: "idempotent: true," },
    ],
    exposedAs: LOST,
  },
  {
    name: "v2-everysec",
    mode: "v2",
    fault: "slow-fsync-kill-stream",
    edits: [],
    misconfigured: slowFsyncEverysec,
    exposedAs: LOST,
  },
  {
    name: "v2-xadd-maxlen",
    mode: "v2",
    fault: "pause-postgres-5s",
    edits: [
      {
        file: "shared/modes/redis-streams/stream.ts",
        find: "redis.call('XADD', KEYS[1], '*',",
        replace: "redis.call('XADD', KEYS[1], 'MAXLEN', '100', '*',",
      },
    ],
    exposedAs: LOST,
  },
];

export const deliveryMutants: readonly Mutant[] = [
  ...repliesBeforeWrites,
  ...acksBeforeCommit,
  ...weakTransports,
];
