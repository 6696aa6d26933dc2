/**
 * Starts the system on this machine: servers without Docker (or by their URLs), migrations, the order API and workers;
 * restarts what exits, and stops everything in reverse order.
 */
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { modeNamed } from "#shared/modes/all.ts";
import type { Mode } from "#shared/ports.ts";
import { type Closers, messageOf, openClosers } from "#shared/runtime/lifecycle.ts";
import { type ServerName, serverNames, servers, serversOf } from "#shared/servers.ts";
import { migrate } from "../../db/migrate.ts";
import { type HttpProgram, openPrograms, type Programs, type Settings, switchesOf } from "./programs.ts";
import { openProgress, type Progress } from "./progress.ts";
import { holdFolder } from "./servers/data-dir.ts";
import { freePort } from "./servers/ports.ts";
import type { Server } from "./servers/server.ts";
import { addressesOf, type Environment, type Servers, startServers, type Wanted } from "./servers/start.ts";

export type SystemOptions = {
  readonly modes: readonly string[];
  /** Keeps the servers' data and the programs' logs; without it they live in a temporary folder. */
  readonly dataDir?: string;
  /** Where the addresses of servers that someone else runs are read; without it every server is started here. */
  readonly environment?: Environment;
  /** Leaves out a mode whose own server cannot be had, instead of failing. */
  readonly leavesModesOut?: boolean;
  /** Further options of the servers. */
  readonly servers?: Partial<Wanted>;
  /** Ports to use, or the next free one above; any free port without. */
  readonly ports?: { readonly [name in ServerName | "api" | "metrics"]?: number };
  /** 1 without. */
  readonly apis?: number;
  /** For each mode; 1 without. */
  readonly workers?: number;
  /** Settings of all programs, and of one by its name (see `openPrograms`). */
  readonly env?: Settings;
  readonly envOf?: (program: string) => Settings;
  /** Where each kind of program reaches the servers, if not directly. */
  readonly addresses?: (kind: HttpProgram["kind"], servers: Servers) => Settings;
  /** Runs after the migrations and before the first program. */
  readonly beforePrograms?: (servers: Servers) => Promise<void>;
  /** Progress, warnings and restarts, one line each. */
  readonly onLine?: (line: string) => void;
};

export type System = Pick<Programs, "start"> & {
  /** Of the first API. */
  readonly url: string;
  readonly apis: readonly HttpProgram[];
  /** The running ones, oldest first. */
  readonly workers: readonly HttpProgram[];
  readonly servers: Servers;
  /** The modes that run. */
  readonly modes: readonly string[];
  /** The servers' addresses, by the variables of the programs. */
  readonly env: Settings;
  readonly folder: string;
  addWorker(mode: string): Promise<HttpProgram>;
  /** Stops the oldest one; resolves when it has exited. */
  removeWorker(): Promise<void>;
  stop(): Promise<void>;
};

export const startSystem = async (options: SystemOptions): Promise<System> => {
  const { onLine = () => undefined } = options;
  const progress = openProgress(onLine);
  const closers = reporting(openClosers(), progress);
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopped ??= closers.closeAll().then((failures) => {
      for (const failure of failures) onLine(failure.message);
    });
    return stopped;
  };
  try {
    const folder = await openFolder(options.dataDir, closers);
    const { started, modes } = await startServersOf({ ...options, onLine, progress }, folder, closers);
    await progress.during("the migrations", migrateOf(started, onLine));
    await options.beforePrograms?.(started);
    const programs = await startPrograms({ ...options, modes, onLine, progress }, started, folder, closers);
    return { ...programs, servers: started, modes, env: addressesOf(started), folder, stop };
  } catch (error) {
    await stop();
    throw error;
  }
};

const migrateOf = async ({ postgres }: Servers, onLine: (line: string) => void): Promise<void> => {
  try {
    await migrate(postgres?.url ?? "", onLine);
  } catch (error) {
    if (!postgres?.isGiven) throw error;
    throw new Error(`${servers.postgres.variable} is "${postgres.url}": ${messageOf(error)}`, {
      cause: error,
    });
  }
};

type Options = SystemOptions & { readonly onLine: (line: string) => void; readonly progress: Progress };

/** Names what is being stopped when it takes a while. */
const reporting = (closers: Closers, progress: Progress): Closers => ({
  ...closers,
  add: (name, close) =>
    closers.add(name, () => progress.during(`${name} to stop`, Promise.resolve().then(close))),
});

