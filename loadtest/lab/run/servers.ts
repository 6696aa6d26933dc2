/**
 * The servers of a suite. PostgreSQL and Kafka are kept from run to run, as starting them takes seconds and a young JVM
 * is slow; each run has a database and a topic of its own there. Kafka is paused while no run needs it: idle it takes
 * time from the others. Each run gets a new Redis: that takes a quarter of a second, and nothing can be left
 * in it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf, openClosers } from "#shared/runtime/lifecycle.ts";
import { closeRedis, openRedis, redisOptions } from "#shared/runtime/redis.ts";
import { type ServerName, servers } from "#shared/servers.ts";
import { openPool, type Pool } from "#shared/store/pool.ts";
import { migrate } from "../../../db/migrate.ts";
import { keepRunning } from "../../../dev/system/launcher.ts";
import type { Server } from "../../../dev/system/servers/server.ts";
import { type Servers, startServers, type Wanted } from "../../../dev/system/servers/start.ts";
import type { Variables } from "../experiments/experiment.ts";
import type { Pinning } from "./environment.ts";

export type ServersOptions = {
  readonly pinning: Pinning;
  /** Where external servers are named (DATABASE_URL and so on). */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** External servers may be emptied for each run. */
  readonly mayWipe?: boolean;
  readonly migrate?: Migrate | undefined;
  readonly log: (line: string) => void;
};

export type SuiteServers = {
  /** Starts what is missing, stops what is not wanted, and replaces every Redis. */
  provide(kinds: readonly ServerName[], settings: Partial<Record<ServerName, Variables>>): Promise<Provided>;
  /** Freezes and stops as for a run that wants nothing. */
  rest(): Promise<void>;
  close(): Promise<void>;
};
export type Provided = { readonly servers: Servers; readonly databases: Databases };

type Running = {
  readonly server: Server;
  /** What it was started with. */
  readonly key: string;
  isFrozen: boolean;
  stop(): Promise<void>;
};

const KEPT: readonly ServerName[] = ["postgres", "kafka"];
/** A broker that slept longer than its session has to join its own cluster again. */
const THAW_MS = 3_000;
/** What the lab reads of PostgreSQL's log needs its clock; a fraction of a microsecond for each write. */
const POSTGRES = { track_wal_io_timing: "on" };

export const openSuiteServers = (options: ServersOptions): SuiteServers => {
  const running = new Map<ServerName, Running>();
  let databases: Databases | null = null;

  const stop = async (kind: ServerName): Promise<void> => {
    const one = running.get(kind);
    running.delete(kind);
    if (kind === "postgres") databases = null;
    await one?.stop();
  };
  const provideOne = async (kind: ServerName, settings: Variables): Promise<void> => {
    const key = JSON.stringify(settings);
    const one = running.get(kind);
    if (one && KEPT.includes(kind) && one.key === key) return thawn(one);
    await stop(kind);
    running.set(kind, await startOne(kind, key, settings, options));
  };

  const keepOnly = async (kinds: readonly ServerName[]): Promise<void> => {
    const unwanted = [...running].filter(([kind]) => !kinds.includes(kind) && kind !== "postgres");
    await Promise.all(unwanted.map(([kind, one]) => (isOurKafka(kind, options) ? freeze(one) : stop(kind))));
  };

  return {
    rest: () => keepOnly([]),
    provide: async (kinds, settings) => {
      await keepOnly(kinds);
      await Promise.all(kinds.map((kind) => provideOne(kind, settings[kind] ?? {})));
      const awake = [...running].filter(([, { isFrozen }]) => !isFrozen);
      const started: Servers = Object.fromEntries(awake.map(([kind, { server }]) => [kind, server]));
      databases ??= await openDatabases(started.postgres?.url ?? "", options.migrate);
      return { servers: started, databases };
    },
    close: async () => {
      await Promise.all([...running.keys()].map(stop));
    },
  };
};

/** An external broker is never paused. */
const isOurKafka = (kind: ServerName, { environment }: ServersOptions): boolean =>
  kind === "kafka" && !environment[servers[kind].variable];

const freeze = async (one: Running): Promise<void> => {
  if (one.isFrozen) return;
  await one.server.pause();
  one.isFrozen = true;
};

const thawn = async (one: Running): Promise<void> => {
  if (!one.isFrozen) return;
  await one.server.resume();
  one.isFrozen = false;
  await sleep(THAW_MS);
};

