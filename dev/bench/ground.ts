/** Real servers and the product's programs, for one part of the benchmark. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "#shared/domain/random.ts";
import { openClosers } from "#shared/runtime/lifecycle.ts";
import { migrate } from "../../db/migrate.ts";
import { type RunningProgram, runProgram } from "../programs.ts";
import { freePort } from "../servers/ports.ts";
import { type Servers, startServers, type Wanted } from "../servers/seam.ts";
import type { Figure } from "./figure.ts";

export type Bench = {
  readonly rounds: number;
  readonly random: Random;
  /** Progress. */
  readonly tell: (line: string) => void;
};

/** A part measures a few figures that belong together, on servers of its own. */
export type Part = { readonly name: string; readonly measure: (bench: Bench) => Promise<readonly Figure[]> };

export type Api = { readonly url: string; pid(): number; residentBytes(): number; stop(): Promise<void> };
export type Worker = { readonly metricsUrl: string; residentBytes(): number; stop(): Promise<void> };

export type Ground = {
  readonly servers: Servers;
  /** Resolves when it takes orders in every mode that it has. `file` is a program like the order API's. */
  startApi(env: Readonly<Record<string, string>>, file?: string): Promise<Api>;
  startWorker(mode: string, env?: Readonly<Record<string, string>>): Promise<Worker>;
  /** Closed with the ground, before its servers. */
  readonly closers: ReturnType<typeof openClosers>;
};

const READY_WITHIN_MS = 60_000;
const PAGE_BYTES = 4_096;

/** Starts the servers, migrates the database, does the work and stops everything, however it ends. */
export const onGround = async <T>(
  wanted: Wanted,
  { tell }: Bench,
  work: (ground: Ground) => Promise<T>,
): Promise<T> => {
  const closers = openClosers();
  try {
    const folder = mkdtempSync(join(tmpdir(), "coffee-rt-bench-"));
    closers.add("logs", () => rmSync(folder, { recursive: true }));
    const servers = await startServers(wanted);
    for (const server of Object.values(servers)) closers.add(server.name, () => server.stop());
    if (servers.postgres) await migrate(servers.postgres.url, () => undefined);
    return await work({ ...openPrograms(servers, folder, closers, tell), servers, closers });
  } finally {
    for (const failure of await closers.closeAll()) tell(failure.message);
  }
};

const openPrograms = (
  servers: Servers,
  folder: string,
  closers: Ground["closers"],
  tell: Bench["tell"],
): Pick<Ground, "startApi" | "startWorker"> => {
  const addresses = {
    DATABASE_URL: servers.postgres?.url ?? "",
    BOARD_REDIS_URL: servers.board?.url ?? "",
    STREAM_REDIS_URL: servers.stream?.url ?? "",
    KAFKA_BROKERS: servers.kafka?.url ?? "",
    LOG_LEVEL: "warn",
  };
  let started = 0;
  const run = (kind: string, file: string, env: Readonly<Record<string, string>>): RunningProgram => {
    const name = `${kind}-${started++}`;
    const program = runProgram({
      name,
      file,
      env: { ...addresses, ...env },
      logFile: join(folder, `${name}.log`),
      onLine: tell,
    });
    closers.add(name, () => program.stop());
    return program;
  };
  return {
    startApi: async (env, file = "services/order-api/main.ts") => {
      const port = await freePort();
      const program = run("order-api", file, { PORT: String(port), ...env });
      const url = `http://127.0.0.1:${port}`;
      await untilTrue(`${url} takes orders`, () => areAllReady(url));
      return {
        url,
        pid: () => program.pid() ?? 0,
        residentBytes: () => residentBytes(program),
        stop: () => program.stop(),
      };
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
      return { metricsUrl, residentBytes: () => residentBytes(program), stop: () => program.stop() };
    },
  };
};

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

/** Linux alone tells it this way, where all of this runs. */
const residentBytes = (program: RunningProgram): number =>
  Number(readFileSync(`/proc/${program.pid()}/statm`, "utf8").split(" ")[1]) * PAGE_BYTES;

/** One series of a /metrics page; 0 while it is not there. `series` with its labels: `name{label="value"}`. */
export const metricOf = async (metricsUrl: string, series: string): Promise<number> => {
  const lines = (await (await fetch(metricsUrl)).text()).split("\n");
  return Number(lines.find((line) => line.startsWith(`${series} `))?.split(" ")[1] ?? 0);
};
