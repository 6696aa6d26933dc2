// From a fresh clone to a running program: node dev/bootstrap.mjs <target> [arguments]
// Plain JavaScript for any Node since 18, without dependencies, since it runs before there are any. It installs them
// when they are missing or older than the lock file, and goes on in the Node that package.json pins: in this very
// process when that is what runs it (as npm does once node_modules/.bin/node exists), else in a child.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import module from "node:module";
import { constants } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { installDependencies } from "./install.mjs";

const targets = {
  start: ["dev/start.ts"],
  test: ["node_modules/vitest/vitest.mjs", "run"],
  "test:unit": ["node_modules/vitest/vitest.mjs", "run", "--project", "unit"],
  replay: ["dev/replay.ts"],
  bench: ["loadtest/lab/main.ts", "bench"],
  overload: ["loadtest/lab/main.ts", "overload"],
  faults: ["dev/faults/main.ts"],
  load: ["loadtest/load.ts"],
  lab: ["loadtest/lab/main.ts"],
  "dead-letters": ["dev/operate.ts", "dead-letters"],
  reconcile: ["dev/operate.ts", "reconcile"],
  retention: ["dev/operate.ts", "retention"],
  smoke: ["dev/operate.ts", "smoke"],
  contracts: ["dev/contracts.ts"],
  dashboards: ["grafana/dashboards.ts"],
  "check:observability": ["dev/observe/check.ts"],
  settings: ["dev/deploy/write.ts"],
  "check:containers": ["dev/containers/main.ts"],
  "check:deploy": ["dev/deploy/main.ts"],
  "build:dashboard": ["dev/build-dashboard.ts"],
  screenshots: ["dev/screenshots/main.ts"],
  lint: ["dev/lint.mjs"],
  typecheck: ["dev/typecheck.mjs"],
};
/** Checks the arguments before anything is installed: each exports `checkOptions` and imports no dependency. */
const checks = { load: "loadtest/options.ts" };
const LEAST_NODE = 24; // runs TypeScript as it is
const PARENT_POLL_MS = 250;
/** The descriptor of the pipe that closes when this process exits: the child then ends too. */
const PARENT_PIPE = 3;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { optionalDependencies = {} } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const nodePackage = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
const pinnedVersion = optionalDependencies[nodePackage];
const executable = process.platform === "win32" ? "node.exe" : "node";
const pinnedNode = join(root, "node_modules", nodePackage, "bin", executable);
const compileCache = join(root, ".coffee-rt", "cache", "compiled");

const say = (line) => process.stderr.write(`coffee-rt: ${line}\n`);
const fail = (line, code = 1) => {
  say(line);
  process.exit(code);
};

const runsNewEnough = () => Number(process.versions.node.split(".")[0]) >= LEAST_NODE;
const isComplete = () => existsSync(pinnedNode) || runsNewEnough();

const nodeToUse = () => {
  if (existsSync(pinnedNode)) return pinnedNode;
  if (runsNewEnough()) {
    say(
      `Node ${pinnedVersion ?? LEAST_NODE} is not installed for this system: going on with ${process.version}`,
    );
    return process.execPath;
  }
  if (pinnedVersion === undefined)
    return fail(`there is no Node package for ${nodePackage}: install Node ${LEAST_NODE} or newer yourself`);
  return fail(
    `npm left out ${nodePackage}@${pinnedVersion}, which it could not download or verify; start again`,
  );
};

/** This process is the program from here on. */
const continueHere = async (file, args) => {
  process.chdir(root);
  const pipe = process.env.COFFEE_RT_PARENT_PIPE;
  delete process.env.COFFEE_RT_PARENT_PIPE; // not for our children: the number means nothing to them
  // Only npm and this bootstrap wait for their child; a shell that put us in the background may well end before us.
  clearInterval(poll);
  if (pipe !== undefined || startedByNpm) {
    const { onParentGone } = await import("./end-with-parent.ts");
    onParentGone(() => process.kill(process.pid, "SIGTERM"), pipe === undefined ? undefined : Number(pipe));
  }
  const { endWithReader } = await import("../shared/runtime/closed-output.ts");
  endWithReader();
  process.argv = [process.execPath, join(root, file), ...args];
  await import(pathToFileURL(join(root, file)).href);
};

/**
 * What would end this process ends its child first: signals, and the exit of npm, which sends no signal. Without a child a
 * signal has its usual effect.
 */
const forwardTo = (child) => {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  const forward = (signal) => child.kill(signal);
  for (const signal of signals) process.on(signal, forward);
  current = child;
  child.once("exit", () => {
    current = undefined;
    for (const signal of signals) process.off(signal, forward);
  });
};

const continueInChild = (node, target, args) => {
  const child = spawn(node, [fileURLToPath(import.meta.url), target, ...args], {
    cwd: root,
    env: {
      ...process.env,
      PATH: dirname(node) + delimiter + (process.env.PATH ?? ""),
      COFFEE_RT_PARENT_PIPE: String(PARENT_PIPE),
    },
    stdio: ["inherit", "inherit", "inherit", "pipe"],
  });
  forwardTo(child);
  child.once("error", (error) => fail(`${node} could not be run: ${error.message}`));
  child.once("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
};

/** npm ci or the program, while it runs. */
let current;
const startedByNpm = process.env.npm_lifecycle_event !== undefined;
const parent = process.ppid;
const poll = setInterval(() => {
  if (!startedByNpm || process.ppid === parent) return;
  clearInterval(poll);
  if (current === undefined) process.exit(1);
  current.kill("SIGTERM");
}, PARENT_POLL_MS).unref();

const [target = "", ...args] = process.argv.slice(2);
const command = Object.hasOwn(targets, target) ? targets[target] : undefined;
if (command === undefined) fail(`usage: node dev/bootstrap.mjs ${Object.keys(targets).join(" | ")}`, 2);
try {
  // an older Node cannot run TypeScript: then the program checks them, once the pinned one is installed
  if (Object.hasOwn(checks, target) && runsNewEnough())
    (await import(pathToFileURL(join(root, checks[target])).href)).checkOptions(args, process.env);
} catch (error) {
  fail(error.message, 2);
}
try {
  await installDependencies({ root, isComplete, say, onChild: forwardTo });
} catch (error) {
  fail(error.message);
}
const node = nodeToUse();
const isTheChild = process.env.COFFEE_RT_PARENT_PIPE !== undefined;
if (isTheChild || process.versions.node === pinnedVersion || node === process.execPath) {
  // The stripped and compiled TypeScript of every process started from here on; coverage is exact only without it.
  if (target !== "test") {
    process.env.NODE_COMPILE_CACHE = compileCache;
    module.enableCompileCache?.(compileCache);
  }
  const [file, ...first] = command;
  await continueHere(file, [...first, ...args]);
} else continueInChild(node, target, args);
