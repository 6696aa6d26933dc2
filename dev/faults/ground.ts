/** What a run breaks: real programs on real servers, watched and started again as compose would. */
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Random } from "#shared/domain/random.ts";
import { type Closers, openClosers } from "#shared/runtime/lifecycle.ts";
import { migrate } from "../../db/migrate.ts";
import { type RunningProgram, runProgram } from "../programs.ts";
import { freePort } from "../servers/ports.ts";
import { startServers, type Wanted } from "../servers/seam.ts";
import type { Server } from "../servers/server.ts";
import { keepRunning } from "../stack.ts";
import { pollUntil } from "./poll.ts";
import { openWire, type Wire } from "./wire.ts";

export type ServerName = "postgres" | "board" | "stream" | "kafka";
export type ProgramKind = "api" | "worker";

export type GroundOptions = {
  readonly mode: string;
  readonly random: Random;
  /** Programs reach their servers over wires that can be disturbed. */
  readonly isWired?: boolean;
  readonly apis?: number;
  readonly workers?: number;
  /** Further settings of all programs, by their variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** Further settings of one program, by its name: "api-0", "worker-1". */
  readonly envOf?: (program: string) => Readonly<Record<string, string>>;
  /** Further options of the servers. */
  readonly servers?: Partial<Wanted>;
  /** What is done to the database, between its migrations and the first program. */
  readonly prepareDatabase?: (databaseUrl: string) => Promise<void>;
  /** Made before anything starts, in the ground's folder; what it opens is closed after everything has ended. */
  readonly prepare?: (folder: string, closers: Closers, onLine: (line: string) => void) => Promise<Prepared>;
  readonly onLine: (line: string) => void;
};

export type Prepared = Pick<GroundOptions, "envOf" | "servers">;

export type Ground = {
  readonly mode: string;
  readonly urls: readonly string[];
  /** Straight to the servers, past the wires, for the checker. */
  readonly addresses: Readonly<Record<ServerName, string>>;
  readonly apis: readonly RunningProgram[];
  readonly workers: readonly RunningProgram[];
  server(name: ServerName): Server;
  /** The server without which this mode cannot accept. */
  readonly backend: ServerName;
  wire(program: ProgramKind, server: ServerName): Wire;
  addWorker(): Promise<RunningProgram>;
  /** Any other program, with the settings that the workers have; it ends with the ground. */
  addProgram(name: string, file: string): RunningProgram;
  /** The oldest one, in the ordinary way; resolves when it has ended. */
  removeWorker(): Promise<void>;
  /** Where the programs' logs are, until the ground closes. */
  readonly folder: string;
  close(): Promise<void>;
};

const VARIABLES: Record<ServerName, string> = {
  postgres: "DATABASE_URL",
  board: "BOARD_REDIS_URL",
  stream: "STREAM_REDIS_URL",
  kafka: "KAFKA_BROKERS",
};
/** Every server, and the modes that have it. */
export const SERVERS: readonly { readonly name: ServerName; readonly modes?: readonly string[] }[] = [
  { name: "postgres" },
  { name: "board" },
  { name: "stream", modes: ["v2"] },
  { name: "kafka", modes: ["v3"] },
];
const BACKENDS: Record<string, ServerName> = { v1: "postgres", v2: "stream", v3: "kafka" };
const READY_WITHIN_MS = 60_000;

type Wires = Readonly<Record<ProgramKind, Partial<Record<ServerName, Wire>>>>;

const opened = new Set<() => Promise<void>>();

/** All that are open, for a program that has to end. */
export const closeGrounds = async (): Promise<void> => {
  await Promise.all([...opened].map((close) => close()));
};

export const openGround = async (options: GroundOptions): Promise<Ground> => {
  const closers = openClosers();
  const close = async (): Promise<void> => {
    opened.delete(close);
    for (const failure of await closers.closeAll()) options.onLine(failure.message);
  };
  opened.add(close);
  try {
    return { ...(await open(options, closers)), close };
  } catch (error) {
    await close();
    throw error;
  }
};

