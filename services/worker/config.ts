import { type Static, Type } from "typebox";
import { boardRedisUrlKnob, databaseUrlKnob, logLevelKnob } from "#shared/runtime/config.ts";
import { retentionKnobs } from "#shared/store/retention.ts";

export const workerKnobs = Type.Object({
  mode: Type.String({ description: "the ingest mode this worker counts: v1, v2 or v3" }),
  databaseUrl: databaseUrlKnob,
  boardRedisUrl: boardRedisUrlKnob,
  host: Type.String({ default: "127.0.0.1", description: "the address that /metrics listens on" }),
  metricsPort: Type.Integer({
    default: 9464,
    minimum: 0,
    maximum: 65_535,
    description: "the port of /metrics; 0 is any",
  }),
  databaseConnections: Type.Integer({
    default: 4,
    minimum: 2,
    maximum: 100,
    description: "connections to PostgreSQL: up to three count, one publishes",
  }),
  statementTimeoutMs: Type.Integer({
    default: 30_000,
    minimum: 100,
    maximum: 600_000,
    description:
      "how long one batch may take in PostgreSQL before it is retried; counting stops for this long if a connection is broken",
  }),
  publishEveryMs: Type.Integer({
    default: 100,
    minimum: 10,
    maximum: 60_000,
    description: "after a change the board is published within this time",
  }),
  refreshEveryMs: Type.Integer({
    default: 1_000,
    minimum: 100,
    maximum: 60_000,
    description:
      "without a change the board is published this often: restores a flushed Redis, keeps times current",
  }),
  reconcileEveryMs: Type.Integer({
    default: 60_000,
    minimum: 0,
    maximum: 86_400_000,
    description:
      "this often two hours of the rollups are compared with their orders, for /metrics; 0 is never",
  }),
  pinnedStores: Type.String({
    default: "",
    description: "stores that are always on the board, separated by commas",
  }),
  poisonStopOrders: Type.Integer({
    default: 20,
    minimum: 2,
    maximum: 100_000,
    description:
      "when this many orders in a row all fail alike, the worker stops instead of storing them all as dead letters",
  }),
  ...retentionKnobs.properties,
  logLevel: logLevelKnob("info"),
  stopDeadlineMs: Type.Integer({
    default: 15_000,
    minimum: 100,
    maximum: 300_000,
    description: "from SIGTERM to the end",
  }),
});

export type WorkerSettings = Static<typeof workerKnobs>;
