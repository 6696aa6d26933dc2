/** Several that do the same work at the same moment. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "#shared/domain/random.ts";
import { openStream } from "#shared/modes/redis-streams/stream.ts";
import { closeRedis } from "#shared/runtime/redis.ts";
import type { Fault, Scene } from "../fault.ts";
import { pollUntil } from "../poll.ts";

const STREAM = "coffee:orders";
const RIVALS = 4;
const BATCHES = 5;
/** Long enough a statement to meet the others'; a request takes up to 1 000. */
const BATCH_ORDERS = 800;
const TICKERS = 2;
const TICKING_MS = 5_000;
const READY_WITHIN_MS = 10_000;

const shuffled = <T>(items: readonly T[], random: Random): T[] =>
  items
    .map((item) => [random.next(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);

/** The same orders again and again, each time in another order, while nobody reads. */
const writeRivals = async ({ ground, clients, random }: Scene): Promise<void> => {
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const stream = openStream(ground.addresses.stream, "coffee-faults", log);
  try {
    await pollUntil("the stream answers", () => stream.status === "ready", READY_WITHIN_MS);
    for (let batch = 0; batch < BATCHES; batch++) {
      await clients.send(Array.from({ length: BATCH_ORDERS }, clients.order));
      const latest = await stream.xrevrange(STREAM, "+", "-", "COUNT", 20);
      // ours is the large one; others may have come after it
      const texts = latest.map(([, fields]) => fields[fields.indexOf("orders") + 1] ?? "[]");
      const ours = texts
        .map((text) => JSON.parse(text) as unknown[])
        .find((orders) => orders.length >= BATCH_ORDERS);
      if (ours === undefined) throw new Error("the batch is not among the latest entries of the stream");
      for (let rival = 1; rival < RIVALS; rival++)
        await stream.addOrders(STREAM, ours.length, JSON.stringify(shuffled(ours, random)));
    }
  } finally {
    await closeRedis(stream);
  }
};

const signalWorkers = ({ ground }: Scene, signal: NodeJS.Signals): void => {
  for (const worker of ground.workers) {
    const pid = worker.pid();
    if (pid === undefined) throw new Error(`${worker.name} does not run`);
    process.kill(pid, signal);
  }
};

export const rivals: readonly Fault[] = [
  {
    name: "rival-deliveries",
    modes: ["v2"],
    // an entry each, so that the copies of a batch are counted side by side
    ground: { workers: RIVALS, env: { V2_BATCH_MAX_ENTRIES: "1", V2_BATCH_MAX_ORDERS: "1000" } },
    strike: async (scene) => {
      signalWorkers(scene, "SIGSTOP");
      try {
        await writeRivals(scene);
      } finally {
        signalWorkers(scene, "SIGCONT");
      }
    },
    recoverWithinSeconds: 30,
  },
  {
    name: "overlapping-ticks",
    modes: ["v1"],
    // the schedule lets one worker count at a time; that the figures are right may not hang on it
    strike: async ({ ground }) => {
      const tickers = Array.from({ length: TICKERS }, (_, index) =>
        ground.addProgram(`ticker-${index}`, "dev/faults/tick.ts"),
      );
      await sleep(TICKING_MS);
      await Promise.all(tickers.map((ticker) => ticker.stop()));
    },
    recoverWithinSeconds: 20,
  },
];
