/**
 * The exporters beside the servers of a running stack: who tells Prometheus of PostgreSQL, Redis and the machine. Passwords
 * in the servers' addresses reach an exporter alone, by its environment or a file: never a label, nor an argument.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { giveToServerUser, serverFolder, serverUser } from "../system/servers/data-dir.ts";
import { type DebianProgram, debianProgram } from "../system/servers/debian-programs.ts";
import { freePort } from "../system/servers/ports.ts";
import { launch } from "../system/servers/process.ts";
import type { Server } from "../system/servers/server.ts";
import type { Target } from "./configuration.ts";

/** Where the servers are, by the variables of the programs. */
type Env = Readonly<Record<string, string>>;

export type Exporting = {
  readonly env: Env;
  readonly dataDir: string;
  readonly log: (line: string) => void;
};

type Exporter = {
  readonly name: DebianProgram;
  args(port: number): string[];
  variables?(env: Env): Record<string, string>;
  /** By the address of what is asked; where there is one, the file's path is an argument more. */
  passwords?(env: Env): Record<string, string>;
  targets(exporter: string, env: Env): readonly Target[];
};

const READY_WITHIN_MS = 10_000;
const STOP_WITHIN_MS = 2_000;

const listen = (port: number): string => `--web.listen-address=127.0.0.1:${port}`;
const addressIn = (url: string): string => new URL(url).host;
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** It asks for encryption where nothing is said, which a server on loopback does not offer. */
export const plainOnLoopback = (address: string): string => {
  const url = new URL(address);
  if (LOOPBACK.test(url.hostname) && !url.searchParams.has("sslmode"))
    url.searchParams.set("sslmode", "disable");
  return url.href;
};

type RedisServer = { readonly server: string; readonly address: string; readonly password: string };

const REDIS_SERVERS = { board: "BOARD_REDIS_URL", stream: "STREAM_REDIS_URL" };

/** The address as the exporter looks the password up: with the user's name, where there is one. */
const redisServers = (env: Env): readonly RedisServer[] =>
  Object.entries(REDIS_SERVERS).flatMap(([server, variable]) => {
    const given = env[variable];
    if (!given) return [];
    const url = new URL(given);
    const password = decodeURIComponent(url.password);
    url.password = "";
    return [{ server, address: url.href, password }];
  });

export const EXPORTERS: readonly Exporter[] = [
  {
    name: "prometheus-postgres-exporter",
    args: (port) => [listen(port)],
    variables: (env) => ({ DATA_SOURCE_NAME: plainOnLoopback(env["DATABASE_URL"] ?? "") }),
    targets: (address) => [{ job: "postgres", address }],
  },
  {
    name: "prometheus-redis-exporter",
    // looked up by its key: nothing is scanned, and the board, which has none, tells none
    args: (port) => [listen(port), "--check-single-streams=db0=coffee:orders"],
    passwords: (env) =>
      Object.fromEntries(
        redisServers(env)
          .filter(({ password }) => password !== "")
          .map(({ address, password }) => [address, password]),
      ),
    targets: (through, env) =>
      redisServers(env).map(({ server, address }) => ({
        job: "redis",
        address,
        labels: { server },
        through,
      })),
  },
  {
    name: "prometheus-node-exporter",
    args: (port) => [listen(port)],
    targets: (address) => [{ job: "node", address }],
  },
];

const answers = async (url: string): Promise<boolean> => {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(1_000) })).ok;
  } catch {
    // not listening yet
    return false;
  }
};

/** A program that serves HTTP, run as the servers are: it ends with us, however we end. */
export const launchHttp = async (options: {
  readonly name: string;
  readonly command: string;
  readonly port: number;
  readonly args: string[];
  readonly env?: Record<string, string>;
  readonly dataDir: string;
  readonly readyAt: string;
  readonly readyWithinMs?: number;
}): Promise<Server> => {
  const { name, command, port, args, env = {}, readyAt, readyWithinMs = READY_WITHIN_MS } = options;
  const { folder, temporary } = serverFolder(name, options.dataDir);
  const url = `http://127.0.0.1:${port}`;
  return launch({
    name,
    url,
    port,
    command,
    args,
    env,
    folder,
    ...serverUser(),
    stopSignal: "SIGTERM",
    stopWithinMs: STOP_WITHIN_MS,
    temporary,
    isReady: () => answers(`${url}${readyAt}`),
    readyWithinMs,
  });
};

/** The option that names the file, which the exporter's user alone may read; none where nothing is secret. */
const passwordFile = (folder: string, passwords: Readonly<Record<string, string>>): string[] => {
  if (Object.keys(passwords).length === 0) return [];
  const file = join(folder, "passwords.json");
  writeFileSync(file, JSON.stringify(passwords), { mode: 0o600 });
  giveToServerUser(file);
  return [`--redis.password-file=${file}`];
};

/** Throws a sentence saying what to do when the exporter cannot be had. */
export const startExporter = async (
  exporter: Exporter,
  { env, dataDir, log }: Exporting,
): Promise<{ readonly server: Server; readonly targets: readonly Target[] }> => {
  const { name, args, variables, passwords, targets } = exporter;
  const command = await debianProgram(name, log);
  const port = await freePort();
  const { folder } = serverFolder(name, join(dataDir, name));
  const server = await launchHttp({
    name,
    command,
    port,
    args: [...args(port), ...passwordFile(folder, passwords?.(env) ?? {})],
    env: variables?.(env) ?? {},
    dataDir: folder,
    readyAt: "/",
  });
  return { server, targets: targets(addressIn(server.url), env) };
};
