/**
 * The exporters of a running system: PostgreSQL, Redis, the machine, and Kafka's own Java agent. Passwords in the servers'
 * addresses reach an exporter by its environment or by a file, and never a label or an argument.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { modeNamed } from "#shared/modes/all.ts";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { servers, serversOf } from "#shared/servers.ts";
import { debianProgram } from "../system/servers/apt.ts";
import { giveToServerUser, serverFolder, serverUser } from "../system/servers/data-dir.ts";
import { type KafkaAgent, kafkaAgent } from "../system/servers/kafka-java.ts";
import { freePort } from "../system/servers/ports.ts";
import { launch } from "../system/servers/process.ts";
import type { Server } from "../system/servers/server.ts";
import type { Wanted } from "../system/servers/start.ts";
import type { Target } from "./prometheus.ts";

/** The servers' addresses, by the variables of the programs. */
type Env = Readonly<Record<string, string>>;

export type Exporting = {
  readonly env: Env;
  readonly dataDir: string;
  readonly log: (line: string) => void;
};

type Exporter = {
  readonly name: string;
  args(port: number): string[];
  variables?(env: Env): Record<string, string>;
  /** By the server's address; when there is one, the exporter gets a file of them. */
  passwords?(env: Env): Record<string, string>;
  targets(exporter: string, env: Env): readonly Target[];
};

const READY_WITHIN_MS = 10_000;
const STOP_WITHIN_MS = 2_000;

const listen = (port: number): string => `--web.listen-address=127.0.0.1:${port}`;
const addressIn = (url: string): string => new URL(url).host;
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** The exporter requires TLS unless the address says otherwise, and a server on loopback has none. */
export const plainOnLoopback = (address: string): string => {
  const url = new URL(address);
  if (LOOPBACK.test(url.hostname) && !url.searchParams.has("sslmode"))
    url.searchParams.set("sslmode", "disable");
  return url.href;
};

type RedisServer = { readonly server: string; readonly address: string; readonly password: string };

/** The address as the exporter looks up its password: with the user's name, without the password. */
const redisServers = (env: Env): readonly RedisServer[] =>
  Object.values(servers).flatMap(({ name, variable }) => {
    // the label is part of the name, as in grafana/compose/prometheus.yaml
    const server = /^redis-(.+)$/.exec(name)?.[1];
    const given = env[variable];
    if (server === undefined || !given) return [];
    const url = new URL(given);
    const password = decodeURIComponent(url.password);
    url.password = "";
    return [{ server, address: url.href, password }];
  });

export const EXPORTERS: readonly Exporter[] = [
  {
    name: "prometheus-postgres-exporter",
    args: (port) => [listen(port)],
    variables: (env) => ({ DATA_SOURCE_NAME: plainOnLoopback(env[servers.postgres.variable] ?? "") }),
    targets: (address) => [{ job: "postgres", address }],
  },
  {
    name: "prometheus-redis-exporter",
    // by its key, so that no keys are scanned; the board's Redis has no such key, so no figure
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

/** Starts a program that serves HTTP in the same way as the servers: it ends when this process ends. */
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

/** The option that names the file, which only the exporter's user may read; none without passwords. */
const passwordFile = (folder: string, passwords: Readonly<Record<string, string>>): string[] => {
  if (Object.keys(passwords).length === 0) return [];
  const file = join(folder, "passwords.json");
  writeFileSync(file, JSON.stringify(passwords), { mode: 0o600 });
  giveToServerUser(file);
  return [`--redis.password-file=${file}`];
};

/** Throws a sentence that says what to do when the exporter cannot be installed. */
export const startExporter = async (
  exporter: Exporter,
  { env, dataDir, log }: Exporting,
): Promise<{ readonly server: Server; readonly targets: readonly Target[] }> => {
  const { name, args, variables, passwords, targets } = exporter;
  const { command } = await debianProgram(name, log);
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

/** The broker's options for its metrics, before it starts; null when no mode uses Kafka or Maven cannot fetch the agent. */
export const agentFor = async (
  modes: readonly string[],
  log: (line: string) => void,
): Promise<{ agent: KafkaAgent | null; servers: Partial<Wanted> }> => {
  const needsKafka = serversOf(modes.map(modeNamed)).includes("kafka");
  if (!needsKafka || process.env[servers.kafka.variable]) return { agent: null, servers: {} };
  try {
    const agent = await kafkaAgent(log);
    return { agent, servers: { kafka: { javaOptions: agent.javaOptions } } };
  } catch (error) {
    log(`Kafka's metrics are left out: ${messageOf(error)}`);
    return { agent: null, servers: {} };
  }
};
