/** What was stored is gone, or comes again. */
import { setTimeout as sleep } from "node:timers/promises";
import { closeRedis, openRedis, redisOptions } from "#shared/runtime/redis.ts";
import { openCarrier, openStreamOf, openTopicOf, type Parcel } from "../carrier.ts";
import type { Fault, Scene } from "../fault.ts";
import { withRepetitions } from "../slow-rows.ts";

export const flushBoard: Fault = {
  name: "flush-board",
  strike: async ({ ground }) => {
    const options = { ...redisOptions("coffee-faults"), lazyConnect: true };
    const client = openRedis(ground.addresses.board, options, () => undefined);
    await client.connect();
    await client.flushall();
    await closeRedis(client);
  },
  recoverWithinSeconds: 15,
};

const KEEP_MS = 3_000;

/** A group that reads nothing keeps what comes from being trimmed; without it a second's worth remains. */
const HOLDER = "faults";

/**
 * Under load and with the workers at it: the group is set back, a worker ends in the middle of that, and then the group
 * is lost altogether, which workers make anew at the beginning.
 */
const readStreamAgain = async ({ ground, random }: Scene): Promise<void> => {
  const { stream, v2Stream, v2Group } = await openStreamOf(ground);
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
      await withRepetitions(ground.addresses.postgres, async () => {
        const orders = await settledOrders();
        await rewind();
        const pid = random.pick(ground.workers).pid();
        if (pid !== undefined) process.kill(pid, "SIGTERM");
        return orders;
      });
    }
  } finally {
    await stream.xgroup("DESTROY", v2Stream, HOLDER);
    await closeRedis(stream);
  }
};

/** The broker sets a group back only while nobody is in it; orders go on coming meanwhile. */
const readTopicAgain = async ({ ground }: Scene): Promise<void> => {
  const { kafka, v3Topic, v3Group } = openTopicOf(ground);
  const admin = kafka.admin();
  await admin.connect();
  try {
    await withRepetitions(ground.addresses.postgres, async () => {
      const workers = ground.workers.length;
      for (let count = 0; count < workers; count++) await ground.removeWorker();
      const [group] = await admin.fetchOffsets({ groupId: v3Group, topics: [v3Topic] });
      const orders = group?.partitions.reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0);
      await admin.resetOffsets({ groupId: v3Group, topic: v3Topic, earliest: true });
      for (let count = 0; count < workers; count++) await ground.addWorker();
      return orders ?? 0;
    });
  } finally {
    await admin.disconnect();
  }
};

const DELIVER_MS = 6_000;
const SHUFFLE_EVERY_MS = 250;
const COPIES = 2;

/** Puts everything that comes in twice more, in another order each time. */
const deliverThrice = async ({ ground, random }: Scene): Promise<void> => {
  const carrier = await openCarrier(ground);
  const seen = new Set<string>();
  let hand: Parcel[] = [];
  let orders = 0;
  const copy = async (): Promise<void> => {
    const parcels = hand;
    hand = [];
    const copies = random.shuffled(Array.from({ length: COPIES }, () => parcels).flat());
    await carrier.put(copies);
    orders += copies.reduce((sum, parcel) => sum + parcel.orders, 0);
  };
  try {
    await carrier.listen((parcel) => {
      // what we put in is heard, too
      if (seen.has(parcel.text)) return;
      seen.add(parcel.text);
      hand.push(parcel);
    });
    await withRepetitions(ground.addresses.postgres, async () => {
      for (const endMs = performance.now() + DELIVER_MS; performance.now() < endMs; ) {
        await sleep(SHUFFLE_EVERY_MS);
        if (hand.length > 0) await copy();
      }
      return orders;
    });
  } finally {
    await carrier.close();
  }
};

export const repetitions: readonly Fault[] = [
  {
    name: "re-read",
    modes: ["v2", "v3"],
    strike: (scene) => (scene.ground.mode === "v3" ? readTopicAgain(scene) : readStreamAgain(scene)),
    recoverWithinSeconds: 20,
  },
  {
    name: "deliver-thrice",
    modes: ["v2", "v3"],
    ground: { workers: 4 },
    clients: { requestsPerSecond: 120 },
    strike: deliverThrice,
    recoverWithinSeconds: 20,
  },
];
