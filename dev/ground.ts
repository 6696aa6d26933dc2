/** The product's programs on servers that run, for whatever measures them. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Closers } from "#shared/runtime/lifecycle.ts";
import { type Program, runProgram } from "./system/programs.ts";
import { freePort } from "./system/servers/ports.ts";
import type { Cores } from "./system/servers/process.ts";

export type Api = {
  readonly url: string;
  /** 0 while it is down, as of a worker. */
  pid(): number;
  residentBytes(): number;
  stop(): Promise<void>;
};
export type Worker = {
  readonly metricsUrl: string;
  pid(): number;
  residentBytes(): number;
  stop(): Promise<void>;
};

export type Programs = {
  /**
   * Resolves when it takes orders in every mode that it has. `file` is a program like the order API's. The port is any
   * free one, unless `env` has one.
   */
  startApi(env: Readonly<Record<string, string>>, file?: string): Promise<Api>;
  startWorker(mode: string, env?: Readonly<Record<string, string>>): Promise<Worker>;
};

export type ProgramsOptions = {
  /** Where the programs find the servers, by their variables. */
  readonly addresses: Readonly<Record<string, string>>;
  /** For the programs' logs. */
  readonly folder: string;
  /** They end with it. */
  readonly closers: Closers;
  readonly tell: (line: string) => void;
  readonly cores?: Cores | undefined;
  /** Of another checkout, whose programs these are; else this one's. */
  readonly root?: string | undefined;
};

const READY_WITHIN_MS = 60_000;

export const openPrograms = (options: ProgramsOptions): Programs => {
  const { addresses, folder, closers, tell, cores, root } = options;
  let started = 0;
  const run = (kind: string, file: string, env: Readonly<Record<string, string>>): Program => {
    const name = `${kind}-${started++}`;
    const program = runProgram({
      name,
      file,
      env: { LOG_LEVEL: "warn", ...addresses, ...env },
      logFile: join(folder, `${name}.log`),
      onLine: tell,
      cores,
      root,
    });
    closers.add(name, () => program.stop());
    return program;
  };
  return {
    startApi: async (env, file = "services/order-api/main.ts") => {
      const port = env["PORT"] ?? String(await freePort());
      const program = run("order-api", file, { ...env, PORT: port });
      const url = `http://127.0.0.1:${port}`;
      await untilTrue(`${url} takes orders`, () => areAllReady(url));
      return { url, ...lifeOf(program) };
    },
    startWorker: async (mode, env = {}) => {
      const port = await freePort();
      const program = run("worker", "services/worker/main.ts", {
        MODE: mode,
        METRICS_PORT: String(port),
        ...env,
      });
      const metricsUrl = `http://127.0.0.1:${port}/metrics`;
      await untilTrue(`${metricsUrl} answers`, async () => (await fetch(metricsUrl)).ok);
      return { metricsUrl, ...lifeOf(program) };
    },
  };
};

const lifeOf = (program: Program) => ({
  pid: () => program.pid() ?? 0,
  residentBytes: () => program.residentBytes(),
  stop: () => program.stop(),
});

/** Waits for the condition, which may fail meanwhile; throws `what` when it never comes. */
export const untilTrue = async (
  what: string,
  condition: () => Promise<boolean>,
  withinMs = READY_WITHIN_MS,
): Promise<void> => {
  for (const deadline = performance.now() + withinMs; ; await sleep(50)) {
    if (await condition().catch(() => false)) return;
    if (performance.now() > deadline) throw new Error(`not within ${withinMs / 1_000} s: ${what}`);
  }
};

const areAllReady = async (url: string): Promise<boolean> => {
  const { modes } = (await (await fetch(`${url}/readyz`)).json()) as {
    modes: Record<string, { health: string }>;
  };
  return Object.values(modes).every(({ health }) => health === "ok");
};

/** One series of a /metrics page; 0 while it is not there. `series` with its labels: `name{label="value"}`. */
export const metricOf = async (metricsUrl: string, series: string): Promise<number> => {
  const lines = (await (await fetch(metricsUrl)).text()).split("\n");
  return Number(lines.find((line) => line.startsWith(`${series} `))?.split(" ")[1] ?? 0);
};
