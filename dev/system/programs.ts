/** The product's programs as child processes: started, watched, and restarted when they exit unasked. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, readFileSync, type WriteStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Closers, messageOf } from "#shared/runtime/lifecycle.ts";
import { pause } from "#shared/runtime/retry.ts";
import { cacheFolder } from "./servers/data-dir.ts";
import { freePort } from "./servers/ports.ts";
import { type Cores, onCores } from "./servers/process.ts";
import { waitUntil } from "./wait.ts";

export type Settings = Readonly<Record<string, string>>;

export type Program = {
  readonly name: string;
  /** Undefined while it is down. */
  pid(): number | undefined;
  /** Resident memory in bytes, as Linux reports it; throws while it is down. */
  residentBytes(): number;
  /** Rejects when the program exits because of a wrong setting, which it has printed. It is then not restarted. */
  readonly wrongSetting: Promise<never>;
  stop(): Promise<void>;
};

/** A program that serves HTTP. */
export type HttpProgram = Program & {
  readonly kind: "order-api" | "worker";
  /** Of a worker; null for the order API, which serves every mode. */
  readonly mode: string | null;
  /** http://127.0.0.1:PORT; /metrics is below it. */
  readonly url: string;
  /**
   * Resolves when an API accepts orders in all of its modes, or a worker answers. Throws after two minutes, and at once after
   * a wrong setting.
   */
  ready(): Promise<void>;
};

export type Programs = {
  /** `file` is a program like the order API's. The port is any free one, unless `env` has one. */
  startApi(env?: Settings, file?: string): Promise<HttpProgram>;
  startWorker(mode: string, env?: Settings): Promise<HttpProgram>;
  /** Any other program, with the settings that workers have. */
  start(name: string, file: string, env?: Settings): Program;
};

export type ProgramsOptions = {
  /** Where each kind of program reaches the servers, by their variables. */
  readonly addresses: (kind: HttpProgram["kind"]) => Settings;
  /** Settings of all programs, and of one by its name. */
  readonly env?: Settings;
  readonly envOf?: ((name: string) => Settings) | undefined;
  /** For the programs' logs. */
  readonly folder: string;
  /** They stop with it. */
  readonly closers: Closers;
  readonly onLine: (line: string) => void;
  readonly cores?: Cores | undefined;
  /** Of another checkout, whose programs these are; this one's without. */
  readonly root?: string | undefined;
};

const PAGE_BYTES = 4_096;

/** Names are "order-api", "order-api-2" and so on; "worker-v2", "worker-v2-2" and so on. */
export const openPrograms = (options: ProgramsOptions): Programs => {
  const { folder, closers, onLine, cores, root } = options;
  const started = new Map<string, number>();
  const nameOf = (base: string): string => {
    const count = (started.get(base) ?? 0) + 1;
    started.set(base, count);
    return count === 1 ? base : `${base}-${count}`;
  };
  const run = (kind: HttpProgram["kind"], name: string, file: string, own: Settings): Program => {
    const env = { ...options.addresses(kind), ...options.env, ...options.envOf?.(name), ...own };
    const program = runProgram({
      name,
      file,
      env,
      logFile: join(folder, `${name}.log`),
      onLine,
      cores,
      root,
    });
    closers.add(name, () => program.stop());
    return program;
  };
  const portFor = async (own: Settings, variable: string): Promise<string> =>
    own[variable] ?? String(await freePort());
  return {
    startApi: async (own = {}, file = "services/order-api/main.ts") => {
      const port = await portFor(own, "PORT");
      const url = `http://127.0.0.1:${port}`;
      const program = run("order-api", nameOf("order-api"), file, { ...own, PORT: port });
      const ready = () =>
        Promise.race([waitUntil(`${url} accepts orders`, () => isReady(url)), program.wrongSetting]);
      return { ...program, kind: "order-api", mode: null, url, ready };
    },
    startWorker: async (mode, own = {}) => {
      const port = await portFor(own, "METRICS_PORT");
      const url = `http://127.0.0.1:${port}`;
      const settings = { ...own, MODE: mode, METRICS_PORT: port };
      const program = run("worker", nameOf(`worker-${mode}`), "services/worker/main.ts", settings);
      const answers = async () => (await fetch(`${url}/metrics`)).ok;
      return {
        ...program,
        kind: "worker",
        mode,
        url,
        ready: () => Promise.race([waitUntil(`${url} answers`, answers), program.wrongSetting]),
      };
    },
    start: (name, file, own = {}) => run("worker", name, file, own),
  };
};

/** Turns these modes on, for the order API. */
export const switchesOf = (modes: readonly string[]): Record<string, string> =>
  Object.fromEntries(modes.map((mode) => [`${mode.toUpperCase()}_ENABLED`, "true"]));

