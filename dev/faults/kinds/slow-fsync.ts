/** A disk that is slow to flush, and the end of the stream's Redis while it flushes. */
import { execFile } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import type { Settings } from "../../system/servers/settings.ts";
import { waitUntil } from "../../system/wait.ts";
import type { Fault, Scene } from "../fault.ts";
import type { Prepared } from "../ground.ts";
import { end, kill } from "./processes.ts";

const FOLDER = "slow-fsync";
const SOURCE = join(import.meta.dirname, "slow-fsync.c");
/** With everysec Redis holds back its writes for at most 2 s while a flush is under way, and then blocks. */
const FSYNC_MS = 1_900;
/** Of the flush, when the kill comes: late enough for orders to be acknowledged meanwhile. */
const STRIKE_FROM_MS = 600;
const STRIKE_UNTIL_MS = 1_200;
const UNDER_WAY_WITHIN_MS = 10_000;

/** The stream's Redis flushes slowly while the file `slowFile` stands there. */
export const slowFile = (folder: string): string => join(folder, FOLDER, "slow");

export const prepareSlowFsync = async (folder: string, settings: Settings): Promise<Prepared> => {
  const own = join(folder, FOLDER);
  mkdirSync(own);
  // Redis runs as somebody else and writes there
  chmodSync(own, 0o777);
  const library = join(own, "slow-fsync.so");
  await promisify(execFile)("cc", ["-shared", "-fPIC", "-O1", "-o", library, SOURCE]).catch(
    (error: unknown) => {
      throw new Error(`not run: a C compiler named cc is needed to make fsync slow: ${messageOf(error)}`);
    },
  );
  chmodSync(library, 0o755);
  const env = { LD_PRELOAD: library, SLOW_FSYNC_FOLDER: own, SLOW_FSYNC_MS: String(FSYNC_MS) };
  return { servers: { stream: { env, settings } } };
};

/** Workers stand still: what they had counted already, a stream could lose without anybody noticing. */
const strike = async ({ ground, random }: Scene): Promise<void> => {
  const slow = slowFile(ground.folder);
  const underWay = join(ground.folder, FOLDER, "under-way");
  const workers = ground.workers.map(({ pid }) => pid());
  for (const pid of workers) kill(pid, "SIGSTOP");
  try {
    writeFileSync(slow, "");
    for (;;) {
      await waitUntil("a slow fsync is under way", () => existsSync(underWay), UNDER_WAY_WITHIN_MS);
      await sleep(STRIKE_FROM_MS + random.below(STRIKE_UNTIL_MS - STRIKE_FROM_MS));
      // one that was found near its end may be over: then the next
      if (existsSync(underWay)) break;
    }
    await end(ground.server("stream"), "SIGKILL", () => {
      for (const file of [slow, underWay]) rmSync(file, { force: true });
    });
  } finally {
    rmSync(slow, { force: true });
    for (const pid of workers) kill(pid, "SIGCONT");
  }
};

const slowFsync = (name: string, appendfsync: "always" | "everysec"): Fault => ({
  name,
  modes: ["v2"],
  ground: {
    prepare: (folder) => prepareSlowFsync(folder, { appendfsync }),
    // the product refuses orders where this and the server's setting differ
    env: { V2_APPENDFSYNC: appendfsync },
  },
  strike,
  recoverWithinSeconds: 30,
});

/** With the product's own settings of the stream: `appendfsync always`. */
export const slowFsyncKillStream = slowFsync("slow-fsync-kill-stream", "always");

/** The same with a weaker setting, which the product accepts for experiments: the checker has to report the losses. */
export const slowFsyncEverysec = slowFsync("slow-fsync-everysec", "everysec");
