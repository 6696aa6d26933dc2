// The one place that decides where servers come from: the operator's own, by the addresses in the environment; containers,
// where a Docker engine answers; otherwise processes on this machine.
import { get } from "node:http";
import { accessVariables, type ServerName, serverNames, servers, serverVariables } from "#shared/servers.ts";
import type { KafkaOptions } from "./kafka.ts";
import { startKafka } from "./kafka.ts";
import { type PostgresOptions, startPostgres } from "./postgres.ts";
import { type RedisOptions, startRedis } from "./redis.ts";
import type { Server } from "./server.ts";

type RedisServerOptions = Omit<RedisOptions, "name" | "role">;
type OptionsOf = {
  postgres: PostgresOptions;
  board: RedisServerOptions;
  stream: RedisServerOptions;
  kafka: KafkaOptions;
};
/** The servers to start, with their options. */
export type Wanted = { [Name in ServerName]?: OptionsOf[Name] };
/** Exactly the servers that were wanted. */
export type Servers = { [Name in ServerName]?: Server };
type Starts = { [Name in ServerName]: (options: OptionsOf[Name]) => Promise<Server> };
export type Environment = Readonly<Record<string, string | undefined>>;

const DOCKER_ANSWERS_WITHIN_MS = 1_000;
const DEFAULT_DOCKER = "unix:///var/run/docker.sock";

/** A server that someone else runs: it is used as it is, and never stopped or disturbed. */
const given = (kind: ServerName, url: string): Server => {
  const { name, variable } = servers[kind];
  const refuse = () => {
    throw new Error(`${name} is given by ${variable}: this program may not start, stop or inspect it`);
  };
  return {
    name,
    url,
    isGiven: true,
    port: Number(/:(\d+)(?:[/,?]|$)/.exec(url)?.[1] ?? 0),
    pid: refuse,
    stop: async () => undefined,
    kill: refuse,
    pause: refuse,
    resume: refuse,
    start: refuse,
    onExit: () => undefined,
  };
};

const native: Starts = {
  postgres: startPostgres,
  board: (o) => startRedis({ ...o, name: servers.board.name, role: "board" }),
  stream: (o) => startRedis({ ...o, name: servers.stream.name, role: "stream" }),
  kafka: startKafka,
};

/** Loaded only when used: it takes most of a second. */
const inContainers = async (): Promise<Starts> => {
  const { startKafkaContainer, startPostgresContainer, startRedisContainer } = await import(
    "./containers.ts"
  );
  return {
    postgres: startPostgresContainer,
    board: (o) => startRedisContainer({ ...o, name: servers.board.name, role: "board" }),
    stream: (o) => startRedisContainer({ ...o, name: servers.stream.name, role: "stream" }),
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

/** The environment without servers' addresses: tests and measurements must not write to a server that a shell names. */
export const withoutServers = (environment: Environment): Environment =>
  Object.fromEntries(
    Object.entries(environment).filter(
      ([name]) =>
        !serverVariables.includes(name) && !serverNames.some((each) => accessVariables(each).includes(name)),
    ),
  );

/**
 * The address of each server, under the variable that the programs read. A server of our own needs no user, whatever the
 * environment says of another one.
 */
export const addressesOf = (started: Servers): Record<string, string> =>
  Object.fromEntries(
    serverNames.flatMap((name) => {
      const server = started[name];
      if (server === undefined) return [];
      const unused = server.isGiven ? [] : accessVariables(name).map((variable) => [variable, ""]);
      return [[servers[name].variable, server.url], ...unused];
    }),
  );

/**
 * Starts all wanted servers concurrently; if one cannot start, stops the others and throws its error. A server whose
 * address the environment holds is used instead of a new one.
 */
export const startServers = async (
  wanted: Wanted,
  environment: Environment = withoutServers(process.env),
): Promise<Servers> => {
  const url = (kind: ServerName) => environment[servers[kind].variable];
  const kinds = serverNames.filter((kind) => wanted[kind] !== undefined);
  const starts = kinds.every(url) ? native : await choose(wanted, environment);
  const start = async <Name extends ServerName>(kind: Name): Promise<[Name, Server]> => {
    const address = url(kind);
    if (address) return [kind, given(kind, address)];
    return [kind, await starts[kind](wanted[kind] as OptionsOf[Name])];
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
