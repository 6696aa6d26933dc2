/** Several that do the same work at the same moment. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "#shared/domain/random.ts";
import { openStream } from "#shared/modes/redis-streams/stream.ts";
import { closeRedis } from "#shared/runtime/redis.ts";
import type { Fault, Scene } from "../fault.ts";
import { pollUntil } from "../poll.ts";

const STREAM = "coffee:orders";
const RIVALS = 4;
const ROUNDS = 4;
/** What a request takes is counted too fast for others to be met. */
const REQUESTS = 2;
const REQUEST_ORDERS = 900;
const PUBLISHERS = 2;
/** Half of them publish what the others have long passed; there and back is less than a command may take. */
const LATE = { delayMs: 600, jitterMs: 0, isEveryOther: true };
const LATE_MS = 10_000;
const TICKERS = 2;
const TICKING_MS = 5_000;
const READY_WITHIN_MS = 10_000;

const shuffled = <T>(items: readonly T[], random: Random): T[] =>
  items
    .map((item) => [random.next(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);

/** New orders taken out of the stream, and written back for each rival, each time in another order. */
const writeRivals = async ({ ground, clients, random }: Scene): Promise<void> => {
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const stream = openStream(ground.addresses.stream, "coffee-faults", log);
  try {
    await pollUntil("the stream answers", () => stream.status === "ready", READY_WITHIN_MS);
    for (let round = 0; round < ROUNDS; round++) {
      const [last] = await stream.xrevrange(STREAM, "+", "-", "COUNT", 1);
      for (let request = 0; request < REQUESTS; request++)
        await clients.send(Array.from({ length: REQUEST_ORDERS }, clients.order));
      const entries = await stream.xrange(STREAM, last === undefined ? "-" : `(${last[0]}`, "+");
      const orders = entries.flatMap(([, fields]) => ordersIn(fields));
      for (let rival = 0; rival < RIVALS; rival++)
        await stream.addOrders(STREAM, orders.length, JSON.stringify(shuffled(orders, random)));
      // after the copies, which go on from the running total that it holds
      await stream.xdel(STREAM, ...entries.map(([id]) => id));
    }
  } finally {
    await closeRedis(stream);
  }
};

const ordersIn = (fields: readonly string[]): unknown[] =>
  JSON.parse(fields[fields.indexOf("orders") + 1] ?? "[]") as unknown[];

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
    name: "overtaking-publishers",
    ground: { isWired: true, workers: PUBLISHERS },
    strike: async ({ ground }) => {
      const wire = ground.wire("worker", "board");
      wire.disturb(LATE);
      await sleep(LATE_MS);
      wire.disturb("none");
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
