// Finds redis-server, or gets it: with apt-get where root may install, else unpacked into the cache folder.
import { type ExecFileException, execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { cacheFolder, readableByEverybody } from "./data-dir.ts";

export type RedisBinary = { command: string; env: Record<string, string> };

const run = promisify(execFile);
/** A package index and a few packages over a slow line. */
const APT_WITHIN_MS = 300_000;
/** Another apt-get of this machine may be at work. */
const lockWait = ["-o", "DPkg::Lock::Timeout=120"];
const WHAT_TO_DO =
  "redis-server is missing and could not be installed. Install Redis 7 (on Debian and Ubuntu: " +
  "apt-get install redis-server), or name running servers in BOARD_REDIS_URL and STREAM_REDIS_URL";

const works = async ({ command, env }: RedisBinary) => {
  try {
    await run(command, ["--version"], { env: { ...process.env, ...env } });
    return true;
  } catch {
    return false;
  }
};

const fromSystem: RedisBinary = { command: "redis-server", env: {} };

const unpackedIn = (folder: string): RedisBinary => {
  const libraries = join(folder, "usr", "lib");
  const folders = existsSync(libraries) ? readdirSync(libraries).map((name) => join(libraries, name)) : [];
  return {
    command: join(folder, "usr", "bin", "redis-server"),
    env: { LD_LIBRARY_PATH: [libraries, ...folders].join(":") },
  };
};

const aptGet = (args: string[]) =>
  run("apt-get", [...lockWait, ...args], {
    timeout: APT_WITHIN_MS,
    // RUNLEVEL=1 keeps the package from starting a server of its own
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1", LC_ALL: "C" },
  });

const install = async (log: (line: string) => void) => {
  log("redis-server is missing: installing it with apt-get");
  const args = ["install", "-y", "--no-install-recommends", "redis-server"];
  try {
    await aptGet(args);
  } catch {
    log("apt-get does not know the package yet: updating its index");
    await aptGet(["update"]);
    await aptGet(args);
  }
  // systemd does not ask for a run level; ours listens elsewhere, but an idle second server is not what was asked for
  if (existsSync("/run/systemd/system")) await run("systemctl", ["disable", "--now", "redis-server"]);
};

/** The packages to unpack: Redis itself, and those libraries of it that the system lacks. */
const packages = async () => {
  const lines = (await run("apt-cache", ["depends", "redis-server", "redis-tools"])).stdout.split("\n");
  const libraries = lines
    .filter((line) => /^ *\|?Depends: (lib|lua)/.test(line))
    .map((line) => line.replace(/.*Depends: /, "").trim());
  const missing = await Promise.all(
    libraries.map((name) =>
      run("dpkg-query", ["-W", name]).then(
        () => [],
        () => [name],
      ),
    ),
  );
  return ["redis-server", "redis-tools", ...missing.flat()];
};

const unpack = async (folder: string, log: (line: string) => void) => {
  log("redis-server is missing: downloading its packages into the cache folder");
  const partial = mkdtempSync(`${folder}-`);
  try {
    await run("apt-get", ["download", ...(await packages())], { cwd: partial, timeout: APT_WITHIN_MS });
    for (const name of readdirSync(partial).filter((one) => one.endsWith(".deb")))
      await run("dpkg", ["-x", join(partial, name), partial]);
    await readableByEverybody(partial);
    if (!(await works(unpackedIn(partial)))) throw new Error("the unpacked redis-server does not run");
    if (!existsSync(folder)) renameSync(partial, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
};

/** How to run redis-server; may install it first. Throws a sentence saying what to do when there is no way. */
export const redisBinary = async (log: (line: string) => void = () => {}): Promise<RedisBinary> => {
  if (await works(fromSystem)) return fromSystem;
  const folder = join(cacheFolder(), "redis");
  const unpacked = unpackedIn(folder);
  if (await works(unpacked)) return unpacked;
  const reasons: string[] = [];
  const attempt = async (how: () => Promise<void>) => {
    try {
      await how();
    } catch (error) {
      reasons.push((error as ExecFileException).stderr?.trim() || (error as Error).message);
    }
  };
  if (process.getuid?.() === 0) await attempt(() => install(log));
  if (await works(fromSystem)) return fromSystem;
  await attempt(() => unpack(folder, log));
  const result = unpackedIn(folder);
  if (await works(result)) return result;
  throw new Error(`${WHAT_TO_DO}. What was tried: ${reasons.join("; ")}`);
};