const open = async (given: GroundOptions, closers: Closers): Promise<Omit<Ground, "close">> => {
  const { mode, onLine } = given;
  const backend = BACKENDS[mode];
  if (backend === undefined) throw new Error(`name the backend of ${mode} here`);
  const folder = mkdtempSync(join(realpathSync(tmpdir()), "coffee-rt-faults-"));
  closers.add("the data folder", () => rmSync(folder, { recursive: true, force: true }));
  // as root the servers run as somebody else, who has to get there
  chmodSync(folder, 0o755);
  const options = { ...given, ...(await given.prepare?.(folder, closers, onLine)) };
  const names = [...new Set<ServerName>(["postgres", "board", backend])];
  const wires = options.isWired ? await openWires(names, options.random, closers) : { api: {}, worker: {} };
  const servers = await startServers(wantedOf(names, options, wires), { COFFEE_SERVERS: "native" });
  const of = (name: ServerName): Server => {
    const server = servers[name];
    if (server === undefined) throw new Error(`${mode} has no ${name}`);
    return server;
  };
  for (const name of names) closers.add(name, () => of(name).stop());
  for (const name of names) {
    keepRunning(of(name), onLine, closers);
    for (const kind of ["api", "worker"] as const) wires[kind][name]?.leadTo(of(name).port);
  }
  await migrate(of("postgres").url, () => undefined);
  await options.prepareDatabase?.(of("postgres").url);
  const programs = openPrograms(options, closers, join(folder, "logs"), (kind) =>
    environmentOf(names, of, wires[kind]),
  );
  const started = await programs.start();
  const wire = (kind: ProgramKind, name: ServerName): Wire => {
    const found = wires[kind][name];
    if (found === undefined) throw new Error(`there is no wire between ${kind} and ${name}`);
    return found;
  };
  const addresses = Object.fromEntries(
    (Object.keys(VARIABLES) as ServerName[]).map((name) => [name, servers[name]?.url ?? ""]),
  ) as Record<ServerName, string>;
  return { mode, ...started, addresses, server: of, backend, wire, ...programs.change, folder };
};

/** The broker tells its clients one address, so programs share a wire to it. */
const openWires = async (names: readonly ServerName[], random: Random, closers: Closers): Promise<Wires> => {
  const wires: { [kind in ProgramKind]: Partial<Record<ServerName, Wire>> } = { api: {}, worker: {} };
  for (const name of names)
    for (const kind of ["api", "worker"] as const) {
      const shared = name === "kafka" ? wires.api.kafka : undefined;
      const wire = shared ?? (await openWire(random));
      wires[kind][name] = wire;
      if (!shared) closers.add(`wire of ${kind} and ${name}`, () => wire.close());
    }
  return wires;
};

const wantedOf = (names: readonly ServerName[], { servers = {} }: GroundOptions, wires: Wires): Wanted => {
  const broker = wires.api.kafka;
  const wanted: Required<Wanted> = {
    postgres: { ...servers.postgres },
    board: { ...servers.board },
    stream: { ...servers.stream },
    kafka: {
      ...servers.kafka,
      settings: {
        ...servers.kafka?.settings,
        ...(broker && { "advertised.listeners": `BROKER://127.0.0.1:${broker.port}` }),
      },
    },
  };
  return Object.fromEntries(names.map((name) => [name, wanted[name]]));
};

const environmentOf = (
  names: readonly ServerName[],
  of: (name: ServerName) => Server,
  wires: Partial<Record<ServerName, Wire>>,
): Record<string, string> =>
  Object.fromEntries(
    names.map((name) => {
      const { url, port } = of(name);
      return [VARIABLES[name], url.replace(String(port), String(wires[name]?.port ?? port))];
    }),
  );

const openPrograms = (
  options: GroundOptions,
  closers: Closers,
  logs: string,
  addresses: (kind: ProgramKind) => Record<string, string>,
) => {
  const { mode, onLine, apis = 1, workers = 2 } = options;
  mkdirSync(logs, { recursive: true });
  const run = (kind: ProgramKind, name: string, file: string, own: Record<string, string>) => {
    const env = { LOG_LEVEL: "warn", ...addresses(kind), ...options.env, ...options.envOf?.(name), ...own };
    const program = runProgram({ name, file, env, logFile: join(logs, `${name}.log`), onLine });
    closers.add(name, () => program.stop());
    return program;
  };
  const running: RunningProgram[] = [];
  let added = 0;
  const addWorker = async (): Promise<RunningProgram> => {
    const own = { MODE: mode, METRICS_PORT: String(await freePort()) };
    const worker = run("worker", `worker-${added++}`, "services/worker/main.ts", own);
    running.push(worker);
    return worker;
  };
  const removeWorker = async (): Promise<void> => {
    await running.shift()?.stop();
  };
  const start = async () => {
    for (let count = 0; count < workers; count++) await addWorker();
    const started: RunningProgram[] = [];
    const urls: string[] = [];
    for (let index = 0; index < apis; index++) {
      const port = await freePort();
      const own = { PORT: String(port), [`${mode.toUpperCase()}_ENABLED`]: "true", POLL_EVERY_MS: "200" };
      started.push(run("api", `api-${index}`, "services/order-api/main.ts", own));
      urls.push(`http://127.0.0.1:${port}`);
    }
    for (const url of urls) await pollUntil(`${url} takes orders`, () => isReady(url), READY_WITHIN_MS);
    return { apis: started, workers: running, urls };
  };
  const addProgram = (name: string, file: string): RunningProgram => run("worker", name, file, {});
  return { change: { addWorker, removeWorker, addProgram }, start };
};

const isReady = async (url: string): Promise<boolean> => {
  try {
    return (await fetch(`${url}/readyz`)).status === 200;
  } catch {
    // not listening yet
    return false;
  }
};
