// What the servers are set to, wherever they run: as processes of this machine or in containers.

export type Settings = Record<string, string>;

/** Every process of a start and every test file holds pools of its own. */
const MAX_CONNECTIONS = "200";

/**
 * durable: false, for tests, survives kill -9 of PostgreSQL but not the machine's. synchronous_commit stays on: without
 * it a commit is answered while it is still in PostgreSQL's own memory, and kill -9 loses it.
 */
export const postgresSettings = (durable: boolean): Settings => ({
  max_connections: MAX_CONNECTIONS,
  timezone: "UTC",
  log_timezone: "UTC",
  ...(durable ? {} : { fsync: "off", full_page_writes: "off" }),
});

export const postgresArguments = (settings: Settings) =>
  Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);

/** What initdb is asked for; the same order of text on every machine. */
export const INITDB_OPTIONS = [
  "--username=postgres",
  "--auth=trust",
  "--encoding=UTF8",
  "--locale=C",
  "--locale-provider=builtin",
  "--builtin-locale=C.UTF-8",
];

export type RedisRole = "board" | "stream";

/**
 * The stream holds acknowledged orders: on disk before the reply, even while the log is rewritten, and full means a
 * refusal rather than an eviction. The board is a picture that can be rebuilt; BullMQ too asks for noeviction.
 */
export const redisSettings = (role: RedisRole): Settings => ({
  save: "",
  "maxmemory-policy": "noeviction",
  ...(role === "board"
    ? { appendonly: "no" }
    : {
        appendonly: "yes",
        appendfsync: "always",
        "no-appendfsync-on-rewrite": "no",
        maxmemory: "1gb",
      }),
});

export const redisArguments = (settings: Settings) =>
  Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);

/** Any valid one: a single node meets no other cluster. */
export const KAFKA_CLUSTER_ID = "Y29mZmVlLXJ0LWxvY2FsMA";
const CONTROLLER_ID = 1;

/** A listener: clients that come by `port` are sent to `advertisedPort`, where something in between may stand. */
export type KafkaListener = {
  name: string;
  port: number;
  advertisedPort: number;
  /** 127.0.0.1 without; an IPv6 address in brackets. */
  host?: string;
  /** PLAINTEXT without. */
  protocol?: "PLAINTEXT" | "SSL" | "SASL_PLAINTEXT" | "SASL_SSL";
};

const LOOPBACK = "127.0.0.1";

/** One of several brokers. Number 1 is their controller too, on this port. */
export type KafkaNode = { id: number; controllerPort: number };

/** `host` is where the broker listens; clients always get 127.0.0.1. */
type KafkaAddresses = { host: string; port: number; node: KafkaNode; listeners?: readonly KafkaListener[] };

export const kafkaSettings = ({ host, port, node, listeners = [] }: KafkaAddresses): Settings => ({
  "process.roles": node.id === CONTROLLER_ID ? "broker,controller" : "broker",
  "node.id": String(node.id),
  listeners: [
    `BROKER://${host}:${port}`,
    ...(node.id === CONTROLLER_ID ? [`CONTROLLER://127.0.0.1:${node.controllerPort}`] : []),
    ...listeners.map(({ name, host = LOOPBACK, port }) => `${name}://${host}:${port}`),
  ].join(","),
  "advertised.listeners": [
    `BROKER://127.0.0.1:${port}`,
    ...listeners.map(({ name, host = LOOPBACK, advertisedPort }) => `${name}://${host}:${advertisedPort}`),
  ].join(","),
  "inter.broker.listener.name": "BROKER",
  "controller.listener.names": "CONTROLLER",
  "listener.security.protocol.map": [{ name: "BROKER" }, { name: "CONTROLLER" }, ...listeners]
    .map(({ name, protocol = "PLAINTEXT" }: Partial<KafkaListener>) => `${name}:${protocol}`)
    .join(","),
  // a static quorum: with a dynamic one the first start's port is written into the data for ever
  "controller.quorum.voters": `${CONTROLLER_ID}@127.0.0.1:${node.controllerPort}`,
  "auto.create.topics.enable": "false",
  "offsets.topic.replication.factor": "1",
  "offsets.topic.num.partitions": "1", // a handful of groups; the default of 50 takes seconds to make
  "transaction.state.log.replication.factor": "1",
  "transaction.state.log.min.isr": "1",
  "transaction.state.log.num.partitions": "1",
  // A broker that was killed is let in again only when its earlier session is over: 9 s by default, and a restart took
  // 12.4 s with it, 5.3 s with this.
  "broker.session.timeout.ms": "3000",
  "broker.heartbeat.interval.ms": "500",
  "group.initial.rebalance.delay.ms": "0",
  "group.min.session.timeout.ms": "1000", // lets a test notice a dead worker quickly
});
