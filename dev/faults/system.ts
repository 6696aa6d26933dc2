/** The system that a fault breaks: real servers and programs, restarted as compose would, behind proxies if it asks. */
import { join } from "node:path";
import type { Random } from "#shared/domain/random.ts";
import { modeNamed, modes } from "#shared/modes/all.ts";
import { type Closers, openClosers } from "#shared/runtime/lifecycle.ts";
import { type ServerName, serverNames, serversOf, servers as serverTable } from "#shared/servers.ts";
import { type System, type SystemOptions, startSystem, temporaryFolder } from "../system/launcher.ts";
import type { HttpProgram, Program, Settings } from "../system/programs.ts";
import { freePort } from "../system/servers/ports.ts";
import type { Server } from "../system/servers/server.ts";
import type { KafkaListener } from "../system/servers/settings.ts";
import { addressesOf, type Servers, type Wanted } from "../system/servers/start.ts";
import { openTcpProxy, type TcpProxy } from "../system/tcp-proxy.ts";

export type ProgramKind = "api" | "worker";

/** The modes with this backend. */
export const modesOn = (...backends: readonly ServerName[]): readonly string[] =>
  modes.filter(({ backend }) => backends.includes(backend)).map(({ name }) => name);

/** Limits a fault of a server to the modes that use it. */
export const whereUsed = (name: ServerName): { readonly modes?: readonly string[] } =>
  serverTable[name].connects === "every program" ? {} : { modes: modesOn(name) };

/** What a fault needs the system to be. */
export type Setup = {
  /** Programs reach the servers through proxies that can be disturbed. */
  readonly hasProxies?: boolean;
  /** 1 without. */
  readonly apis?: number;
  /** 2 without. */
  readonly workers?: number;
  /** Further settings of all programs, by their variables. */
  readonly env?: Settings;
  /** Further options of the servers. */
  readonly servers?: Partial<Wanted>;
  /** Runs after the migrations and before the first program. */
  readonly prepareDatabase?: (databaseUrl: string) => Promise<unknown>;
  /** Runs before anything starts; what it opens is closed after everything has stopped. */
  readonly prepare?: (preparing: Preparing) => Promise<Prepared>;
};

export type Preparing = {
  readonly mode: string;
  /** Of the run, in which servers and programs have theirs. */
  readonly folder: string;
  readonly closers: Closers;
  readonly onLine: (line: string) => void;
};

export type Prepared = Pick<Setup, "servers"> & Pick<SystemOptions, "envOf">;

export type FaultySystem = Pick<System, "apis" | "workers" | "removeWorker" | "start"> & {
  readonly mode: string;
  /** Of the APIs. */
  readonly urls: readonly string[];
  /** Directly to the servers, past the proxies; "" of a server that the mode does not have. */
  readonly addresses: Readonly<Record<ServerName, string>>;
  server(name: ServerName): Server;
  /** The server without which this mode cannot accept orders. */
  readonly backend: ServerName;
  proxy(kind: ProgramKind, server: ServerName): TcpProxy;
  addWorker(): Promise<Program>;
  readonly folder: string;
  close(): Promise<void>;
};

export type OpenOptions = {
  readonly mode: string;
  readonly random: Random;
  readonly setup: Setup;
  readonly onLine: (line: string) => void;
};

const opened = new Set<() => Promise<void>>();

/** All that are open, for a command that has to stop. */
export const closeSystems = async (): Promise<void> => {
  await Promise.all([...opened].map((close) => close()));
};

