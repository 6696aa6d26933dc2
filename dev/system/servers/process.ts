// Makes a `Server` out of a program of this machine, run under guard.ts.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { cacheFolder } from "./data-dir.ts";
import { fingerprint, freeze, isAlive, isSameProcess, killTree, thaw } from "./process-tree.ts";
import { waitUntilReady } from "./ready.ts";
import { type Guarded, SERVER_ENVIRONMENT, type Server } from "./server.ts";

/** Processors by Linux's numbers. */
export type Cores = readonly number[];

/** The command that runs this one on these processors. taskset (util-linux) becomes the program that it starts. */
export const onCores = (
  cores: Cores | undefined,
  command: string,
  args: readonly string[],
): { readonly command: string; readonly args: string[] } =>
  cores === undefined
    ? { command, args: [...args] }
    : { command: "taskset", args: ["-c", cores.join(","), command, ...args] };

export type Program = Omit<Guarded, "earlierWithinMs"> & {
  url: string;
  port: number;
  /** Variables of the server's own; they may hold its passwords. */
  env?: Record<string, string>;
  isReady: () => Promise<boolean>;
  readyWithinMs: number;
  /** Any processors without. */
  cores?: Cores | undefined;
};

type Running = {
  guard: ChildProcess;
  pid: number;
  /** Distinguishes the server from a later process with the same pid. */
  print: string;
  ended: Promise<void>;
  over: boolean;
  /** Its end was asked for. */
  asked: boolean;
};

const guardProgram = join(import.meta.dirname, "guard.ts");
/** The longest clean stop there is (Kafka's), with room for the SIGKILL after it. */
const EARLIER_SERVER_WITHIN_MS = 22_000;
/** Enough of the log to hold the reason and the lines around it. */
const LOG_TAIL_CHARACTERS = 1_500;

const lastLines = (folder: string) => {
  try {
    return readFileSync(join(folder, "server.log"), "utf8").slice(-LOG_TAIL_CHARACTERS);
  } catch {
    return "(it wrote no log)";
  }
};

/** A server that was not stopped must not keep its program alive: the guard ends it with the program. */
const release = (guard: ChildProcess) => {
  guard.unref();
  (guard.stdin as Socket | null)?.unref();
  (guard.stdout as Socket | null)?.unref();
};

const firstLine = async (guard: ChildProcess): Promise<{ pid?: number; error?: string }> => {
  if (guard.stdout === null) return { error: "the guard has no stdout" };
  const lines = createInterface({ input: guard.stdout });
  // "close" comes after the last line has been read, "exit" may come before
  const line = await Promise.race([once(lines, "line"), once(guard, "close").then(() => undefined)]);
  return line === undefined ? {} : (JSON.parse(String(line[0])) as { pid?: number; error?: string });
};

const spawnUnderGuard = async (program: Program): Promise<Running> => {
  const { isReady, readyWithinMs, url, port, cores, env = {}, ...rest } = program;
  const placed = onCores(cores, program.command, program.args);
  const guarded: Guarded = { ...rest, ...placed, earlierWithinMs: EARLIER_SERVER_WITHIN_MS };
  const guard = spawn(process.execPath, [guardProgram, JSON.stringify(guarded)], {
    env: {
      ...process.env,
      // with the compile cache a guard is up in 75 ms instead of 170
      NODE_COMPILE_CACHE: join(cacheFolder(), "compiled"),
      [SERVER_ENVIRONMENT]: JSON.stringify(env),
    },
    stdio: ["pipe", "pipe", "inherit"],
    detached: true,
  });
  guard.stdin?.on("error", () => undefined); // the guard is gone: `ended` says so
  const ended = once(guard, "exit").then(() => undefined);
  const { pid, error } = await firstLine(guard);
  if (pid === undefined)
    throw new Error(`${program.name} did not start: ${error ?? lastLines(program.folder)}`);
  const running: Running = { guard, pid, print: fingerprint(pid), ended, over: false, asked: false };
  ended.then(() => {
    running.over = true;
  });
  return running;
};

const start = async (program: Program): Promise<Running> => {
  const running = await spawnUnderGuard(program);
  const stillRunning = () => {
    if (!running.over) return;
    throw new Error(`${program.name} ended while starting:\n${lastLines(program.folder)}`);
  };
  const late = () =>
    new Error(
      `${program.name} was not ready within ${program.readyWithinMs} ms:\n${lastLines(program.folder)}`,
    );
  try {
    await waitUntilReady(program.isReady, stillRunning, program.readyWithinMs, late);
  } catch (error) {
    await end(running);
    throw error;
  }
  release(running.guard);
  return running;
};

const end = async (running: Running) => {
  running.asked = true;
  running.guard.ref();
  running.guard.stdin?.end();
  await running.ended;
};

const untilGone = async (pids: number[]) => {
  while (pids.some(isAlive)) await sleep(10);
};

/** Starts the program and resolves once it answers real requests. */
export const launch = async (program: Program): Promise<Server> => {
  const { name, url, port } = program;
  const callbacks: (() => void)[] = [];
  let running: Running | undefined;
  const watch = (one: Running) => {
    running = one;
    one.ended.then(() => {
      if (isSameProcess(one.print)) killTree(one.pid); // the guard itself was killed
      if (!one.asked) for (const callback of callbacks) callback();
    });
  };
  const pid = () => {
    if (running === undefined || running.over) throw new Error(`${name} is not running`);
    return running.pid;
  };
  try {
    watch(await start(program));
  } catch (error) {
    if (program.temporary) rmSync(program.folder, { recursive: true, force: true });
    throw error;
  }
  return {
    name,
    url,
    port,
    pid,
    async stop() {
      if (running !== undefined && !running.over) await end(running);
      if (program.temporary) rmSync(program.folder, { recursive: true, force: true });
    },
    async kill() {
      if (running === undefined || running.over) return;
      running.asked = true;
      running.guard.ref();
      await untilGone(killTree(running.pid));
      await running.ended;
    },
    async pause() {
      freeze(pid());
    },
    async resume() {
      thaw(pid());
    },
    async start() {
      if (running !== undefined && !running.over) throw new Error(`${name} is already running`);
      watch(await start(program));
    },
    onExit(callback) {
      callbacks.push(callback);
    },
  };
};
