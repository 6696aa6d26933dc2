/** The whole system on this machine: servers, migrations, the API and a worker per mode, watched and stopped in order. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Closers, messageOf, openClosers } from "#shared/runtime/lifecycle.ts";
import { migrate } from "../db/migrate.ts";
import { type RunningProgram, runProgram } from "./system/programs.ts";
import { holdFolder } from "./system/servers/data-dir.ts";
import { freePort } from "./system/servers/ports.ts";
import type { Server } from "./system/servers/server.ts";
import { type Environment, startServers, type Wanted } from "./system/servers/start.ts";

export type StackOptions = {
  readonly modes: readonly string[];
  /** Everything that outlives a run: the servers' data, the programs' logs. */
  readonly dataDir: string;
  /** The API's port; 0 is any free one. */
  readonly apiPort?: number;
  /** Further settings of the programs, by their variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** Further options of the servers. */
  readonly servers?: Partial<Wanted>;
  /** Where servers may be named that somebody else runs; without it they are all its own. */
  readonly environment?: Environment | undefined;
  readonly onLine?: (line: string) => void;
};

/** Where a program tells its figures. */
export type Page = { readonly job: "order-api" | "worker"; readonly mode?: string; readonly address: string };

export type Stack = {
  readonly url: string;
  /** Those that run: v3 only where Kafka can be had. */
  readonly modes: readonly string[];
  readonly servers: readonly Server[];
  readonly programs: readonly RunningProgram[];
  readonly pages: readonly Page[];
  /** Where the servers are, by the variables of the programs. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
};

/** Away from the servers' usual ports, which a developer's own may hold; a taken one is stepped over. */
const PREFERRED_PORTS = { postgres: 25_432, board: 26_379, stream: 26_380, kafka: 29_092, metrics: 29_464 };
const API_READY_MS = 60_000;

export const startStack = async (options: StackOptions): Promise<Stack> => {
  const onLine = options.onLine ?? (() => undefined);
  const closers = openClosers();
  const stop = async (): Promise<void> => {
    for (const failure of await closers.closeAll()) onLine(failure.message);
  };
  try {
    mkdirSync(options.dataDir, { recursive: true });
    closers.add("the data folder", await holdFolder(options.dataDir));
    const { servers, modes, env } = await serversFor(options, onLine, closers);
    for (const server of servers) keepRunning(server, onLine, closers);
    await migrate(env["DATABASE_URL"] ?? "", onLine);
    const started = await startPrograms(
      { ...options, modes, env: { ...env, ...options.env } },
      onLine,
      closers,
    );
    return { ...started, modes, servers, env, stop };
  } catch (error) {
    await stop();
    throw error;
  }
};

type OnLine = (line: string) => void;
type ServersFor = {
  readonly servers: readonly Server[];
  readonly modes: readonly string[];
  readonly env: Readonly<Record<string, string>>;
};

/** The servers that the modes need; without Kafka the other modes run. */
const serversFor = async (
  { modes, dataDir, servers: further = {}, environment }: StackOptions,
  log: OnLine,
  closers: Closers,
): Promise<ServersFor> => {
  const at = (name: string) => join(dataDir, name);
  const start = (wanted: Wanted) => startServers(wanted, environment);
  const running = start({
    postgres: { dataDir: at("postgres"), port: PREFERRED_PORTS.postgres, ...further.postgres },
    board: { dataDir: at("redis-board"), port: PREFERRED_PORTS.board, log, ...further.board },
    ...(modes.includes("v2") && {
      stream: { dataDir: at("redis-stream"), port: PREFERRED_PORTS.stream, log, ...further.stream },
    }),
  });
  const broker = modes.includes("v3")
    ? start({ kafka: { dataDir: at("kafka"), port: PREFERRED_PORTS.kafka, log, ...further.kafka } })
    : Promise.resolve({});
  const [others, kafka] = await Promise.allSettled([running, broker]);
  const started = {
    ...(others.status === "fulfilled" && others.value),
    ...(kafka.status === "fulfilled" && kafka.value),
  };
  const servers = Object.values(started);
  for (const server of servers) closers.add(server.name, () => server.stop());
  if (others.status === "rejected") throw others.reason;
  if (kafka.status === "rejected") log(`v3 does not run: ${messageOf(kafka.reason)}`);
  const env = {
    DATABASE_URL: started.postgres?.url ?? "",
    BOARD_REDIS_URL: started.board?.url ?? "",
    STREAM_REDIS_URL: started.stream?.url ?? "",
    KAFKA_BROKERS: started.kafka?.url ?? "",
  };
  const able = modes.filter((mode) => mode !== "v3" || kafka.status === "fulfilled");
  if (able.length === 0) throw new Error("none of the chosen modes can run; see above");
  return { servers, modes: able, env };
};

const RESTART_PAUSE_MS = 500;

/** A server that ends unasked is started again on its port and its data, until the stack stops. */
export const keepRunning = (server: Server, onLine: OnLine, closers: Closers): void => {
  let stopping = false;
  let restarting: Promise<void> = Promise.resolve();
  const restart = async (): Promise<void> => {
    while (!stopping) {
      try {
        await server.start();
        return onLine(`${server.name} runs again`);
      } catch (error) {
        onLine(`${server.name} could not be started again: ${messageOf(error)}`);
        await sleep(RESTART_PAUSE_MS);
      }
    }
  };
  server.onExit(() => {
    if (stopping) return;
    onLine(`${server.name} ended; starting it again`);
    restarting = restart();
  });
  // closed before the server itself, so that nothing starts what is being stopped
  closers.add(`watch of ${server.name}`, async () => {
    stopping = true;
    await restarting;
  });
};

type Started = Pick<Stack, "url" | "programs" | "pages">;

const startPrograms = async (options: StackOptions, onLine: OnLine, closers: Closers): Promise<Started> => {
  const logs = join(options.dataDir, "logs");
  mkdirSync(logs, { recursive: true });
  const port = options.apiPort || (await freePort());
  const switches = Object.fromEntries(options.modes.map((mode) => [`${mode.toUpperCase()}_ENABLED`, "true"]));
  const run = (name: string, file: string, env: Record<string, string>): RunningProgram => {
    const program = runProgram({
      name,
      file,
      env: { ...options.env, ...env },
      logFile: join(logs, `${name}.log`),
      onLine,
    });
    closers.add(name, () => program.stop());
    return program;
  };
  const workers = [];
  const pages: Page[] = [{ job: "order-api", address: `127.0.0.1:${port}` }];
  for (const mode of options.modes) {
    const metricsPort = await freePort(PREFERRED_PORTS.metrics);
    pages.push({ job: "worker", mode, address: `127.0.0.1:${metricsPort}` });
    workers.push(
      run(`worker-${mode}`, "services/worker/main.ts", { MODE: mode, METRICS_PORT: String(metricsPort) }),
    );
  }
  const api = run("order-api", "services/order-api/main.ts", { ...switches, PORT: String(port) });
  const url = `http://127.0.0.1:${port}`;
  await untilReady(url);
  return { url, programs: [api, ...workers], pages };
};

/** Ready is when every mode takes orders; one that cannot yet says so in its own replies. */
const untilReady = async (url: string): Promise<void> => {
  for (const deadline = Date.now() + API_READY_MS; ; await sleep(100)) {
    if (await allModesReady(url)) return;
    if (Date.now() > deadline)
      throw new Error(`the API at ${url} was not ready within ${API_READY_MS / 1000} s`);
  }
};

type Readiness = { modes: Record<string, { health: string }> };

const allModesReady = async (url: string): Promise<boolean> => {
  try {
    const response = await fetch(`${url}/readyz`);
    const { modes } = (await response.json()) as Readiness;
    return Object.values(modes).every(({ health }) => health !== "unavailable");
  } catch {
    // not listening yet
    return false;
  }
};
