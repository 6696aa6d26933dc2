// The same servers in containers, for machines with a Docker engine. Each has its host port fixed, so that it keeps its
// address over stop, kill and start; its data lives as long as the container. If this program dies, testcontainers'
// reaper removes the container.
import { GenericContainer, getContainerRuntimeClient } from "testcontainers";
import type { KafkaOptions } from "./kafka.ts";
import { freePort } from "./ports.ts";
import type { PostgresOptions } from "./postgres.ts";
import { kafkaIsReady, postgresIsReady, redisIsReady, waitUntilReady } from "./ready.ts";
import type { RedisOptions } from "./redis.ts";
import type { Server } from "./server.ts";
import {
  INITDB_OPTIONS,
  KAFKA_CLUSTER_ID,
  kafkaSettings,
  postgresArguments,
  postgresSettings,
  redisArguments,
  redisSettings,
} from "./settings.ts";

type Image = {
  name: string;
  image: string;
  port: number;
  /** The server's port inside the container. */
  innerPort: number;
  url: string;
  environment?: Record<string, string>;
  command?: string[];
  isReady: (port: number) => Promise<boolean>;
};

const READY_WITHIN_MS = 90_000;
const STOP_WITHIN_SECONDS = 20;

const run = async (o: Image): Promise<Server> => {
  const container = await new GenericContainer(o.image)
    .withExposedPorts({ container: o.innerPort, host: o.port })
    .withEnvironment(o.environment ?? {})
    .withCommand(o.command ?? [])
    .start();
  const { container: runtime } = await getContainerRuntimeClient();
  const docker = runtime.getById(container.getId());
  const callbacks: (() => void)[] = [];
  let running = true;
  let pid = 0;
  const ready = async () => {
    const stillRunning = () => {
      if (!running) throw new Error(`${o.name} ended while starting; see docker logs ${container.getId()}`);
    };
    const late = () => new Error(`${o.name} was not ready within ${READY_WITHIN_MS} ms`);
    await waitUntilReady(() => o.isReady(o.port), stillRunning, READY_WITHIN_MS, late);
    pid = (await docker.inspect()).State.Pid;
    // resolves when the container ends; one that we ended has `running` false already
    docker.wait().then(
      () => {
        if (!running) return;
        running = false;
        for (const callback of callbacks) callback();
      },
      () => undefined, // the engine itself has gone
    );
  };
  const whileRunning = async (act: () => Promise<unknown>) => {
    if (!running) return;
    running = false;
    await act();
  };
  await ready();
  return {
    name: o.name,
    url: o.url,
    port: o.port,
    pid() {
      if (!running) throw new Error(`${o.name} is not running`);
      return pid;
    },
    stop: () => whileRunning(() => docker.stop({ t: STOP_WITHIN_SECONDS })),
    kill: () =>
      whileRunning(async () => {
        const gone = docker.wait();
        await docker.kill();
        await gone;
      }),
    // the engine freezes the whole container
    pause: async () => {
      await docker.pause();
    },
    resume: async () => {
      await docker.unpause();
    },
    async start() {
      running = true;
      await docker.start();
      await ready();
    },
    onExit(callback) {
      callbacks.push(callback);
    },
  };
};

export const startPostgresContainer = async (o: PostgresOptions): Promise<Server> => {
  const port = await freePort(o.port);
  return run({
    name: "postgres",
    image: "postgres:18.4-alpine",
    port,
    innerPort: 5432,
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    environment: { POSTGRES_HOST_AUTH_METHOD: "trust", POSTGRES_INITDB_ARGS: INITDB_OPTIONS.join(" ") },
    command: ["postgres", ...postgresArguments({ ...postgresSettings(o.durable ?? true), ...o.settings })],
    isReady: postgresIsReady,
  });
};

export const startRedisContainer = async (o: RedisOptions): Promise<Server> => {
  const port = await freePort(o.port);
  return run({
    name: o.name,
    image: "redis:7.4.7-alpine",
    port,
    innerPort: 6379,
    url: `redis://127.0.0.1:${port}`,
    ...(o.env && { environment: o.env }),
    command: ["redis-server", ...redisArguments({ ...redisSettings(o.role), ...o.settings })],
    isReady: redisIsReady,
  });
};

export const startKafkaContainer = async (o: KafkaOptions): Promise<Server> => {
  const port = await freePort(o.port);
  const settings = {
    ...kafkaSettings({ host: "0.0.0.0", port, node: { id: 1, controllerPort: 9093 } }),
    "log.dirs": "/var/lib/kafka/data",
    ...o.settings,
  };
  const variable = (name: string) => `KAFKA_${name.toUpperCase().replaceAll(".", "_")}`;
  const environment = Object.entries(settings).map(([name, value]) => [variable(name), value]);
  return run({
    name: "kafka",
    image: "apache/kafka:4.3.0",
    port,
    innerPort: port, // clients come back to the advertised port, and the broker itself does too
    url: `127.0.0.1:${port}`,
    environment: { CLUSTER_ID: KAFKA_CLUSTER_ID, ...Object.fromEntries(environment) },
    isReady: kafkaIsReady,
  });
};
