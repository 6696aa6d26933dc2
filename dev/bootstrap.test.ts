// A copy of the bootstrap in its own project, with a fake npm that installs at once: which start installs, and which
// process stops with which. (The real npm ci is the first start of every fresh clone.)
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { folderForTest } from "../test/temporary.ts";
import { isAlive } from "./system/servers/process-tree.ts";
import { waitUntil } from "./system/wait.ts";

const nodePackage = `node-${process.platform}-${process.arch}`;
let project: string;
let started: ChildProcess[];

const NPM = `
  const { appendFileSync, mkdirSync, symlinkSync, writeFileSync } = require("node:fs");
  appendFileSync("installs", process.pid + "\\n");
  setTimeout(() => {
    if (process.env.LEAVE_OUT === undefined) {
      mkdirSync("node_modules/${nodePackage}/bin", { recursive: true });
      symlinkSync(process.execPath, "node_modules/${nodePackage}/bin/node");
    }
    mkdirSync("node_modules", { recursive: true });
    writeFileSync("node_modules/.package-lock.json", "{}");
  }, Number(process.env.INSTALL_MS ?? 300));`;

const PROGRAM = `
  process.on("SIGTERM", () => { console.log("stopping"); process.exit(7); });
  console.log(JSON.stringify({ pid: process.pid, args: process.argv.slice(2) }));
  setInterval(() => {}, 1000);`;

beforeEach(() => {
  project = folderForTest();
  started = [];
  mkdirSync(join(project, "dev"));
  for (const file of ["bootstrap.mjs", "install.mjs", "end-with-parent.ts"])
    cpSync(join(import.meta.dirname, file), join(project, "dev", file));
  const imported = "shared/runtime/closed-output.ts";
  cpSync(join(import.meta.dirname, "..", imported), join(project, imported));
  // never the version that runs this: the bootstrap then goes on in a child, as from a system's older Node
  const manifest = { type: "module", optionalDependencies: { [nodePackage]: "0.0.0" } };
  writeFileSync(join(project, "package.json"), JSON.stringify(manifest));
  writeFileSync(join(project, "package-lock.json"), "{}");
  mkdirSync(join(project, "npm"));
  writeFileSync(join(project, "npm", "package.json"), "{}");
  writeFileSync(join(project, "npm", "npm-cli.js"), NPM);
  writeFileSync(join(project, "dev", "start.ts"), PROGRAM);
});
afterEach(() => {
  for (const child of started) child.kill("SIGKILL");
});

type Run = {
  child: ChildProcess;
  output: () => string;
  program: () => Promise<{ pid: number; args: string[] }>;
};

const run = (command: string, args: string[], env: Record<string, string> = {}): Run => {
  const { NODE_OPTIONS, npm_lifecycle_event, NODE_V8_COVERAGE, ...inherited } = process.env;
  const npm = { npm_execpath: join(project, "npm", "npm-cli.js"), npm_node_execpath: process.execPath };
  const child = spawn(command, args, {
    cwd: project,
    env: { ...inherited, ...npm, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  started.push(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (part) => (output += String(part)));
  const program = async () => {
    await waitUntil("the program runs", () => /^\{.*\}$/m.test(output));
    return JSON.parse(/^\{.*\}$/m.exec(output)?.[0] ?? "") as { pid: number; args: string[] };
  };
  return { child, output: () => output, program };
};
const bootstrap = (args: string[], env?: Record<string, string>) =>
  run(process.execPath, ["dev/bootstrap.mjs", ...args], env);
const installs = () => readFileSync(join(project, "installs"), "utf8").trim().split("\n").map(Number);
const untilGone = (pid: number) => waitUntil(`${pid} is gone`, () => !isAlive(pid));
const exit = async ({ child }: Run) => {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.exitCode;
};

test("two starts in a fresh clone install once, and both run with their arguments", async () => {
  const both = [bootstrap(["start", "--a", "1"]), bootstrap(["start", "--b"])];
  const programs = await Promise.all(both.map((one) => one.program()));
  expect(programs.map(({ args }) => args)).toEqual([["--a", "1"], ["--b"]]);
  expect(installs()).toHaveLength(1);
  expect(both.map((one) => one.output()).join("")).toMatch(/waiting for another start/);
  const third = bootstrap(["start"]);
  await third.program();
  expect(installs()).toHaveLength(1);
});

test("waits for an npm that outlives its killed bootstrap", async () => {
  const first = bootstrap(["start"], { INSTALL_MS: "2000" });
  await waitUntil("npm runs", () => existsSync(join(project, ".coffee-rt", "npm-ci.pid")));
  first.child.kill("SIGKILL");
  const second = bootstrap(["start"]);
  await second.program();
  expect(installs()).toHaveLength(1);
});

test("without the pinned Node runs a newer one, and reports that", async () => {
  const left = bootstrap(["start"], { LEAVE_OUT: "1" });
  await left.program();
  expect(left.output()).toContain("Node 0.0.0 is not installed for this system");
  await bootstrap(["start"]).program();
  expect(installs()).toHaveLength(1);
});

test("SIGTERM reaches the program, whose exit code comes back", async () => {
  const one = bootstrap(["start"]);
  await one.program();
  one.child.kill("SIGTERM");
  expect(await exit(one)).toBe(7);
  expect(one.output()).toContain("stopping");
});

test("kill -9 of the bootstrap stops the program as a signal would", async () => {
  const one = bootstrap(["start"]);
  const { pid } = await one.program();
  one.child.kill("SIGKILL");
  await untilGone(pid);
  expect(one.output()).toContain("stopping");
});

test("kill -9 of npm stops the program; the end of a shell does not", async () => {
  const inShell = [`${process.execPath} dev/bootstrap.mjs start & wait`];
  const npm = run("sh", ["-c", ...inShell], { npm_lifecycle_event: "start" });
  const { pid } = await npm.program();
  const shell = run("sh", ["-c", `${process.execPath} dev/bootstrap.mjs start &`]);
  const background = await shell.program();
  npm.child.kill("SIGKILL");
  await untilGone(pid);
  expect(isAlive(background.pid)).toBe(true);
  process.kill(background.pid, "SIGKILL");
});

test("installs nothing when an option is wrong", async () => {
  mkdirSync(join(project, "loadtest"));
  const check = "export const checkOptions = ([first]) => { throw new Error(first + ' is wrong'); };";
  writeFileSync(join(project, "loadtest", "options.ts"), check);
  const wrong = bootstrap(["load", "--rte"]);
  expect(await exit(wrong)).toBe(2);
  expect(wrong.output()).toBe("coffee-rt: --rte is wrong\n");
  expect(existsSync(join(project, "installs"))).toBe(false);
});

test("an unknown target prints the known ones", async () => {
  const unknown = bootstrap(["serve"]);
  expect(await exit(unknown)).toBe(2);
  expect(unknown.output()).toContain("start | test");
});