export const openSystem = async (options: OpenOptions): Promise<FaultySystem> => {
  const closers = openClosers();
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= closers.closeAll().then((failures) => {
      for (const failure of failures) options.onLine(failure.message);
      opened.delete(close);
    });
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

const open = async (
  { mode, random, setup, onLine }: OpenOptions,
  closers: Closers,
): Promise<Omit<FaultySystem, "close">> => {
  const { apis = 1, workers = 2, hasProxies = false, prepareDatabase } = setup;
  const { backend } = modeNamed(mode);
  const folder = temporaryFolder("coffee-rt-faults-", closers);
  const prepared = await setup.prepare?.({ mode, folder, closers, onLine });
  const names = hasProxies ? serversOf([modeNamed(mode)]) : [];
  const proxies = await openProxies(names, random, closers);
  const given = { ...setup.servers, ...prepared?.servers };
  const system: System = await startSystem({
    modes: [mode],
    dataDir: join(folder, "system"),
    servers: { ...given, kafka: { ...given.kafka, listeners: proxies.kafkaListeners } },
    apis,
    workers,
    env: { LOG_LEVEL: "warn", POLL_EVERY_MS: "200", ...setup.env },
    ...(prepared?.envOf && { envOf: prepared.envOf }),
    addresses: (kind, servers) => proxies.addressesFor(kindOf(kind), servers),
    beforePrograms: async (servers) => {
      proxies.forwardTo(servers);
      await prepareDatabase?.(servers.postgres?.url ?? "");
    },
    onLine,
  });
  closers.add("the system", system.stop);
  const { apis: started, workers: running, removeWorker, start } = system;
  return {
    ...{ apis: started, workers: running, removeWorker, start, mode },
    urls: system.apis.map(({ url }) => url),
    addresses: Object.fromEntries(
      serverNames.map((name) => [name, system.servers[name]?.url ?? ""]),
    ) as FaultySystem["addresses"],
    server: (name) => {
      const server = system.servers[name];
      if (server === undefined) throw new Error(`${mode} has no ${name}`);
      return server;
    },
    backend,
    proxy: proxies.between,
    addWorker: () => system.addWorker(mode),
    folder,
  };
};

const kindOf = (kind: HttpProgram["kind"]): ProgramKind => (kind === "worker" ? "worker" : "api");

type Proxies = {
  /** A broker sends its clients on to the address of its listener: those of a proxy have to come back to it. */
  readonly kafkaListeners: readonly KafkaListener[];
  between(kind: ProgramKind, name: ServerName): TcpProxy;
  forwardTo(servers: Servers): void;
  /** Where this kind of program reaches the servers, by the variables of its settings. */
  addressesFor(kind: ProgramKind, servers: Servers): Settings;
};

/** One between each kind of program and each of the servers; programs reach the other servers directly. */
const openProxies = async (
  names: readonly ServerName[],
  random: Random,
  closers: Closers,
): Promise<Proxies> => {
  const proxies: { kind: ProgramKind; name: ServerName; proxy: TcpProxy; listener: KafkaListener | null }[] =
    [];
  for (const name of names)
    for (const kind of ["api", "worker"] as const) {
      const proxy = await openTcpProxy(random);
      closers.add(`the proxy between ${kind} and ${name}`, () => proxy.close());
      const listener =
        name === "kafka"
          ? { name: kind.toUpperCase(), port: await freePort(), advertisedPort: proxy.port }
          : null;
      proxies.push({ kind, name, proxy, listener });
    }
  return {
    kafkaListeners: proxies.flatMap(({ listener }) => listener ?? []),
    between: (kind, name) => {
      const found = proxies.find((each) => each.kind === kind && each.name === name);
      if (found === undefined) throw new Error(`there is no proxy between ${kind} and ${name}`);
      return found.proxy;
    },
    forwardTo: (servers) => {
      for (const { name, proxy, listener } of proxies)
        proxy.forwardTo(listener?.port ?? servers[name]?.port ?? 0);
    },
    addressesFor: (kind, servers) => {
      const addresses = { ...addressesOf(servers) };
      for (const { name, proxy } of proxies.filter((each) => each.kind === kind)) {
        const [{ variable }, direct] = [serverTable[name], String(servers[name]?.port)];
        addresses[variable] = (addresses[variable] ?? "").replace(direct, String(proxy.port));
      }
      return addresses;
    },
  };
};
