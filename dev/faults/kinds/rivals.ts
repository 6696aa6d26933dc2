/** Several processes that do the same work at the same moment. */
import { setTimeout as sleep } from "node:timers/promises";
import { closeRedis } from "#shared/runtime/redis.ts";
import { withDatabase } from "../../system/database.ts";
import type { Fault, Scene } from "../faults.ts";
import { type FaultySystem, modesOn } from "../system.ts";
import { openStreamOf } from "../transport.ts";
import { sendSignal } from "./processes.ts";
import { untilRedelivered } from "./redeliveries.ts";

const SLOW_ROWS = (body: string): string => `
CREATE OR REPLACE FUNCTION slow_rows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body} RETURN NEW; END $$`;

/** Before the first program: a trigger created under load deadlocks with statements that lock a partition. */
const createSlowRows = (databaseUrl: string): Promise<unknown> =>
  withDatabase(databaseUrl, (pool) =>
    pool.query(`${SLOW_ROWS("")};
CREATE TRIGGER slow_rows BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION slow_rows()`),
  );

/** During `work` each inserted order takes up to `mostMs`, so that concurrent writers certainly overlap. */
const withSlowRows = (
  { addresses }: FaultySystem,
  mostMs: number,
  work: () => Promise<void>,
): Promise<void> =>
  withDatabase(addresses.postgres, async (pool) => {
    try {
      await pool.query(SLOW_ROWS(`PERFORM pg_sleep(random() * ${mostMs / 1_000});`));
      await work();
    } finally {
      await pool.query(SLOW_ROWS(""));
    }
  });

const WORKERS = 4;
const ROUNDS = 3;
const ROUND_ORDERS = 300;
/** A round takes each worker about 0.3 s: they overlap in the middle of it. */
const COUNTED_ROW_MS = 2;

/** Takes new orders out of the stream, and puts them back once for each worker, each time in another order. */
const copyForEachWorker = async ({ system, clients, random }: Scene): Promise<void> => {
  const { stream, v2Stream } = await openStreamOf(system);
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const [last] = await stream.xrevrange(v2Stream, "+", "-", "COUNT", 1);
      await clients.send(Array.from({ length: ROUND_ORDERS }, clients.order));
      const entries = await stream.xrange(v2Stream, last === undefined ? "-" : `(${last[0]}`, "+");
      const orders = entries.flatMap(([, fields]) => ordersIn(fields));
      for (let worker = 0; worker < WORKERS; worker++)
        await stream.addOrders(v2Stream, orders.length, JSON.stringify(random.shuffled(orders)));
      // after the copies, which continue the running total that the last entry holds
      await stream.xdel(v2Stream, ...entries.map(([id]) => id));
    }
  } finally {
    await closeRedis(stream);
  }
};

const ordersIn = (fields: readonly string[]): unknown[] =>
  JSON.parse(fields[fields.indexOf("orders") + 1] ?? "[]") as unknown[];

const deliverToAll = async (scene: Scene): Promise<void> => {
  const { system } = scene;
  const signalAll = (signal: NodeJS.Signals): void => {
    for (const { pid } of system.workers) sendSignal(pid(), signal);
  };
  const copyWhilePaused = async (): Promise<number> => {
    signalAll("SIGSTOP");
    try {
      await copyForEachWorker(scene);
    } finally {
      signalAll("SIGCONT");
    }
    return (WORKERS - 1) * ROUNDS * ROUND_ORDERS;
  };
  await withSlowRows(system, COUNTED_ROW_MS, () => untilRedelivered(system, copyWhilePaused));
};

const RIVALRY_MS = 5_000;
const PUBLISHERS = 3;
const AGGREGATORS = 2;
/** With 60 requests a second two writers are busy for a third of their time. */
const STORED_ROW_MS = 10;

/** Runs several processes of one program concurrently with the workers for a while. */
const runBeside = async (
  { system }: Scene,
  program: "late publisher" | "aggregator",
  count: number,
): Promise<void> => {
  const start = (_: unknown, index: number) =>
    system.start(`rival-${index}`, "dev/faults/rival-program.ts", { RIVAL_PROGRAM: program });
  const programs = Array.from({ length: count }, start);
  await sleep(RIVALRY_MS);
  await Promise.all(programs.map(({ stop }) => stop()));
};

export const rivals: readonly Fault[] = [
  {
    name: "rival-deliveries",
    modes: modesOn("stream"),
    setup: {
      prepareDatabase: createSlowRows,
      workers: WORKERS,
      // one entry each, so that the copies of a batch are counted concurrently
      env: { V2_BATCH_MAX_ENTRIES: "1", V2_BATCH_MAX_ORDERS: "1000" },
    },
    strike: deliverToAll,
    recoverWithinSeconds: 30,
  },
  {
    name: "overtaking-publishers",
    // a lease lets one program publish at a time, unless publishing takes longer than the lease
    strike: (scene) => runBeside(scene, "late publisher", PUBLISHERS),
    recoverWithinSeconds: 20,
  },
  {
    name: "overlapping-ticks",
    modes: modesOn("postgres"),
    setup: { prepareDatabase: createSlowRows },
    // the schedule lets one worker count at a time; the figures must be right without it
    strike: (scene) =>
      withSlowRows(scene.system, STORED_ROW_MS, () => runBeside(scene, "aggregator", AGGREGATORS)),
    recoverWithinSeconds: 20,
  },
];
