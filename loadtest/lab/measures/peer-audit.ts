/** Every order that a peer acknowledged is where it keeps them. */
import { openKafka } from "#shared/modes/kafka/client.ts";
import { numberOf } from "../../../dev/system/database.ts";
import { waitUntil } from "../../../dev/system/wait.ts";
import type { Peer } from "../run/peers.ts";
import type { Run } from "../run/results.ts";
import type { SystemUnderTest } from "../run/test-bed.ts";
import { lossIn, NOTHING_KEPT } from "./rate-run.ts";

/** `unknown` orders were sent and have no reply: they may be stored or not. */
export const auditPeer = async (
  { keeps }: Peer,
  system: SystemUnderTest,
  acknowledged: number,
  unknown: number,
): Promise<Run["audit"]> => {
  const stored = await KEPT[keeps](system);
  return { ...NOTHING_KEPT, ...lossIn({ stored, acknowledged, unknown }), stored };
};

const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Without transactions every offset is a record, and each record is an order. */
const recordsIn = async ({ servers, topic }: SystemUnderTest): Promise<number> => {
  const admin = openKafka(
    { kafkaBrokers: servers.kafka?.url ?? "" },
    "coffee-lab-audit",
    SILENT,
    "patient",
  ).admin();
  await admin.connect();
  try {
    let partitions: Awaited<ReturnType<typeof admin.fetchTopicOffsets>> = [];
    // a partition that no order went to may have no leader yet
    await waitUntil(`every partition of ${topic} answers`, async () => {
      partitions = await admin.fetchTopicOffsets(topic);
      return true;
    });
    return partitions.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
  } finally {
    await admin.disconnect();
  }
};

const KEPT: Readonly<Record<Peer["keeps"], (system: SystemUnderTest) => Promise<number>>> = {
  rows: ({ pool }) => numberOf(pool, "SELECT count(*) FROM orders"),
  records: recordsIn,
};
