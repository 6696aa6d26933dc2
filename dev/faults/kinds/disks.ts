/** Disks: one that fills up and has room again, and one that is slow to flush while its server is killed. */
import { execFile } from "node:child_process";
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { type Closers, messageOf } from "#shared/runtime/lifecycle.ts";
import type { ServerName } from "#shared/servers.ts";
import { withDatabase } from "../../system/database.ts";
import type { Settings } from "../../system/servers/settings.ts";
import { waitUntil } from "../../system/wait.ts";
import type { Fault, Scene } from "../faults.ts";
import { type FaultySystem, modesOn, type Prepared, whereUsed } from "../system.ts";
import { endProcess, sendSignal } from "./processes.ts";
import { REFUSED_WITHIN_MS, untilRefused } from "./read-only.ts";

const run = promisify(execFile);
const SMALL_DISK = "small-disk";
const FULL_MS = 6_000;
/** What a server frees meanwhile is filled too. */
const FILL_EVERY_MS = 100;
const MEGABYTE = 1 << 20;
const PAGE = 1 << 12;

/** A tmpfs in the folder, until the closers close; returns its path. Throws a sentence where none can be mounted. */
export const mountSmallDisk = async (
  folder: string,
  megabytes: number,
  closers: Closers,
): Promise<string> => {
  if (process.getuid?.() !== 0) throw new Error("not run: only root may mount the small disk that fills up");
  const disk = join(folder, SMALL_DISK);
  mkdirSync(disk);
  const options = `size=${megabytes}m,mode=755`;
  await run("mount", ["-t", "tmpfs", "-o", options, "tmpfs", disk]).catch((error: unknown) => {
    throw new Error(`not run: a tmpfs cannot be mounted here: ${messageOf(error)}`);
  });
  closers.add("the small disk", async () => {
    // a process that is still exiting holds it; then it is unmounted with that process
    await run("umount", [disk]).catch(() => run("umount", ["--lazy", disk]));
  });
  return disk;
};

/** Takes all the room that is left. */
const fill = (file: string): void => {
  const ballast = openSync(file, "a");
  try {
    for (const block of [Buffer.alloc(MEGABYTE), Buffer.alloc(PAGE)])
      try {
        for (;;) writeSync(ballast, block);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      }
  } finally {
    closeSync(ballast);
  }
};

type SmallDisk = {
  readonly name: ServerName;
  /** Enough to start and to run for a while. */
  readonly megabytes: number;
  readonly settings: Settings;
  /** What else happens while it is full. */
  readonly meanwhile?: (system: FaultySystem) => Promise<void>;
};

const fillDisk = async (scene: Scene, { name, meanwhile }: SmallDisk): Promise<void> => {
  const { system } = scene;
  const ballast = join(system.folder, SMALL_DISK, "ballast");
  fill(ballast);
  const filling = setInterval(() => fill(ballast), FILL_EVERY_MS);
  try {
    // with another backend orders are accepted and stay pending
    if (name === system.backend) await untilRefused(scene, "the disk is full");
    await meanwhile?.(system);
    await sleep(FULL_MS);
  } finally {
    clearInterval(filling);
    rmSync(ballast);
  }
};

/** Until the WAL needs another segment: then PostgreSQL panics, and cannot start while the disk is full. */
const fillWal = ({ addresses }: FaultySystem): Promise<void> =>
  withDatabase(addresses.postgres, async (pool) => {
    const isPanic = async (): Promise<boolean> => {
      try {
        await pool.query(`SELECT pg_logical_emit_message(true, 'ballast', repeat('x', ${MEGABYTE}))`);
        return false;
      } catch (error) {
        // 53: an error for want of resources that the server reports; after a panic it reports nothing
        return (error as { code?: string }).code?.startsWith("53") !== true;
      }
    };
    await waitUntil("PostgreSQL's WAL has no room", isPanic, REFUSED_WITHIN_MS);
  });