/** A mode that lags, or has no backlog yet, accepts orders all the same. */
const isReady = async (url: string): Promise<boolean> => {
  const response = await fetch(`${url}/readyz`);
  const { modes } = (await response.json()) as { modes: Record<string, { health: string }> };
  return Object.values(modes).every(({ health }) => health !== "unavailable");
};

/** One series of a /metrics page, 0 while it is missing. `series` with its labels: `name{label="value"}`. */
export const metricOf = async (url: string, series: string): Promise<number> => {
  const lines = (await (await fetch(`${url}/metrics`)).text()).split("\n");
  return Number(lines.find((line) => line.startsWith(`${series} `))?.split(" ")[1] ?? 0);
};

export type ProgramOptions = {
  readonly name: string;
  /** Its main file, from the project's root: TypeScript, which Node runs, or an executable. */
  readonly file: string;
  readonly env: Settings;
  readonly logFile: string;
  readonly onLine: (line: string) => void;
  readonly cores?: Cores | undefined;
  readonly root?: string | undefined;
};

/**
 * V8 lets the young generation of its heap grow to 16 MB and more, three times over; with 4 MB a program takes about
 * 60 MB less at 500 orders a second, for a few percent of its CPU time.
 */
export const NODE_FLAGS = ["--max-semi-space-size=4"];
/** With compiled code cached a program takes about 20 MB less, and starts in half the CPU time. */
export const COMPILED = { NODE_COMPILE_CACHE: join(cacheFolder(), "compiled") };
/** How a program exits on a wrong setting (`orExit`): another start would print the same. */
const WRONG_SETTING = "status 2";
const RESTART_AFTER_MS = 250;
/** A program that cannot start is retried ever more rarely. */
const MOST_RESTART_MS = 10_000;
/** One that ran this long had started well. */
const RAN_WELL_MS = 5_000;
/** Longer than a program's own deadline for stopping. */
const STOP_WITHIN_MS = 20_000;

const ownRoot = join(import.meta.dirname, "../..");

const commandOf = (file: string): [command: string, args: readonly string[]] =>
  file.endsWith(".ts") ? [process.execPath, [...NODE_FLAGS, file]] : [file, []];

export const runProgram = (options: ProgramOptions): Program => {
  const log = createWriteStream(options.logFile, { flags: "a" });
  let child: ChildProcess | undefined;
  const stopping = new AbortController();
  let failStart: (error: Error) => void = () => undefined;
  const wrongSetting = new Promise<never>((_resolve, reject) => {
    failStart = reject;
  });
  // a caller may not wait for it
  wrongSetting.catch(() => undefined);

  const start = (): ChildProcess => {
    const { command, args } = onCores(options.cores, ...commandOf(options.file));
    const started = spawn(command, args, {
      cwd: options.root ?? ownRoot,
      // the program stops when its stdin ends, however this process ended
      env: { ...process.env, ...COMPILED, ...options.env, COFFEE_RT_END_WITH_STDIN: "1" },
      stdio: ["pipe", "pipe", "pipe"],
      // a session of its own: a terminal's Ctrl-C reaches this process alone, which stops everything in order
      detached: true,
    });
    // it may have exited before this process ends its stdin; `exit` reports that
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
      if (end === WRONG_SETTING) return failStart(new Error(`${options.name} did not start: wrong setting`));
      delayMs =
        Date.now() - startedAt > RAN_WELL_MS ? RESTART_AFTER_MS : Math.min(MOST_RESTART_MS, delayMs * 2);
      options.onLine(`${options.name} exited (${end}), restarting it`);
      await pause(delayMs, stopping.signal);
    }
  };

  const running = keepRunning();
  return {
    name: options.name,
    pid: () => child?.pid,
    wrongSetting,
    residentBytes: () => Number(readFileSync(`/proc/${child?.pid}/statm`, "utf8").split(" ")[1]) * PAGE_BYTES,
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

/** How a program exited, in words; also when it could not be started at all. */
const endOf = async (child: ChildProcess): Promise<string> => {
  try {
    const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
    return signal ?? `status ${code}`;
  } catch (error) {
    return messageOf(error);
  }
};

/** Writes every line into the log file; reports warnings and errors. */
const follow = (stream: NodeJS.ReadableStream, { name, onLine }: ProgramOptions, log: WriteStream): void => {
  createInterface({ input: stream }).on("line", (line) => {
    log.write(`${line}\n`);
    const message = warningIn(line);
    if (message !== null) onLine(`${name}: ${message}`);
  });
};

/** pino's number for warnings. */
const WARN = 40;
type LogLine = { level: number; msg: string; reason?: string; err?: { message: string } };

/** A line that is not pino's is a warning as it is. */
const warningIn = (line: string): string | null => {
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
