// The one place that decides where servers come from: somebody else's, by their URLs in the environment; containers,
// where a Docker engine answers; else processes of this machine.
import { get } from "node:http";
import type { KafkaOptions } from "./kafka.ts";
import { startKafka } from "./kafka.ts";
import { type PostgresOptions, startPostgres } from "./postgres.ts";
import { type RedisOptions, startRedis } from "./redis.ts";
import type { Server } from "./server.ts";

export type Wanted = {
  postgres?: PostgresOptions;
  board?: Omit<RedisOptions, "name" | "role">;
  stream?: Omit<RedisOptions, "name" | "role">;
  kafka?: KafkaOptions;
};
/** Of each one wanted, and no other. */
export type Servers = { [K in keyof Wanted]: Server };
type Starts = { [K in keyof Wanted]-?: (options: NonNullable<Wanted[K]>) => Promise<Server> };
export type Environment = Readonly<Record<string, string | undefined>>;

const DOCKER_ANSWERS_WITHIN_MS = 1_000;
const DEFAULT_DOCKER = "unix:///var/run/docker.sock";

/** By which servers of somebody else's are named. */
export const SERVER_VARIABLES = {
  postgres: "DATABASE_URL",
  board: "BOARD_REDIS_URL",
  stream: "STREAM_REDIS_URL",
  kafka: "KAFKA_BROKERS",
} as const satisfies Record<keyof Wanted, string>;

const names = { postgres: "postgres", board: "redis-board", stream: "redis-stream", kafka: "kafka" } as const;

/** Somebody else's server: used as it is, and never stopped or disturbed. */
const given = (kind: keyof Wanted, url: string): Server => {
  const refuse = () => {
    throw new Error(
      `${names[kind]} was given by ${SERVER_VARIABLES[kind]}: it is not ours to start, stop or inspect`,
    );
  };
  return {
    name: names[kind],
    url,
    port: Number(/:(\d+)(?:[/,?]|$)/.exec(url)?.[1] ?? 0),
    pid: refuse,
    stop: async () => {},
    kill: refuse,
    pause: refuse,
    resume: refuse,
    start: refuse,
    onExit: () => {},
  };
};

const native: Starts = {
  postgres: startPostgres,
  board: (o) => startRedis({ ...o, name: names.board, role: "board" }),
  stream: (o) => startRedis({ ...o, name: names.stream, role: "stream" }),
  kafka: startKafka,
};

/** Loaded only when used: it takes most of a second. */
const inContainers = async (): Promise<Starts> => {
  const { startKafkaContainer, startPostgresContainer, startRedisContainer } = await import(
    "./containers.ts"
  );
  return {
    postgres: startPostgresContainer,
    board: (o) => startRedisContainer({ ...o, name: names.board, role: "board" }),
    stream: (o) => startRedisContainer({ ...o, name: names.stream, role: "stream" }),
    kafka: startKafkaContainer,
  };
};

/** One ping to the engine; its command line program may well be there without one. */
const dockerAnswers = (host: string) =>
  new Promise<boolean>((resolve) => {
    const url = URL.parse(host.replace(/^tcp:/, "http:"));
    if (url === null || !["unix:", "http:"].includes(url.protocol)) return resolve(false);
    const where =
      url.protocol === "unix:" ? { socketPath: url.pathname } : { host: url.hostname, port: url.port };
    const request = get({ ...where, path: "/_ping", timeout: DOCKER_ANSWERS_WITHIN_MS }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on("timeout", () => request.destroy()).on("error", () => resolve(false));
  });

const choose = async (wanted: Wanted, environment: Environment): Promise<Starts> => {
  const choice = environment["COFFEE_SERVERS"];
  if (choice === "native") return native;
  if (choice === "containers") return inContainers();
  if (choice !== undefined)
    throw new Error(`COFFEE_SERVERS is "${choice}"; it may be "native" or "containers"`);
  // data to be kept in a folder is for processes; a container's goes with it
  if (Object.values(wanted).some(({ dataDir }) => dataDir !== undefined)) return native;
  return (await dockerAnswers(environment["DOCKER_HOST"] ?? DEFAULT_DOCKER)) ? inContainers() : native;
};

/** How to start, and nobody's servers: what tests and measures must not write into those that a shell happens to name. */
export const withoutServers = (environment: Environment): Environment => {
  const named: readonly string[] = Object.values(SERVER_VARIABLES);
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !named.includes(name)));
};

/**
 * Starts all that are wanted side by side; when one cannot start, the others are stopped and its error is thrown.
 * Servers of somebody else's are used only by who hands their URLs on.
 */
export const startServers = async (
  wanted: Wanted,
  environment: Environment = withoutServers(process.env),
): Promise<Servers> => {
  const url = (kind: keyof Wanted) => environment[SERVER_VARIABLES[kind]];
  const kinds = (Object.keys(SERVER_VARIABLES) as (keyof Wanted)[]).filter(
    (kind) => wanted[kind] !== undefined,
  );
  const toStart = kinds.filter((kind) => !url(kind));
  const starts = toStart.length > 0 ? await choose(wanted, environment) : native;
  const start = async (kind: keyof Wanted): Promise<[keyof Wanted, Server]> => {
    const address = url(kind);
    return [kind, address ? given(kind, address) : await starts[kind](wanted[kind] ?? {})];
  };
  const results = await Promise.allSettled(kinds.map(start));
  const started = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) {
    await Promise.allSettled(started.map(([, server]) => server.stop()));
    throw failed.reason;
  }
  return Object.fromEntries(started);
};
