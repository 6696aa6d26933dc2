/** A server's data on a small disk of its own that fills up, and has room again. */
import { execFile } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { type Closers, messageOf } from "#shared/runtime/lifecycle.ts";
import { openPool } from "#shared/store/pool.ts";
import type { Settings } from "../../system/servers/settings.ts";
import type { Wanted } from "../../system/servers/start.ts";
import { waitUntil } from "../../system/wait.ts";
import type { Fault, Scene } from "../fault.ts";
import type { Ground, Prepared } from "../ground.ts";
import type { ServerName } from "../wiring.ts";
import { REFUSED_WITHIN_MS, untilRefused } from "./refused.ts";

const run = promisify(execFile);
const FOLDER = "small-disk";
const FULL_MS = 6_000;
/** What a server frees meanwhile is taken too. */
const FILL_EVERY_MS = 100;
const STATEMENT_MS = 5_000;
const MEGABYTE = 1 << 20;
const PAGE = 1 << 12;

/** In the folder, until the closers close. Throws a sentence where nobody may mount one. */
export const mountSmallDisk = async (
  folder: string,
  megabytes: number,
  closers: Closers,
): Promise<string> => {
  if (process.getuid?.() !== 0) throw new Error("not run: only root may mount the small disk that fills up");
  const disk = join(folder, FOLDER);
  mkdirSync(disk);
  await run("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m,mode=755`, "tmpfs", disk]).catch(
    (error: unknown) => {
      throw new Error(`not run: a tmpfs cannot be mounted here: ${messageOf(error)}`);
    },
  );
  closers.add("the small disk", async () => {
    // a process that is still ending holds it; then it goes with that process
    await run("umount", [disk]).catch(() => run("umount", ["--lazy", disk]));
  });
  return disk;
};

/** Takes all that is left, and says how many bytes that was. */
const fill = (file: string): number => {
  const ballast = openSync(file, "a");
  let bytes = 0;
  try {
    for (const block of [Buffer.alloc(MEGABYTE), Buffer.alloc(PAGE)])
      try {
        for (;;) bytes += writeSync(ballast, block);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      }
  } finally {
    closeSync(ballast);
  }
  return bytes;
};

const strike = async (scene: Scene, { name, meanwhile }: SmallDisk): Promise<void> => {
  const { ground } = scene;
  const ballast = join(ground.folder, FOLDER, "ballast");
  fill(ballast);
  const filling = setInterval(() => fill(ballast), FILL_EVERY_MS);
  try {
    // elsewhere orders are taken and wait: nobody is told of the disk
    if (name === ground.backend) await untilRefused(scene, "the disk is full");
    await meanwhile?.(ground);
    await sleep(FULL_MS);
  } finally {
    clearInterval(filling);
    rmSync(ballast);
  }
};

/** Until the log needs a segment more: then PostgreSQL panics, and cannot start again while the disk is full. */
const fillLog = async ({ addresses }: Ground): Promise<void> => {
  const pool = openPool(
    {
      databaseUrl: addresses.postgres,
      program: "coffee-faults",
      maxConnections: 1,
      statementTimeoutMs: STATEMENT_MS,
      connectTimeoutMs: STATEMENT_MS,
    },
    () => undefined,
  );
  const isPanic = async (): Promise<boolean> => {
    try {
      await pool.query(`SELECT pg_logical_emit_message(true, 'ballast', repeat('x', ${MEGABYTE}))`);
      return false;
    } catch (error) {
      // an error that the server could tell is none: after a panic there is nobody to tell it
      return (error as { code?: string }).code?.startsWith("53") !== true;
    }
  };
  try {
    await waitUntil("PostgreSQL's log has no room", isPanic, REFUSED_WITHIN_MS);
  } finally {
    await pool.end();
  }
};

type SmallDisk = {
  readonly name: ServerName;
  readonly modes?: readonly string[];
  /** Enough to start and to run a while. */
  readonly megabytes: number;
  readonly settings: Settings;
  /** What else happens while it is full. */
  readonly meanwhile?: (ground: Ground) => Promise<void>;
};

const DISKS: readonly SmallDisk[] = [
  // the least that holds its log: two segments of 16 MB
  {
    name: "postgres",
    megabytes: 160,
    settings: { min_wal_size: "32MB", max_wal_size: "32MB" },
    meanwhile: fillLog,
  },
  { name: "stream", modes: ["v2"], megabytes: 32, settings: {} },
  // an index takes its whole size at once, and a segment as much as it may
  {
    name: "kafka",
    modes: ["v3"],
    megabytes: 64,
    settings: { "log.segment.bytes": "1048576", "log.index.size.max.bytes": "65536" },
  },
];

export const fullDisks: readonly Fault[] = DISKS.map((disk) => ({
  name: `full-disk-${disk.name}`,
  ...(disk.modes && { modes: disk.modes }),
  ground: {
    prepare: async (folder, closers): Promise<Prepared> => {
      const dataDir = join(await mountSmallDisk(folder, disk.megabytes, closers), disk.name);
      const servers: Partial<Wanted> = { [disk.name]: { dataDir, settings: disk.settings } };
      return { servers };
    },
  },
  strike: (scene) => strike(scene, disk),
  recoverWithinSeconds: 40,
}));