/** The folder is locked: two systems never share data. */
const openFolder = async (dataDir: string | undefined, closers: Closers): Promise<string> => {
  const folder = dataDir ?? temporaryFolder("coffee-rt-", closers);
  mkdirSync(folder, { recursive: true });
  closers.add("the data folder", await holdFolder(folder));
  return folder;
};

/** Readable by everyone: as root, the servers run as another user. It is removed with the closers. */
export const temporaryFolder = (prefix: string, closers: Closers): string => {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), prefix));
  chmodSync(folder, 0o755);
  closers.add(folder, () => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

type Started = { readonly started: Servers; readonly modes: readonly string[] };

const startServersOf = async (options: Options, folder: string, closers: Closers): Promise<Started> => {
  const { environment = {}, leavesModesOut = false, onLine, progress } = options;
  const modes = options.modes.map(modeNamed);
  const started: Servers = {};
  const failures = new Map<ServerName, unknown>();
  const start = async (name: ServerName): Promise<void> => {
    const own = {
      dataDir: join(folder, servers[name].name),
      port: options.ports?.[name],
      log: onLine,
      ...options.servers?.[name],
    };
    try {
      const starting = startServers({ [name]: own }, environment);
      Object.assign(started, await progress.during(`${servers[name].title} to start`, starting));
    } catch (error) {
      failures.set(name, error);
    }
  };
  await Promise.all(serversOf(modes).map(start));
  for (const server of Object.values(started)) {
    closers.add(server.name, () => server.stop());
    keepRunning(server, onLine, closers);
  }
  const runs = ({ backend }: Mode): boolean => !failures.has(backend);
  for (const [name, error] of failures)
    if (!leavesModesOut || servers[name].connects === "every program") throw error;
  for (const { name, backend } of modes)
    if (failures.has(backend)) onLine(`${name} does not run: ${messageOf(failures.get(backend))}`);
  if (!modes.some(runs)) throw new Error("none of the modes can run, see above");
  return { started: inOrder(started), modes: modes.filter(runs).map(({ name }) => name) };
};

const inOrder = (started: Servers): Servers =>
  Object.fromEntries(serverNames.flatMap((name) => (started[name] ? [[name, started[name]]] : [])));

const RESTART_PAUSE_MS = 500;

/** Restarts a server that exits unasked, on its port and its data, until the closers run. */
export const keepRunning = (server: Server, onLine: (line: string) => void, closers: Closers): void => {
  let stopping = false;
  let restarting: Promise<void> = Promise.resolve();
  const restart = async (): Promise<void> => {
    while (!stopping) {
      try {
        await server.start();
        return onLine(`${server.name} runs again`);
      } catch (error) {
        onLine(`${server.name} could not be restarted: ${messageOf(error)}`);
        await sleep(RESTART_PAUSE_MS);
      }
    }
  };
  server.onExit(() => {
    if (stopping) return;
    onLine(`${server.name} exited, restarting it`);
    restarting = restart();
  });
  // closed before the server itself, so that nothing restarts what is being stopped
  closers.add(`restarts of ${server.name}`, async () => {
    stopping = true;
    await restarting;
  });
};

type StartedPrograms = Pick<System, "url" | "apis" | "workers" | "start" | "addWorker" | "removeWorker">;

const startPrograms = async (
  options: Options,
  started: Servers,
  folder: string,
  closers: Closers,
): Promise<StartedPrograms> => {
  const {
    modes,
    env = {},
    envOf,
    onLine,
    progress,
    ports = {},
    addresses = () => addressesOf(started),
  } = options;
  const logs = join(folder, "logs");
  mkdirSync(logs, { recursive: true });
  const programs = openPrograms({
    addresses: (kind) => addresses(kind, started),
    env,
    envOf,
    folder: logs,
    closers,
    onLine,
  });
  const workers: HttpProgram[] = [];
  const addWorker = async (mode: string): Promise<HttpProgram> => {
    const worker = await programs.startWorker(mode, { METRICS_PORT: String(await freePort(ports.metrics)) });
    workers.push(worker);
    return worker;
  };
  for (const mode of modes) for (let count = options.workers ?? 1; count > 0; count--) await addWorker(mode);
  const apis: HttpProgram[] = [];
  for (let count = options.apis ?? 1; count > 0; count--) {
    const port = apis.length === 0 ? (ports.api ?? (await freePort())) : await freePort();
    apis.push(await programs.startApi({ ...switchesOf(modes), PORT: String(port) }));
  }
  await progress.during("the order API to answer", Promise.all(apis.map((api) => api.ready())));
  return {
    url: apis[0]?.url ?? "",
    apis,
    workers,
    start: programs.start,
    addWorker,
    removeWorker: async () => workers.shift()?.stop(),
  };
};
