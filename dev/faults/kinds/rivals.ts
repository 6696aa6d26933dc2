/** Several that do the same work at the same moment. */
import { setTimeout as sleep } from "node:timers/promises";
import { closeRedis } from "#shared/runtime/redis.ts";
import { openStreamOf } from "../carrier.ts";
import type { Fault, Scene } from "../fault.ts";
import { prepareSlowRows, withRepetitions, withSlowRows } from "../slow-rows.ts";

const RIVALS = 4;
const ROUNDS = 3;
const ROUND_ORDERS = 300;
/** A round takes each rival about 0.3 s: they meet in the middle of it. */
const RIVAL_ROW_MS = 2;
const LATE_PUBLISHERS = 3;
const TICKERS = 2;
const RIVALRY_MS = 5_000;
/** Two writers of 60 requests a second are busy for a third of their time. */
const STORED_ROW_MS = 10;

/** New orders taken out of the stream, and written back for each rival, each time in another order. */
const writeRivals = async ({ ground, clients, random }: Scene): Promise<void> => {
  const { stream, v2Stream } = await openStreamOf(ground);
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const [last] = await stream.xrevrange(v2Stream, "+", "-", "COUNT", 1);
      await clients.send(Array.from({ length: ROUND_ORDERS }, clients.order));
      const entries = await stream.xrange(v2Stream, last === undefined ? "-" : `(${last[0]}`, "+");
      const orders = entries.flatMap(([, fields]) => ordersIn(fields));
      for (let rival = 0; rival < RIVALS; rival++)
        await stream.addOrders(v2Stream, orders.length, JSON.stringify(random.shuffled(orders)));
      // after the copies, which go on from the running total that it holds
      await stream.xdel(v2Stream, ...entries.map(([id]) => id));
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

/** Several of the same program beside the workers, for a while. */
const runBeside = async ({ ground }: Scene, file: string, count: number): Promise<void> => {
  const programs = Array.from({ length: count }, (_, index) => ground.addProgram(`rival-${index}`, file));
  await sleep(RIVALRY_MS);
  await Promise.all(programs.map((program) => program.stop()));
};

export const rivals: readonly Fault[] = [
  {
    name: "rival-deliveries",
    modes: ["v2"],
    // an entry each, so that the copies of a batch are counted side by side
    ground: {
      prepareDatabase: prepareSlowRows,
      workers: RIVALS,
      env: { V2_BATCH_MAX_ENTRIES: "1", V2_BATCH_MAX_ORDERS: "1000" },
    },
    strike: async (scene) => {
      const { postgres } = scene.ground.addresses;
      const compete = async (): Promise<number> => {
        signalWorkers(scene, "SIGSTOP");
        try {
          await writeRivals(scene);
        } finally {
          signalWorkers(scene, "SIGCONT");
        }
        return (RIVALS - 1) * ROUNDS * ROUND_ORDERS;
      };
      await withSlowRows(postgres, RIVAL_ROW_MS, () => withRepetitions(postgres, compete));
    },
    recoverWithinSeconds: 30,
  },
  {
    name: "overtaking-publishers",
    // a turn lets one publish at a time, unless it takes longer than its turn
    strike: (scene) => runBeside(scene, "dev/faults/publish-late.ts", LATE_PUBLISHERS),
    recoverWithinSeconds: 20,
  },
  {
    name: "overlapping-ticks",
    modes: ["v1"],
    ground: { prepareDatabase: prepareSlowRows },
    // the schedule lets one worker count at a time; that the figures are right may not hang on it
    strike: (scene) =>
      withSlowRows(scene.ground.addresses.postgres, STORED_ROW_MS, () =>
        runBeside(scene, "dev/faults/tick.ts", TICKERS),
      ),
    recoverWithinSeconds: 20,
  },
];
