/**
 * The product's programs as processes of one test: unlike those of dev/system they are not restarted, and the test reads
 * their output and exit codes.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type Closers, openClosers } from "#shared/runtime/lifecycle.ts";
import { COMPILED, type Settings, switchesOf } from "../dev/system/programs.ts";
import { closeAll, freshServers, type Servers, until, variablesOf } from "./fresh.ts";
import { countedAt, postOrder } from "./requests.ts";

export type Program = {
  readonly process: ChildProcess;
  output(): string;
  /** Resolves with its exit code, null after a signal. */
  readonly ended: Promise<number | null>;
  /** May have ended before; resolves with its exit code. */
  kill(signal: NodeJS.Signals): Promise<number | null>;
};

export const API = "services/order-api/main.ts";
export const WORKER = "services/worker/main.ts";
export const OPERATOR = "services/operator/main.ts";
export const MIGRATIONS = "db/main.ts";

const root = join(import.meta.dirname, "..");

/** `input` is the whole of its standard input; without it the input ends with this process. */
export const startProgram = (
  file: string,
  settings: Settings,
  args: readonly string[] = [],
  input?: string,
): Program => {
  const { PATH } = process.env;
  const withParent = input === undefined ? { COFFEE_RT_END_WITH_STDIN: "1" } : {};
  const env = { PATH, ...COMPILED, ...withParent, ...settings };
  const child = spawn(process.execPath, [file, ...args], { cwd: root, env, stdio: ["pipe", "pipe", "pipe"] });
  // it may have exited before it read everything
  child.stdin.on("error", () => undefined);
  if (input !== undefined) child.stdin.end(input);
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  // "exit" may come before the last output
  const ended = once(child, "close").then(() => child.exitCode);
  return {
    process: child,
    output: () => output,
    ended,
    kill: (signal) => {
      child.kill(signal);
      return ended;
    },
  };
};

export type Api = Program & { readonly url: string };

const LISTENING = /listening at (http:[^"]+)"/;

export type Processes = {
  /** Settings of every program. */
  readonly env: Settings;
  readonly closers: Closers;
  /** All that were started. */
  readonly programs: readonly Program[];
  start(file: string, more?: Settings, args?: readonly string[]): Program;
  /** Resolves when it listens. */
  startApi(modes: readonly string[], more?: Settings): Promise<Api>;
  startWorker(mode: string, more?: Settings): Program;
  /** Kills the programs. */
  close(): Promise<void>;
};

export const openProcesses = (env: Settings, closers = openClosers()): Processes => {
  const programs: Program[] = [];
  const start: Processes["start"] = (file, more = {}, args = []) => {
    const program = startProgram(file, { PORT: "0", METRICS_PORT: "0", ...env, ...more }, args);
    programs.push(program);
    closers.add(file, () => program.kill("SIGKILL"));
    return program;
  };
  return {
    env,
    closers,
    programs,
    start,
    startApi: async (modes, more) => {
      const program = start(API, { ...switchesOf(modes), ...more });
      await until("the API listens", () => LISTENING.test(program.output()));
      return { ...program, url: LISTENING.exec(program.output())?.[1] ?? "" };
    },
    startWorker: (mode, more) => start(WORKER, { MODE: mode, ...more }),
    close: () => closeAll(closers),
  };
};

/** Programs on servers of their own; all of them stop with the current test. */
export const processesForTest = async (databaseUrl?: string): Promise<Processes & Servers> => {
  const closers = openClosers();
  onTestFinished(() => closeAll(closers));
  const servers = await freshServers(closers, databaseUrl);
  return { ...servers, ...openProcesses(variablesOf(servers), closers) };
};

/** Sends an order in each mode until it is accepted, and waits until the dashboard shows one more of each. */
export const untilCounted = async (url: string, modes: readonly string[]): Promise<void> => {
  const before = await countedAt(url);
  for (const mode of modes)
    await until(`${mode} accepts an order`, async () => (await postOrder(url, mode)).ok);
  await until(`the dashboard shows an order of ${modes}`, async () => {
    const now = await countedAt(url);
    return modes.every((mode) => (now[mode] ?? 0) > (before[mode] ?? 0));
  });
};
