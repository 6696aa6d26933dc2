/** Orders that are delivered again: by a rewound group, a lost group, or copies in the transport. */
import { setTimeout as sleep } from "node:timers/promises";
import { closeRedis } from "#shared/runtime/redis.ts";
import { numberOf, withDatabase } from "../../system/database.ts";
import { waitUntil } from "../../system/wait.ts";
import type { Fault, Scene } from "../faults.ts";
import { type FaultySystem, modesOn } from "../system.ts";
import { type Message, openStreamOf, openTopicOf, openTransport } from "../transport.ts";
import { sendSignal } from "./processes.ts";

const REDELIVERED_WITHIN_MS = 20_000;

/**
 * Runs `work`, which resolves with how many orders are delivered again at least, and waits until the workers recognised
 * as many: only then has the fault happened.
 */
export const untilRedelivered = ({ addresses }: FaultySystem, work: () => Promise<number>): Promise<void> =>
  withDatabase(addresses.postgres, async (pool) => {
    const duplicates = (): Promise<number> =>
      numberOf(pool, "SELECT coalesce(sum(duplicates), 0) FROM applied");
    const before = await duplicates();
    const atLeast = await work();
    if (atLeast === 0) throw new Error("there was nothing to deliver again");
    const areRecognised = async (): Promise<boolean> => (await duplicates()) >= before + atLeast;
    await waitUntil(`${atLeast} orders are delivered again`, areRecognised, REDELIVERED_WITHIN_MS);
  });

const KEEP_MS = 3_000;
/** A group that reads nothing keeps entries from being trimmed; without it one second of them remains. */
const HOLDER = "faults";

/**
 * Under load and with the workers running: the group is set back while a worker stops, and then it is destroyed, so that
 * workers create it again at the beginning.
 */
const readStreamAgain = async ({ system, random }: Scene): Promise<void> => {
  const { stream, v2Stream, v2Group } = await openStreamOf(system);
  const settledOrders = async (): Promise<number> => {
    const entries = await stream.xrange(v2Stream, "-", "+");
    const held = entries.reduce((sum, [, fields]) => sum + Number(fields[fields.indexOf("n") + 1]), 0);
    const [unsettled] = await stream.backlogOf(v2Stream, v2Group);
    return Math.max(0, held - Number(unsettled));
  };
  try {
    await stream.xgroup("CREATE", v2Stream, HOLDER, "0");
    for (const rewind of [
      () => stream.xgroup("SETID", v2Stream, v2Group, "0"),
      () => stream.xgroup("DESTROY", v2Stream, v2Group),
      () => stream.xgroup("SETID", v2Stream, v2Group, "0"),
    ]) {
      await sleep(KEEP_MS);
      await untilRedelivered(system, async () => {
        const orders = await settledOrders();
        await rewind();
        const pid = random.pick(system.workers).pid();
        if (pid !== undefined) sendSignal(pid, "SIGTERM");
        return orders;
      });
    }
  } finally {
    await stream.xgroup("DESTROY", v2Stream, HOLDER);
    await closeRedis(stream);
  }
};

/** The broker sets a group back only while it has no members; orders arrive meanwhile. */
const readTopicAgain = async ({ system }: Scene): Promise<void> => {
  const { kafka, v3Topic, v3Group } = openTopicOf(system);
  const admin = kafka.admin();
  await admin.connect();
  try {
    await untilRedelivered(system, async () => {
      const workers = system.workers.length;
      for (let count = 0; count < workers; count++) await system.removeWorker();
      const [group] = await admin.fetchOffsets({ groupId: v3Group, topics: [v3Topic] });
      const orders = group?.partitions.reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0);
      await admin.resetOffsets({ groupId: v3Group, topic: v3Topic, earliest: true });
      for (let count = 0; count < workers; count++) await system.addWorker();
      return orders ?? 0;
    });
  } finally {
    await admin.disconnect();
  }
};

const DELIVER_MS = 6_000;
const COPY_EVERY_MS = 250;
const COPIES = 2;

/** Puts everything that arrives in the transport into it twice more, in random order. */
const deliverThrice = async ({ system, random }: Scene): Promise<void> => {
  const transport = await openTransport(system);
  const seen = new Set<string>();
  let uncopied: Message[] = [];
  let orders = 0;
  const copy = async (): Promise<void> => {
    const messages = uncopied;
    uncopied = [];
    const copies = random.shuffled(Array.from({ length: COPIES }, () => messages).flat());
    await transport.put(copies);
    orders += copies.reduce((sum, message) => sum + message.orders, 0);
  };
  try {
    await transport.listen((message) => {
      // the copies arrive too
      if (seen.has(message.text)) return;
      seen.add(message.text);
      uncopied.push(message);
    });
    await untilRedelivered(system, async () => {
      for (const endMs = performance.now() + DELIVER_MS; performance.now() < endMs; ) {
        await sleep(COPY_EVERY_MS);
        if (uncopied.length > 0) await copy();
      }
      return orders;
    });
  } finally {
    await transport.close();
  }
};

export const redeliveries: readonly Fault[] = [
  {
    name: "re-read",
    modes: modesOn("stream", "kafka"),
    strike: (scene) => (scene.system.backend === "kafka" ? readTopicAgain(scene) : readStreamAgain(scene)),
    recoverWithinSeconds: 20,
  },
  {
    name: "deliver-thrice",
    modes: modesOn("stream", "kafka"),
    setup: { workers: 4 },
    clients: { requestsPerSecond: 120 },
    strike: deliverThrice,
    recoverWithinSeconds: 20,
  },
];
