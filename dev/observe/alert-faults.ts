/** Real faults of a running system, each with the alerts that it must fire. */
import { once } from "node:events";
import { rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { modes } from "#shared/modes/all.ts";
import { redisStreamsKnobs } from "#shared/modes/redis-streams/mode.ts";
import { openStream, type StreamClient } from "#shared/modes/redis-streams/stream.ts";
import { loadSettings } from "#shared/runtime/config.ts";
import { closeRedis } from "#shared/runtime/redis.ts";
import { type ServerName, servers } from "#shared/servers.ts";
import { discardLetter, letterIds } from "#shared/store/dead-letters.ts";
import type { Pool } from "#shared/store/pool.ts";
import { repair } from "#shared/store/repair.ts";
import { slowFile } from "../faults/kinds/disks.ts";
import type { System } from "../system/launcher.ts";
import type { Server } from "../system/servers/server.ts";

export type CheckedSystem = {
  readonly system: System;
  readonly pool: Pool;
  /** Holds the file that slows down the disk of the stream. */
  readonly folder: string;
  /** The mount point of the small disk with the stream's data. */
  readonly smallDisk: string;
};

export type ExpectedAlert = { readonly alert: string; readonly labels: Readonly<Record<string, string>> };

export type AlertFault = {
  /** Completes "the alert does not fire when …". */
  readonly name: string;
  alerts(system: Pick<CheckedSystem, "smallDisk">): readonly ExpectedAlert[];
  /** Resolves with the function that repairs it. */
  inject(system: CheckedSystem): Promise<() => Promise<void> | void>;
};

/** The names of the alerts that must fire. */
export const alertsOf = ({ alerts }: AlertFault): readonly string[] =>
  alerts({ smallDisk: "" }).map(({ alert }) => alert);

/** The first mode with this backend: a fault of a server or a worker is tried with one mode. */
const modeOn = (backend: ServerName): string => {
  const found = modes.find((mode) => mode.backend === backend);
  if (found === undefined) throw new Error(`no mode uses ${servers[backend].title}`);
  return found.name;
};
const [DIRECT, STREAM, KAFKA] = [modeOn("postgres"), modeOn("stream"), modeOn("kafka")];

/** The rollups of the check are small: a repair takes a fraction of this. */
const REPAIR_MS = 30_000;
/** The API is paused and runs in turns of these lengths. */
const STALL_MS = { stopped: 450, running: 350 };
const FLOOD_BATCH_ORDERS = 1_000;
const MOST_FLOOD_BATCHES = 500;
/** Shares of the stream's maxmemory and of the small disk. */
const FLOOD_UNTIL = 0.86;
const DISK_LEFT = 0.05;

/** Pauses a program (SIGSTOP); returns the function that resumes it. */
const paused = (system: System, name: string): (() => void) => {
  const pid = [...system.apis, ...system.workers].find((program) => program.name === name)?.pid();
  if (pid === undefined) throw new Error(`program ${name} is not running`);
  process.kill(pid, "SIGSTOP");
  return () => void process.kill(pid, "SIGCONT");
};

const boardOf = ({ servers: { board } }: System): Server => {
  if (board === undefined) throw new Error("the board's Redis is not running");
  return board;
};

const NO_LOG = { info: () => undefined, warn: () => undefined, error: () => undefined };

const withStream = async <T>(system: System, work: (stream: StreamClient) => Promise<T>): Promise<T> => {
  const stream = openStream(system.env[servers.stream.variable] ?? "", "coffee-check", NO_LOG);
  try {
    await once(stream, "ready");
    return await work(stream);
  } finally {
    await closeRedis(stream);
  }
};

const slowDisk: AlertFault = {
  name: "the disk of the stream takes two seconds to flush",
  alerts: () => [
    { alert: "CoffeeAvailabilityBurnFast", labels: { mode: STREAM } },
    { alert: "CoffeeAvailabilityBurnSlow", labels: { mode: STREAM } },
  ],
  inject: async ({ folder }) => {
    writeFileSync(slowFile(folder), "");
    return () => rmSync(slowFile(folder), { force: true });
  },
};

const stoppedWorker: AlertFault = {
  name: `the worker of ${KAFKA} is paused`,
  alerts: () => [
    { alert: "CoffeeFreshnessBurnFast", labels: { mode: KAFKA } },
    { alert: "CoffeeFreshnessBurnSlow", labels: { mode: KAFKA } },
    { alert: "CoffeeLagGrowing", labels: { mode: KAFKA } },
    { alert: "CoffeeAggregatorSilent", labels: { mode: KAFKA } },
  ],
  inject: async ({ system }) => paused(system, `worker-${KAFKA}`),
};

const stoppedAggregator: AlertFault = {
  name: `the worker of ${DIRECT} is paused`,
  alerts: () => [{ alert: "CoffeeAggregatorSilent", labels: { mode: DIRECT } }],
  inject: async ({ system }) => paused(system, `worker-${DIRECT}`),
};

const poisoned: AlertFault = {
  name: "an invalid entry is added to the stream",
  alerts: () => [{ alert: "CoffeeDeadLetters", labels: { mode: STREAM } }],
  inject: async ({ system, pool }) => {
    const { v2Stream } = loadSettings(redisStreamsKnobs, system.env);
    await withStream(system, (stream) => stream.addOrders(v2Stream, 1, "not JSON"));
    return async () => {
      for (const id of await letterIds(pool, { isOpen: true }, "0", 1_000)) await discardLetter(pool, id);
    };
  },
};

const editedRollup: AlertFault = {
  name: "a rollup is edited by hand",
  alerts: () => [{ alert: "CoffeeReconcileDifference", labels: { mode: STREAM } }],
  inject: async ({ pool }) => {
    await pool.query(
      `UPDATE rollup_hour SET orders = orders + 5 WHERE (bucket, mode, store, drink, shard) = (
         SELECT bucket, mode, store, drink, shard FROM rollup_hour WHERE mode = $1 ORDER BY bucket DESC LIMIT 1)`,
      [STREAM],
    );
    return async () => {
      await repair(pool, { longestMs: REPAIR_MS, signal: AbortSignal.timeout(REPAIR_MS) });
    };
  },
};

const hungBoard: AlertFault = {
  name: "the board's Redis hangs",
  alerts: () => [{ alert: "CoffeeBoardStale", labels: {} }],
  inject: async ({ system }) => {
    const board = boardOf(system);
    await board.pause();
    return () => board.resume();
  },
};

const hungApi: AlertFault = {
  name: "the API hangs",
  alerts: () => [
    { alert: "CoffeeApiDown", labels: {} },
    { alert: "CoffeeBlind", labels: { job: "order-api" } },
  ],
  inject: async ({ system }) => paused(system, "order-api"),
};

const starvedApi: AlertFault = {
  name: "the API gets too little processor time",
  alerts: () => [{ alert: "CoffeeEventLoopStall", labels: { job: "order-api" } }],
  inject: async ({ system }) => {
    let isOver = false;
    const starving = (async () => {
      for (; !isOver; await sleep(STALL_MS.running)) {
        const resume = paused(system, "order-api");
        await sleep(STALL_MS.stopped);
        resume();
      }
    })();
    return async () => {
      isOver = true;
      await starving;
    };
  },
};

const floodedStream: AlertFault = {
  name: `the worker of ${STREAM} is paused under a flood of orders`,
  alerts: () => [{ alert: "CoffeeStreamMemory", labels: { server: "stream" } }],
  inject: async ({ system }) => {
    const resume = paused(system, `worker-${STREAM}`);
    const order = { drink: "latte", store: "uptown", price: 4.5 };
    const request = {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(Array(FLOOD_BATCH_ORDERS).fill(order)),
    };
    const flood = withStream(system, async (stream) => {
      for (let batch = 0; batch < MOST_FLOOD_BATCHES; batch++) {
        const memory = await stream.info("memory");
        const [used, most] = ["used_memory", "maxmemory"].map((name) =>
          Number(new RegExp(`^${name}:(\\d+)`, "m").exec(memory)?.[1]),
        );
        if ((used ?? 0) > (most ?? 0) * FLOOD_UNTIL) return;
        await (await fetch(`${system.url}/api/${STREAM}/orders`, request)).arrayBuffer();
      }
    });
    await flood.catch((error: unknown) => {
      resume();
      throw error;
    });
    return resume;
  },
};

const fullDisk: AlertFault = {
  name: "a disk fills up",
  alerts: ({ smallDisk }) => [{ alert: "CoffeeDiskFilling", labels: { mountpoint: smallDisk } }],
  inject: async ({ smallDisk }) => {
    const { bavail, blocks, bsize } = statfsSync(smallDisk);
    const ballast = join(smallDisk, "ballast");
    writeFileSync(ballast, Buffer.alloc((bavail - Math.ceil(blocks * DISK_LEFT)) * bsize));
    return () => rmSync(ballast);
  },
};

/** Short faults first: after a long outage the alerts take longer to stop. */
export const alertFaults: readonly AlertFault[] = [
  fullDisk,
  poisoned,
  editedRollup,
  floodedStream,
  starvedApi,
  hungApi,
  hungBoard,
  slowDisk,
  stoppedAggregator,
  stoppedWorker,
];
