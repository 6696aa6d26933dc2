// Finds k6 of the pinned major version, or builds it once into the cache folder.
import { execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { cacheFolder } from "../dev/system/servers/data-dir.ts";

/** @types/k6 in package.json is of the same minor version. */
export const K6_VERSION = "2.2.0";

export type K6 = { readonly command: string; readonly version: string };

const run = promisify(execFile);
/** Two minutes on a usual machine; modules over a slow line and a busy core make it many. */
const BUILD_WITHIN_MS = 1_800_000;
const TELL_EVERY_MS = 20_000;
const major = (version: string): string => version.split(".")[0] ?? "";

/** "k6 v2.2.0 (go1.26.8, linux/amd64)" → "2.2.0"; null for anything else. */
export const versionIn = (text: string): string | null => /^k6 v(\d+\.\d+\.\d+\S*)/.exec(text)?.[1] ?? null;

/** Null when there is none, or one of another major version, whose scripts are not ours. */
export const fitting = async (command: string): Promise<K6 | null> => {
  try {
    const version = versionIn((await run(command, ["version"])).stdout);
    return version !== null && major(version) === major(K6_VERSION) ? { command, version } : null;
  } catch {
    // not there, or not a program of this system
    return null;
  }
};

const INSTALL =
  `install k6 ${major(K6_VERSION)} (https://grafana.com/docs/k6/latest/set-up/install-k6), ` +
  "or Go 1.25 or newer, with which it is built here";

/** May build it first, and tells so. Throws a sentence saying what to install when there is no way. */
export const findK6 = async (log: (line: string) => void): Promise<K6> => {
  const folder = join(cacheFolder(), `k6-${K6_VERSION}`);
  const found = (await fitting("k6")) ?? (await fitting(join(folder, "k6")));
  if (found !== null) return found;
  log(`k6 ${major(K6_VERSION)} is missing: building ${K6_VERSION} with Go (once, some minutes)`);
  const partial = mkdtempSync(`${folder}-`);
  try {
    await build(partial, log);
    if (!existsSync(folder)) renameSync(partial, folder); // else another run was quicker
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  const built = await fitting(join(folder, "k6"));
  if (built === null) throw new Error(`the built k6 does not run here; ${INSTALL}`);
  return built;
};

/** What the caller's own Go settings would change: a vendor folder, a workspace, a C compiler that is not needed. */
const BUILD_ENVIRONMENT = { GOFLAGS: "-trimpath", GOWORK: "off", CGO_ENABLED: "0" };

/**
 * In a module of its own and not by `go install`, which also asks for the newest version of k6, and fails where a proxy
 * of modules does not tell it.
 */
const build = (folder: string, log: (line: string) => void): Promise<void> =>
  new Promise((resolve, reject) => {
    const module = `go.k6.io/k6/v${major(K6_VERSION)}`;
    writeFileSync(join(folder, "go.mod"), `module k6\n\ngo 1.25.0\n\nrequire ${module} v${K6_VERSION}\n`);
    const child = spawn("go", ["build", "-mod=mod", "-o", "k6", module], {
      cwd: folder,
      env: { ...process.env, ...BUILD_ENVIRONMENT },
      stdio: ["ignore", "ignore", "pipe"],
      timeout: BUILD_WITHIN_MS,
    });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    const startedMs = Date.now();
    const telling = setInterval(() => {
      const modules = said.match(/downloading/g)?.length ?? 0;
      log(`building k6: ${Math.round((Date.now() - startedMs) / 1_000)} s, ${modules} modules downloaded`);
    }, TELL_EVERY_MS);
    child.once("error", ({ message }: NodeJS.ErrnoException) => {
      clearInterval(telling);
      reject(new Error(`k6 cannot be built without Go (${message}); ${INSTALL}`));
    });
    child.once("close", (code) => {
      clearInterval(telling);
      if (code === 0) return resolve();
      const reason = said
        .split("\n")
        .filter((line) => line !== "" && !line.includes("downloading"))
        .at(0);
      reject(new Error(`go build could not make k6: ${reason ?? "it took too long"}; ${INSTALL}`));
    });
  });