const startOne = async (
  kind: ServerName,
  key: string,
  settings: Variables,
  options: ServersOptions,
): Promise<Running> => {
  const { pinning, environment, log } = options;
  const isGiven = Boolean(environment[servers[kind].variable]);
  if (isGiven) checkGiven(kind, settings, options);
  const own = { ...(kind === "postgres" ? POSTGRES : {}), ...settings };
  const wanted = { [kind]: { settings: own, cores: pinning.system ?? undefined } } as Wanted;
  const server = (await startServers(wanted, { COFFEE_SERVERS: "native", ...environment }))[kind];
  if (server === undefined) throw new Error(`${kind} was not started`);
  if (isGiven && !KEPT.includes(kind)) await emptied(server.url);
  const closers = openClosers();
  closers.add(server.name, () => server.stop());
  keepRunning(server, log, closers);
  return {
    server,
    key,
    isFrozen: false,
    stop: async () => {
      // what is frozen hears no SIGTERM
      if (!isGiven) await server.resume();
      for (const failure of await closers.closeAll()) log(messageOf(failure));
    },
  };
};

/** Throws where an external server would need other settings, or may not be emptied. */
const checkGiven = (kind: ServerName, settings: Variables, { mayWipe }: ServersOptions): void => {
  const variable = servers[kind].variable;
  const names = Object.keys(settings);
  if (names.length > 0)
    throw new Error(
      `${variable} names a server that is not ours to set, and this point wants ${names.join(", ")}: leave ${variable} out, or this experiment`,
    );
  if (!KEPT.includes(kind) && mayWipe !== true)
    throw new Error(`${variable} names a server that has to be emptied for each run: --wipe allows it`);
};

const emptied = async (url: string): Promise<void> => {
  const redis = openRedis(url, { ...redisOptions("coffee-lab"), enableOfflineQueue: true }, () => undefined);
  try {
    await redis.flushall();
  } finally {
    await closeRedis(redis);
  }
};

/** A database for each run, copied from a migrated one: a tenth of the time of a new server, and as empty. */

export type Databases = {
  /** Its URL. `prepare` is SQL that is run there before anything else. */
  fresh(prepare?: string): Promise<string>;
  /** Drops it, when no client is connected any more. */
  drop(databaseUrl: string): Promise<void>;
};

const TEMPLATE = "coffee_lab_template";
const STATEMENT_MS = 60_000;

/** For the lab's own statements, in addition to the programs'. */
export const openLabPool = (databaseUrl: string, maxConnections = 2): Pool =>
  openPool(
    {
      databaseUrl,
      program: "coffee-lab",
      maxConnections,
      statementTimeoutMs: STATEMENT_MS,
      connectTimeoutMs: STATEMENT_MS,
    },
    // it breaks with a server that a fault stops; the next statement opens a new connection
    () => undefined,
  );

export type Migrate = (databaseUrl: string) => Promise<void>;

const ownMigrations: Migrate = (databaseUrl) => migrate(databaseUrl, () => undefined);

/** Makes the template first. The leftovers of an interrupted suite on an external server are replaced. */
export const openDatabases = async (serverUrl: string, migrateIt = ownMigrations): Promise<Databases> => {
  const admin = <T>(work: (pool: Pool) => Promise<T>): Promise<T> => onPool(serverUrl, work);
  await admin(async (pool) => {
    await pool.query(`DROP DATABASE IF EXISTS ${TEMPLATE}`);
    await pool.query(`CREATE DATABASE ${TEMPLATE}`);
  });
  await migrateIt(named(serverUrl, TEMPLATE));
  let made = 0;
  return {
    fresh: async (prepare) => {
      const name = `coffee_lab_${process.pid}_${++made}`;
      await admin(async (pool) => {
        await pool.query(`CREATE DATABASE ${name} TEMPLATE ${TEMPLATE}`);
        // what the run before left dirty would be written during this one
        await pool.query("CHECKPOINT");
      });
      const url = named(serverUrl, name);
      if (prepare !== undefined) await onPool(url, (pool) => pool.query(prepare));
      return url;
    },
    drop: (databaseUrl) =>
      admin(async (pool) => {
        await pool.query(`DROP DATABASE IF EXISTS ${new URL(databaseUrl).pathname.slice(1)} WITH (FORCE)`);
      }),
  };
};

const named = (serverUrl: string, database: string): string => {
  const url = new URL(serverUrl);
  url.pathname = database;
  return url.href;
};

const onPool = async <T>(databaseUrl: string, work: (pool: Pool) => Promise<T>): Promise<T> => {
  const pool = openLabPool(databaseUrl, 1);
  try {
    return await work(pool);
  } finally {
    await pool.end();
  }
};
