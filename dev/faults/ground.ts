/** What a run breaks: real programs on real servers, watched and started again as compose would. */
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Random } from "#shared/domain/random.ts";
import { type Closers, openClosers } from "#shared/runtime/lifecycle.ts";
import { migrate } from "../../db/migrate.ts";
import { keepRunning } from "../system/launcher.ts";
import { type Program, runProgram } from "../system/programs.ts";
import { freePort } from "../system/servers/ports.ts";
import type { Server } from "../system/servers/server.ts";
import { startServers, type Wanted } from "../system/servers/start.ts";
import { waitUntil } from "../system/wait.ts";
import type { Wire } from "./wire.ts";
import { BACKENDS, openWiring, type ProgramKind, SERVERS, type ServerName, type Wiring } from "./wiring.ts";

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
  readonly apis: readonly Program[];
  readonly workers: readonly Program[];
  server(name: ServerName): Server;
  /** The server without which this mode cannot accept. */
  readonly backend: ServerName;
  wire(program: ProgramKind, server: ServerName): Wire;
  addWorker(): Promise<Program>;
  /** Any other program, with the settings that the workers have; it ends with the ground. */
  addProgram(name: string, file: string): Program;
  /** The oldest one, in the ordinary way; resolves when it has ended. */
  removeWorker(): Promise<void>;
  /** Where the programs' logs are, until the ground closes. */
  readonly folder: string;
  close(): Promise<void>;
};

const READY_WITHIN_MS = 60_000;

const opened = new Set<() => Promise<void>>();

/** All that are open, for a program that has to end. */
export const closeGrounds = async (): Promise<void> => {
  await Promise.all([...opened].map((close) => close()));
};

export const openGround = async (options: GroundOptions): Promise<Ground> => {
  const closers = openClosers();
  const closeAll = async (): Promise<void> => {
    for (const failure of await closers.closeAll()) options.onLine(failure.message);
    opened.delete(close);
  };
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= closeAll();
    return closing;
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
  const wiring = await openWiring(names, options.isWired ?? false, options.random, closers);
  const wanted = wantedOf(names, options, wiring);
  const servers = await startServers(wanted, { COFFEE_SERVERS: "native" });
  const of = (name: ServerName): Server => {
    const server = servers[name];
    if (server === undefined) throw new Error(`${mode} has no ${name}`);
    return server;
  };
  for (const name of names) closers.add(name, () => of(name).stop());
  for (const name of names) keepRunning(of(name), onLine, closers);
  wiring.leadTo(servers);
  await migrate(of("postgres").url, () => undefined);
  await options.prepareDatabase?.(of("postgres").url);
  const programs = openPrograms(options, closers, join(folder, "logs"), (kind) =>
    wiring.environmentOf(kind, servers),
  );
  const started = await programs.start();
  const addresses = Object.fromEntries(SERVERS.map(({ name }) => [name, servers[name]?.url ?? ""])) as Record<
    ServerName,
    string
  >;
  return { mode, ...started, addresses, server: of, backend, wire: wiring.wire, ...programs.change, folder };
};

const wantedOf = (
  names: readonly ServerName[],
  { servers = {} }: GroundOptions,
  { doors }: Wiring,
): Wanted => {
  const wanted: Required<Wanted> = {
    postgres: { ...servers.postgres },
    board: { ...servers.board },
    stream: { ...servers.stream },
    kafka: { ...servers.kafka, doors },
  };
  return Object.fromEntries(names.map((name) => [name, wanted[name]]));
};

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
  const running: Program[] = [];
  let added = 0;
  const addWorker = async (): Promise<Program> => {
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
    const started: Program[] = [];
    const urls: string[] = [];
    for (let index = 0; index < apis; index++) {
      const port = await freePort();
      const own = { PORT: String(port), [`${mode.toUpperCase()}_ENABLED`]: "true", POLL_EVERY_MS: "200" };
      started.push(run("api", `api-${index}`, "services/order-api/main.ts", own));
      urls.push(`http://127.0.0.1:${port}`);
    }
    for (const url of urls) await waitUntil(`${url} takes orders`, () => isReady(url), READY_WITHIN_MS);
    return { apis: started, workers: running, urls };
  };
  const addProgram = (name: string, file: string): Program => run("worker", name, file, {});
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
