/** What goes wrong in earnest, and the alerts that have to tell of it. */
import { once } from "node:events";
import { rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { redisStreamsKnobs } from "#shared/modes/redis-streams/knobs.ts";
import { openStream, type StreamClient } from "#shared/modes/redis-streams/stream.ts";
import { loadSettings } from "#shared/runtime/config.ts";
import { closeRedis } from "#shared/runtime/redis.ts";
import { discardLetter, letterIds } from "#shared/store/dead-letters.ts";
import type { Pool } from "#shared/store/pool.ts";
import { repair } from "#shared/store/repair.ts";
import { slowFile } from "../faults/kinds/slow-fsync.ts";
import type { System } from "../system/launcher.ts";
import type { Server } from "../system/servers/server.ts";

export type CheckGround = {
  readonly system: System;
  readonly pool: Pool;
  /** Holds what slows the stream's disk. */
  readonly folder: string;
  /** The small disk on which the stream's data is. */
  readonly smallDisk: string;
};

export type Expected = { readonly alert: string; readonly labels: Readonly<Record<string, string>> };

export type Breakage = {
  readonly name: string;
  alerts(ground: Pick<CheckGround, "smallDisk">): readonly Expected[];
  /** Resolves with what mends it. */
  strike(ground: CheckGround): Promise<() => Promise<void> | void>;
};

/** The names of the alerts that have to tell of it. */
export const tells = ({ alerts }: Breakage): readonly string[] =>
  alerts({ smallDisk: "" }).map(({ alert }) => alert);

/** A repair of some hours of the check takes a fraction of it. */
const REPAIR_MS = 30_000;
/** Of each second the API stands still for so long. */
const STALL_MS = { stopped: 450, running: 350 };
const FLOOD_BATCH_ORDERS = 1_000;
const MOST_FLOOD_BATCHES = 500;
const FLOOD_UNTIL = 0.86;
const DISK_LEFT = 0.05;

const stopped = (system: System, name: string): (() => void) => {
  const pid = [...system.apis, ...system.workers].find((program) => program.name === name)?.pid();
  if (pid === undefined) throw new Error(`${name} does not run`);
  process.kill(pid, "SIGSTOP");
  return () => void process.kill(pid, "SIGCONT");
};

const serverOf = (system: System, name: string): Server => {
  const server = Object.values(system.servers).find((each) => each.name === name);
  if (server === undefined) throw new Error(`there is no ${name}`);
  return server;
};

const UNHEARD = { info: () => undefined, warn: () => undefined, error: () => undefined };

const withStream = async <T>(system: System, work: (stream: StreamClient) => Promise<T>): Promise<T> => {
  const stream = openStream(system.env["STREAM_REDIS_URL"] ?? "", "coffee-check", UNHEARD);
  try {
    await once(stream, "ready");
    return await work(stream);
  } finally {
    await closeRedis(stream);
  }
};

const slowDisk: Breakage = {
  name: "the disk of the stream takes two seconds to flush",
  alerts: () => [
    { alert: "CoffeeAvailabilityBurnFast", labels: { mode: "v2" } },
    { alert: "CoffeeAvailabilityBurnSlow", labels: { mode: "v2" } },
  ],
  strike: async ({ folder }) => {
    writeFileSync(slowFile(folder), "");
    return () => rmSync(slowFile(folder), { force: true });
  },
};

const stoppedWorker: Breakage = {
  name: "the worker of v3 stands still",
  alerts: () => [
    { alert: "CoffeeFreshnessBurnFast", labels: { mode: "v3" } },
    { alert: "CoffeeFreshnessBurnSlow", labels: { mode: "v3" } },
    { alert: "CoffeeLagGrowing", labels: { mode: "v3" } },
    { alert: "CoffeeAggregatorSilent", labels: { mode: "v3" } },
  ],
  strike: async ({ system }) => stopped(system, "worker-v3"),
};

const stoppedAggregator: Breakage = {
  name: "the worker of v1 stands still",
  alerts: () => [{ alert: "CoffeeAggregatorSilent", labels: { mode: "v1" } }],
  strike: async ({ system }) => stopped(system, "worker-v1"),
};

const poisoned: Breakage = {
  name: "what is no order comes into the stream",
  alerts: () => [{ alert: "CoffeeDeadLetters", labels: { mode: "v2" } }],
  strike: async ({ system, pool }) => {
    const { v2Stream } = loadSettings(redisStreamsKnobs, system.env);
    await withStream(system, (stream) => stream.addOrders(v2Stream, 1, "this is no JSON"));
    return async () => {
      for (const id of await letterIds(pool, { isOpen: true }, "0", 1_000)) await discardLetter(pool, id);
    };
  },
};

const editedRollup: Breakage = {
  name: "somebody edits a rollup",
  alerts: () => [{ alert: "CoffeeReconcileDifference", labels: { mode: "v2" } }],
  strike: async ({ pool }) => {
    await pool.query(
      `UPDATE rollup_hour SET orders = orders + 5 WHERE (bucket, mode, store, drink, shard) = (
         SELECT bucket, mode, store, drink, shard FROM rollup_hour WHERE mode = 'v2' ORDER BY bucket DESC LIMIT 1)`,
    );
    return async () => {
      await repair(pool, { longestMs: REPAIR_MS, signal: AbortSignal.timeout(REPAIR_MS) });
    };
  },
};

const hungBoard: Breakage = {
  name: "the board's Redis hangs",
  alerts: () => [{ alert: "CoffeeBoardStale", labels: {} }],
  strike: async ({ system }) => {
    const board = serverOf(system, "redis-board");
    board.pause();
    return () => board.resume();
  },
};

const hungApi: Breakage = {
  name: "the API hangs",
  alerts: () => [
    { alert: "CoffeeApiDown", labels: {} },
    { alert: "CoffeeBlind", labels: { job: "order-api" } },
  ],
  strike: async ({ system }) => stopped(system, "order-api"),
};

const starvedApi: Breakage = {
  name: "the API is starved of its processor",
  alerts: () => [{ alert: "CoffeeEventLoopStall", labels: { job: "order-api" } }],
  strike: async ({ system }) => {
    let isOver = false;
    const starving = (async () => {
      for (; !isOver; await sleep(STALL_MS.running)) {
        const goOn = stopped(system, "order-api");
        await sleep(STALL_MS.stopped);
        goOn();
      }
    })();
    return async () => {
      isOver = true;
      await starving;
    };
  },
};

const floodedStream: Breakage = {
  name: "the worker of v2 stands still while very much is ordered",
  alerts: () => [{ alert: "CoffeeStreamMemory", labels: { server: "stream" } }],
  strike: async ({ system }) => {
    const goOn = stopped(system, "worker-v2");
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
        await (await fetch(`${system.url}/api/v2/orders`, request)).arrayBuffer();
      }
    });
    await flood.catch((error: unknown) => {
      goOn();
      throw error;
    });
    return goOn;
  },
};

const fullDisk: Breakage = {
  name: "a disk fills up",
  alerts: ({ smallDisk }) => [{ alert: "CoffeeDiskFilling", labels: { mountpoint: smallDisk } }],
  strike: async ({ smallDisk }) => {
    const { bavail, blocks, bsize } = statfsSync(smallDisk);
    const ballast = join(smallDisk, "ballast");
    writeFileSync(ballast, Buffer.alloc((bavail - Math.ceil(blocks * DISK_LEFT)) * bsize));
    return () => rmSync(ballast);
  },
};

/** The quick and quiet ones first: what comes after a long outage has its wake to live with. */
export const breakages: readonly Breakage[] = [
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
