import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Cores } from "../cores.ts";
import { serverFolder, serverUser } from "./data-dir.ts";
import { initialisedOnce } from "./initialise.ts";
import { freePort } from "./ports.ts";
import { postgresBinaries } from "./postgres-binaries.ts";
import { launch } from "./process.ts";
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
};

/** Recovery after a crash under full load; a start alone takes about half a second. */
const READY_WITHIN_MS = 60_000;
/** A fast shutdown writes one checkpoint. */
const STOP_WITHIN_MS = 10_000;
const INITDB_WITHIN_MS = 60_000;

/**
 * Copying ready-made data would take 0.1 s instead of 1.0 s, but every copy would have the same system identifier, by
 * which v1 tells a restored database from its own.
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
  const { durable = true } = options;
  const binaries = await postgresBinaries();
  const { folder, temporary } = serverFolder("postgres", options.dataDir);
  const data = await initialisedOnce(folder, initdb(binaries, folder, durable));
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
