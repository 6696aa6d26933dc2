import { type Static, Type } from "typebox";
import { HOUR_MS } from "../../domain/time.ts";
import type { Mode } from "../../ports.ts";
import { checkConnection } from "./connection.ts";
import { openKafkaIntake } from "./intake.ts";
import { openKafkaSource } from "./source.ts";

/** Without users, which SASL has settings for; an IPv6 address in brackets. */
const BROKER = "(\\[[0-9a-fA-F:.]+\\]|[^,/@:\\[\\]\\s]+):\\d{1,5}";
const TLS_BROKER = `kafka\\+ssl://${BROKER}`;

export const kafkaKnobs = Type.Object({
  kafkaBrokers: Type.String({
    // all by TLS or none: an unencrypted one would expose what the others protect
    pattern: `^${BROKER}(\\s*,\\s*${BROKER})*$|^${TLS_BROKER}(\\s*,\\s*${TLS_BROKER})*$`,
    expects:
      "host:port of one or more brokers, separated by commas, an IPv6 address in brackets, for TLS each as " +
      "kafka+ssl://host:port or with KAFKA_TLS=true, the user in KAFKA_USERNAME",
    description:
      "host:port of one or more brokers, separated by commas; each as kafka+ssl://host:port for TLS",
  }),
  kafkaTls: Type.Boolean({
    default: false,
    description: "TLS to every broker, as kafka+ssl:// before each address says too",
  }),
  kafkaCaFile: Type.String({
    default: "",
    description: "a PEM file with the only authorities trusted for Kafka; empty trusts those of Node",
  }),
  kafkaCertFile: Type.String({
    default: "",
    description: "a PEM file with the client's certificate, where brokers expect one",
  }),
  kafkaKeyFile: Type.String({
    default: "",
    description: "a PEM file with the unencrypted key of KAFKA_CERT_FILE",
  }),
  kafkaSaslMechanism: Type.Union(
    [
      Type.Literal("none"),
      Type.Literal("PLAIN"),
      Type.Literal("SCRAM-SHA-256"),
      Type.Literal("SCRAM-SHA-512"),
    ],
    { default: "none", description: "how the brokers authenticate the user; use PLAIN with TLS only" },
  ),
  kafkaUsername: Type.String({ default: "", description: "the user, or the key of a managed service" }),
  kafkaPassword: Type.String({
    default: "",
    isSecret: true,
    description: "the user's password, or in a file that KAFKA_PASSWORD_FILE names",
  }),
  v3Topic: Type.String({
    default: "coffee-orders",
    pattern: "^[a-zA-Z0-9._-]{1,249}$",
    expects: "a topic's name of 1 to 249 letters, digits or . _ -",
    description: "the topic of the orders",
  }),
  v3Group: Type.String({ default: "counters", minLength: 1, description: "the consumer group that counts" }),
  v3Partitions: Type.Integer({
    default: 6,
    minimum: 1,
    maximum: 1_000,
    description: "partitions of the topic when it is created: at most this many workers share the work",
  }),
  v3Replicas: Type.Integer({
    default: 1,
    minimum: 1,
    maximum: 9,
    description: "replicas of the topic when it is created",
  }),
  v3RetentionHours: Type.Integer({
    default: 168,
    minimum: 1,
    maximum: 8_760,
    description: "how long the topic keeps orders, set when it is created",
  }),
  v3Acks: Type.Union([Type.Literal(-1), Type.Literal(1)], {
    default: -1,
    description:
      "-1 replies when all in-sync replicas have the order, 1 when the leader has it (for experiments)",
  }),
  v3GroupMaxOrders: Type.Integer({
    default: 500,
    minimum: 1,
    maximum: 2_000,
    description:
      "orders in one produce request, which must stay under the broker's message.max.bytes of 1 MB",
  }),
  v3LingerMs: Type.Integer({
    default: 2,
    minimum: 0,
    maximum: 1_000,
    description: "how long an order waits for others while no produce request is in flight",
  }),
  v3MaxWritesInFlight: Type.Integer({
    default: 3,
    minimum: 1,
    maximum: 100,
    description: "produce requests in flight at a time",
  }),
  v3MaxQueuedOrders: Type.Integer({
    default: 10_000,
    minimum: 1,
    maximum: 1_000_000,
    description: "orders queued for a produce request; more are answered 503",
  }),
  v3BatchMaxOrders: Type.Integer({
    default: 5_000,
    minimum: 1,
    maximum: 100_000,
    description: "orders counted in one statement",
  }),
  v3GatherMs: Type.Integer({
    default: 50,
    minimum: 0,
    maximum: 1_000,
    description:
      "time between two fetches while there is no backlog: orders accumulate, and each statement counts more",
  }),
  v3PartitionsAtOnce: Type.Integer({
    // two keep PostgreSQL on two cores busy; the third is counted while the next records are fetched and decoded
    default: 3,
    minimum: 1,
    maximum: 100,
    description: "partitions a worker counts at a time",
  }),
  v3SessionTimeoutMs: Type.Integer({
    default: 10_000,
    minimum: 1_000,
    maximum: 300_000,
    description: "a worker that died is replaced after this time",
  }),
});

export type KafkaSettings = Static<typeof kafkaKnobs>;

/** v3: orders go into a Kafka topic; workers of a consumer group count them. */
export const kafka: Mode = {
  name: "v3",
  title: "Kafka",
  backend: "kafka",
  accepts: "queued",
  knobs: kafkaKnobs,
  check: (settings) => checkConnection(settings as KafkaSettings),
  durability: (settings) =>
    settings["v3Acks"] === 1
      ? "202: acknowledged by the partition's leader only (acks=1)"
      : "202: acknowledged by all in-sync replicas (acks=-1); on one broker this survives kill -9, not power loss",
  keeps: {
    knob: "v3RetentionHours",
    ms: (settings) => (settings as KafkaSettings).v3RetentionHours * HOUR_MS,
  },
  openIntake: (settings, log, failed) => openKafkaIntake(settings as KafkaSettings, log, failed),
  openSource: (settings, log) => openKafkaSource(settings as KafkaSettings, log),
};