const DISKS: readonly SmallDisk[] = [
  // the least that holds its WAL: two segments of 16 MB
  {
    name: "postgres",
    megabytes: 160,
    settings: { min_wal_size: "32MB", max_wal_size: "32MB" },
    meanwhile: fillWal,
  },
  { name: "stream", megabytes: 32, settings: {} },
  // an index allocates its whole size at once, and a segment grows to its limit
  {
    name: "kafka",
    megabytes: 64,
    settings: { "log.segment.bytes": "1048576", "log.index.size.max.bytes": "65536" },
  },
];

export const fullDisks: readonly Fault[] = DISKS.map((disk) => ({
  name: `full-disk-${disk.name}`,
  ...whereUsed(disk.name),
  setup: {
    prepare: async ({ folder, closers }): Promise<Prepared> => {
      const dataDir = join(await mountSmallDisk(folder, disk.megabytes, closers), disk.name);
      return { servers: { [disk.name]: { dataDir, settings: disk.settings } } };
    },
  },
  strike: (scene) => fillDisk(scene, disk),
  recoverWithinSeconds: 40,
}));

const SLOW_FSYNC = "slow-fsync";
const SOURCE = join(import.meta.dirname, "slow-fsync.c");
/** With everysec Redis holds its writes back for at most 2 s while a flush is under way, and then blocks. */
const FSYNC_MS = 1_900;
/** From the start of a flush to the kill: late enough for orders to be acknowledged meanwhile. */
const KILL_FROM_MS = 600;
const KILL_UNTIL_MS = 1_200;
const UNDER_WAY_WITHIN_MS = 10_000;

/** The stream's Redis flushes slowly while this file exists. */
export const slowFile = (folder: string): string => join(folder, SLOW_FSYNC, "slow");

export const prepareSlowFsync = async (folder: string, settings: Settings): Promise<Prepared> => {
  const own = join(folder, SLOW_FSYNC);
  mkdirSync(own);
  // Redis writes there, as root under another user
  chmodSync(own, 0o777);
  const library = join(own, "slow-fsync.so");
  await run("cc", ["-shared", "-fPIC", "-O1", "-o", library, SOURCE]).catch((error: unknown) => {
    throw new Error(`not run: a C compiler named cc is needed to make fsync slow: ${messageOf(error)}`);
  });
  chmodSync(library, 0o755);
  const env = { LD_PRELOAD: library, SLOW_FSYNC_FOLDER: own, SLOW_FSYNC_MS: String(FSYNC_MS) };
  return { servers: { stream: { env, settings } } };
};

/** Workers are paused: the loss of an entry that is counted already would not be noticed. */
const killDuringFsync = async ({ system, random }: Scene): Promise<void> => {
  const slow = slowFile(system.folder);
  const underWay = join(system.folder, SLOW_FSYNC, "under-way");
  const workers = system.workers.map(({ pid }) => pid());
  for (const pid of workers) sendSignal(pid, "SIGSTOP");
  try {
    writeFileSync(slow, "");
    for (;;) {
      await waitUntil("a slow fsync is under way", () => existsSync(underWay), UNDER_WAY_WITHIN_MS);
      await sleep(KILL_FROM_MS + random.below(KILL_UNTIL_MS - KILL_FROM_MS));
      // a flush that was found near its end may be over: wait for the next one
      if (existsSync(underWay)) break;
    }
    await endProcess(system.server("stream"), "SIGKILL", () => {
      for (const file of [slow, underWay]) rmSync(file, { force: true });
    });
  } finally {
    rmSync(slow, { force: true });
    for (const pid of workers) sendSignal(pid, "SIGCONT");
  }
};

const slowFsync = (name: string, appendfsync: "always" | "everysec"): Fault => ({
  name,
  modes: modesOn("stream"),
  setup: {
    prepare: ({ folder }) => prepareSlowFsync(folder, { appendfsync }),
    // the product refuses orders where this and the server's setting differ
    env: { V2_APPENDFSYNC: appendfsync },
  },
  strike: killDuringFsync,
  recoverWithinSeconds: 30,
});

/** With the product's own setting of the stream: `appendfsync always`. */
export const slowFsyncKillStream = slowFsync("slow-fsync-kill-stream", "always");

/** With a weaker setting, which the product accepts for experiments: the audit has to report losses. */
export const slowFsyncEverysec = slowFsync("slow-fsync-everysec", "everysec");
