// npm ci, once, however many starts find at the same time that it is needed.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { delimiter, join, sep } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 200;
/** About 15 s are usual; a silent minute looks like a fault. */
const REPORT_EVERY_MS = 5_000;

/** npm writes its marker last: an install that was killed half way leaves none. */
const isUpToDate = (root) => {
  const marker = join(root, "node_modules", ".package-lock.json");
  return existsSync(marker) && statSync(marker).mtimeMs >= statSync(join(root, "package-lock.json")).mtimeMs;
};

/**
 * A release function, or undefined while another start has its turn. The name of an abstract socket goes with its
 * process, so it cannot go stale. Other systems than Linux have no such names: there two installs are not kept apart.
 */
const takeTurn = (root) =>
  new Promise((resolve, reject) => {
    if (process.platform !== "linux") return resolve(() => undefined);
    const hash = createHash("sha256").update(root).digest("hex").slice(0, 32);
    const holder = createServer();
    holder.once("error", (error) => (error.code === "EADDRINUSE" ? resolve(undefined) : reject(error)));
    holder.listen(`\0coffee-rt-install-${hash}`, () => resolve(() => holder.close()));
  });

const pidFile = (root) => join(root, ".coffee-rt", "npm-ci.pid");

/** npm ci goes on when the bootstrap that started it is killed; a second one at the same time would break both. */
const isOrphanAtWork = (root) => {
  try {
    return readFileSync(`/proc/${Number(readFileSync(pidFile(root), "utf8"))}/cmdline`, "utf8").includes(
      "npm",
    );
  } catch {
    return false;
  }
};

/**
 * npm with a Node that npm ci does not delete while it runs: `npm run` puts node_modules/.bin first, and the pinned
 * Node is there.
 */
const npmCommand = (root) => {
  const own = join(root, "node_modules") + sep;
  const env = { ...process.env };
  const isOurs = (folder) => /node_modules[\\/]\.bin[\\/]?$/.test(folder) || folder.startsWith(own);
  env.PATH = (env.PATH ?? "")
    .split(delimiter)
    .filter((folder) => !isOurs(folder))
    .join(delimiter);
  const { npm_execpath: npm = "", npm_node_execpath: node = "" } = env;
  if (/npm-cli\.[cm]?js$/.test(npm) && existsSync(node) && !node.startsWith(own))
    return { command: node, first: [npm], env };
  return { command: process.platform === "win32" ? "npm.cmd" : "npm", first: [], env };
};

const npmCi = (root, onChild) =>
  new Promise((resolve, reject) => {
    const { command, first, env } = npmCommand(root);
    const args = ["ci", "--no-audit", "--no-fund", "--include=dev", "--include=optional", "--loglevel=error"];
    const child = spawn(command, [...first, ...args], {
      cwd: root,
      env,
      stdio: ["ignore", 2, 2],
      shell: process.platform === "win32",
    });
    child.once("error", (error) => reject(new Error(`npm could not be run: ${error.message}`)));
    child.once("exit", (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`npm ci failed (${signal ?? code}); what it said stands above`));
    });
    if (child.pid === undefined) return;
    onChild(child);
    mkdirSync(join(root, ".coffee-rt"), { recursive: true });
    writeFileSync(pidFile(root), String(child.pid));
  });

/** Their folders; those for other systems are left out by npm. */
const packagesIn = (root) => {
  const { packages = {} } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const fits = (own, wanted) => wanted === undefined || wanted.includes(own);
  return Object.entries(packages)
    .filter(([folder, { os, cpu }]) => folder !== "" && fits(process.platform, os) && fits(process.arch, cpu))
    .map(([folder]) => folder);
};

const runNpmCi = async (root, say, onChild) => {
  const began = Date.now();
  const seconds = () => Math.round((Date.now() - began) / 1000);
  const all = packagesIn(root);
  say(`installing ${all.length} packages with npm ci; one to two minutes, once`);
  const unpacked = () => all.filter((folder) => existsSync(join(root, folder, "package.json"))).length;
  const report = setInterval(
    () => say(`still installing: ${unpacked()} of ${all.length} packages unpacked (${seconds()} s)`),
    REPORT_EVERY_MS,
  );
  try {
    await npmCi(root, onChild);
  } finally {
    clearInterval(report);
  }
  say(`dependencies installed in ${seconds()} s`);
};

/**
 * Leaves node_modules as the lock file says. `isComplete` returns whether the pinned Node is there: npm leaves out an
 * optional package that it could not verify, without a word and with exit code 0. `onChild` is given npm's process.
 */
export const installDependencies = async ({ root, isComplete, say, onChild }) => {
  const isFresh = () => isUpToDate(root) && isComplete();
  if (isFresh()) return;
  let release = await takeTurn(root);
  if (release === undefined || isOrphanAtWork(root)) say("waiting for another start that is installing");
  while (release === undefined) {
    await sleep(POLL_MS);
    release = await takeTurn(root);
  }
  try {
    while (isOrphanAtWork(root)) await sleep(POLL_MS);
    if (!isFresh()) await runNpmCi(root, say, onChild);
  } finally {
    release();
  }
};
