/** What `npm start` checks before it starts a server: every setting, by the programs' own loaders, and the given servers. */
import { connect } from "node:net";
import type { Tokens } from "#shared/access/tokens.ts";
import type { Catalogue } from "#shared/domain/catalogue.ts";
import { modeNamed } from "#shared/modes/all.ts";
import { addressesIn } from "#shared/modes/kafka/connection.ts";
import { loadModeSettings, loadSettings, variableOf } from "#shared/runtime/config.ts";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { accessVariables, type ServerName, servers, serversOf } from "#shared/servers.ts";
import { checkKeeps } from "#shared/store/retention.ts";
import { loadApiSettings, readCatalogue, switchKnobs } from "../services/order-api/config.ts";
import { readTokens } from "../services/order-api/token-source.ts";
import { workerKnobs } from "../services/worker/config.ts";
import { switchesOf } from "./system/programs.ts";
import type { Environment } from "./system/servers/start.ts";

/** Stands for the address of a server that is not started yet. */
const PLACEHOLDERS: Readonly<Record<ServerName, string>> = {
  postgres: "postgres://127.0.0.1/postgres",
  board: "redis://127.0.0.1",
  stream: "redis://127.0.0.1",
  kafka: "127.0.0.1:9092",
};

export type CheckedSettings = {
  /** Whether /metrics needs a token. */
  readonly protectsMetrics: boolean;
  readonly catalogue: Catalogue;
  /** Null where the API needs none. */
  readonly tokens: Tokens | null;
};

/** Throws an Error with a sentence per wrong variable. */
export const checkSettings = (modes: readonly string[], environment: Environment): CheckedSettings => {
  const ignored = Object.keys(switchKnobs.properties).map(variableOf);
  const switched = ignored.find((variable) => environment[variable]);
  if (switched)
    throw new Error(`${switched} is set: expected npm start -- --modes v1,v2 to choose the modes instead.`);
  const env: Record<string, string | undefined> = { ...environment };
  for (const name of serversOf(modes.map(modeNamed))) {
    const { variable } = servers[name];
    if (environment[variable]) continue;
    if (environment[`${variable}_FILE`])
      throw new Error(`${variable}_FILE is set: npm start expects the address in ${variable}.`);
    env[variable] = PLACEHOLDERS[name];
    for (const unused of accessVariables(name)) env[unused] = "";
  }
  const { settings } = loadApiSettings({ ...env, ...switchesOf(modes) });
  for (const mode of modes.map(modeNamed)) {
    const ofWorker = loadSettings(workerKnobs, { ...env, MODE: mode.name });
    checkKeeps(ofWorker, mode, loadModeSettings(mode, env));
  }
  return {
    protectsMetrics: settings.protectMetrics,
    catalogue: readCatalogue(settings.catalogueFile),
    tokens: readTokens(settings),
  };
};

/** Longer than a distant server takes to accept a connection. */
const CONNECTS_WITHIN_MS = 5_000;
const DEFAULT_PORTS: Readonly<Record<string, number>> = { postgres: 5_432, board: 6_379, stream: 6_379 };

type Endpoint = { readonly host: string; readonly port: number };

/** Of a checked address. None for a socket in the file system, and where the URL's query names the host. */
const endpointsOf = (name: ServerName, address: string): Endpoint[] => {
  if (name === "kafka") return addressesIn(address);
  const url = URL.parse(address);
  if (!url?.hostname || url.searchParams.has("host") || url.searchParams.has("port")) return [];
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return [{ host, port: Number(url.port) || (DEFAULT_PORTS[name] ?? 0) }];
};

const reach = ({ host, port }: Endpoint): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const end = (error?: Error): void => {
      socket.destroy();
      if (error) reject(error);
      else resolve();
    };
    socket.setTimeout(CONNECTS_WITHIN_MS, () =>
      end(new Error(`no connection in ${CONNECTS_WITHIN_MS / 1_000} s`)),
    );
    socket.on("connect", () => end()).on("error", end);
  });

/** A name with several addresses has an error for each, and none of its own. */
const reasonOf = (error: unknown): string =>
  error instanceof AggregateError ? reasonOf(error.errors[0]) : messageOf(error);

/** Throws an Error with one sentence for a server of these modes that the environment gives and that accepts no connection. */
export const reachGivenServers = async (
  modes: readonly string[],
  environment: Environment,
): Promise<void> => {
  for (const name of serversOf(modes.map(modeNamed))) {
    const { variable, title } = servers[name];
    const address = environment[variable];
    const endpoints = address ? endpointsOf(name, address) : [];
    if (endpoints.length === 0) continue;
    try {
      // one broker knows the others
      await Promise.any(endpoints.map(reach));
    } catch (error) {
      throw new Error(
        `${variable} is "${address}": expected the address of a running server (${title}), got ${reasonOf(error)}.`,
        { cause: error },
      );
    }
  }
};
