/** The product's own programs as children: started, watched, started again when they end unasked. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { pause } from "#shared/runtime/retry.ts";
import { type Cores, onCores } from "./cores.ts";
import { cacheFolder } from "./servers/data-dir.ts";

export type ProgramOptions = {
  readonly name: string;
  /** Its main file, from the project's root. */
  readonly file: string;
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
  readonly onLine: (line: string) => void;
  /** Any processors without. */
  readonly cores?: Cores | undefined;
  /** The project's root; this one's without. */
  readonly root?: string | undefined;
};

export type RunningProgram = {
  readonly name: string;
  /** Undefined while it is down. */
  pid(): number | undefined;
  stop(): Promise<void>;
};

/**
 * V8 lets the part of its heap where objects are born grow to 16 MB and more, three times over; with 4 MB a program
 * takes about 60 MB less at 500 orders a second, for a few percent of its time.
 */
export const NODE_FLAGS = ["--max-semi-space-size=4"];
/** What was compiled once is not compiled again: a program takes about 20 MB less. */
const COMPILED = { NODE_COMPILE_CACHE: join(cacheFolder(), "compiled") };
const RESTART_AFTER_MS = 250;
/** A program that cannot start is tried ever more rarely. */
const MOST_RESTART_MS = 10_000;
/** One that ran this long had started well. */
const RAN_WELL_MS = 5_000;
/** Longer than a program's own deadline for stopping. */
const STOP_WITHIN_MS = 20_000;
/** pino's number for warnings. */
const WARN = 40;

const ownRoot = join(import.meta.dirname, "../..");

export const runProgram = (options: ProgramOptions): RunningProgram => {
  const log = createWriteStream(options.logFile, { flags: "a" });
  let child: ChildProcess | undefined;
  const stopping = new AbortController();

  const start = (): ChildProcess => {
    const { command, args } = onCores(options.cores, process.execPath, [...NODE_FLAGS, options.file]);
    const started = spawn(command, args, {
      cwd: options.root ?? ownRoot,
      // the end of its stdin tells it that we have gone, however we ended
      env: { ...process.env, ...COMPILED, ...options.env, COFFEE_RT_END_WITH_STDIN: "1" },
      stdio: ["pipe", "pipe", "pipe"],
      // a session of its own, so that a terminal's Ctrl-C reaches us alone and we stop things in order
      detached: true,
    });
    // it may be gone before we end its stdin; `exit` tells
    started.stdin?.on("error", () => undefined);
    for (const stream of [started.stdout, started.stderr]) if (stream) follow(stream, options, log);
    return started;
  };

  const keepRunning = async (): Promise<void> => {
    for (let delayMs = RESTART_AFTER_MS; !stopping.signal.aborted; ) {
      const startedAt = Date.now();
      child = start();
      const end = await endOf(child);
      child = undefined;
      if (stopping.signal.aborted) return;
      delayMs =
        Date.now() - startedAt > RAN_WELL_MS ? RESTART_AFTER_MS : Math.min(MOST_RESTART_MS, delayMs * 2);
      options.onLine(`${options.name} ended (${end}); starting it again`);
      await pause(delayMs, stopping.signal);
    }
  };

  const running = keepRunning();
  return {
    name: options.name,
    pid: () => child?.pid,
    stop: async () => {
      stopping.abort();
      const last = child;
      last?.kill("SIGTERM");
      const kill = setTimeout(() => last?.kill("SIGKILL"), STOP_WITHIN_MS);
      await running;
      clearTimeout(kill);
      log.end();
    },
  };
};

/** How a program ended, in words; also when it could not be started at all. */
const endOf = async (child: ChildProcess): Promise<string> => {
  try {
    const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
    return signal ?? `status ${code}`;
  } catch (error) {
    return messageOf(error);
  }
};

/** Every line into the log file; warnings and worse to whoever watches. */
const follow = (stream: NodeJS.ReadableStream, { name, onLine }: ProgramOptions, log: WriteStream): void => {
  createInterface({ input: stream }).on("line", (line) => {
    log.write(`${line}\n`);
    const told = messageIn(line);
    if (told !== null) onLine(`${name}: ${told}`);
  });
};

const messageIn = (line: string): string | null => {
  if (!line.startsWith("{")) return line;
  try {
    const { level, msg, reason, err } = JSON.parse(line) as LogLine;
    if (level < WARN) return null;
    const why = reason ?? err?.message;
    return why && why !== msg ? `${msg} (${why})` : msg;
  } catch {
    return line;
  }
};

type LogLine = { level: number; msg: string; reason?: string; err?: { message: string } };
