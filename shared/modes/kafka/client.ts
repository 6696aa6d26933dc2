/** kafkajs, with what it needs to be trusted: bounded retries, our log, and two repairs. */
import { createRequire } from "node:module";
import type { Socket } from "node:net";
import { Kafka, type LogEntry, logLevel } from "kafkajs";
import type { Log } from "../../ports.ts";
import { type OutageLog, openOutageLog } from "../../runtime/outage-log.ts";
import { retrying } from "../../runtime/retry.ts";

/** A request that got no answer in this time is given up; its effect is unknown. */
export const REQUEST_TIMEOUT_MS = 1_300;

/** A broker that hangs does not hold up a stop. */
export const DISCONNECT_MS = 2_000;

/**
 * `prompt` is for what a client of ours waits on: decided within 2 s, where kafkajs would go on for half a minute.
 * `patient` is for what runs in the background and only has to succeed.
 */
const MANNERS = {
  prompt: {
    connectionTimeout: 1_000,
    requestTimeout: REQUEST_TIMEOUT_MS,
    retry: { retries: 2, initialRetryTime: 50, maxRetryTime: 200 },
  },
  patient: {
    connectionTimeout: 5_000,
    // of what is no long wait by itself, as a rebalance is
    requestTimeout: 8_000,
    retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 2_000, restartOnFailure: async () => true },
  },
} as const;

export const openKafka = (
  brokers: string,
  clientId: string,
  log: Log,
  manner: keyof typeof MANNERS,
): Kafka => {
  repair();
  return new Kafka({
    clientId,
    ...addressesIn(brokers),
    ...MANNERS[manner],
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => tell(log, entry),
  });
};

const TLS = "kafka+ssl://";

/** KAFKA_BROKERS as kafkajs wants it. A certificate authority of one's own comes by Node's NODE_EXTRA_CA_CERTS. */
export const addressesIn = (text: string): { brokers: string[]; ssl: boolean } => {
  const given = text
    .split(",")
    .map((broker) => broker.trim())
    .filter((broker) => broker !== "");
  return {
    brokers: given.map((broker) => broker.replace(TLS, "")),
    ssl: given.some((broker) => broker.startsWith(TLS)),
  };
};

/** A broker that has just started refuses once or twice. */
export const openKafkaOutage = (log: Log): OutageLog =>
  openOutageLog(log, {
    failing: "Kafka unreachable, retrying",
    recovered: "Kafka reachable again",
    fields: { mode: "v3" },
    tolerated: 2,
  });

/** Does `attempt` until Kafka lets it succeed; rejects only when `signal` aborts. */
export const untilKafkaAnswers = async (
  attempt: () => Promise<void>,
  signal: AbortSignal,
  outage: OutageLog,
): Promise<void> => {
  const onRetry = (error: unknown): void => outage.failed(error);
  await retrying(attempt, { signal, isRetryable: () => true, onRetry });
  outage.succeeded();
};

/** kafkajs calls every retry an error. What matters is told by those who call it; this is for a closer look. */
const tell = (log: Log, { label, log: { message, ...fields } }: LogEntry): void => {
  const { error, groupId, broker } = fields as Record<string, unknown>;
  log.info({ mode: "v3", label, error, groupId, broker }, `kafkajs: ${message}`);
};

type RequestQueue = { pending: readonly unknown[]; scheduleCheckPendingRequests(): void };
type Connection = { readonly socket: Socket; send(request: unknown): Promise<unknown> };

let repaired = false;

const repair = (): void => {
  if (repaired) return;
  repaired = true;
  const load = createRequire(import.meta.url);
  stopIdleSpin((load("kafkajs/src/network/requestQueue/index.js") as { prototype: RequestQueue }).prototype);
  leaveSilence((load("kafkajs/src/network/connection.js") as { prototype: Connection }).prototype);
};

/**
 * kafkajs 2.2.4 re-arms its throttle timer with a negative delay for ever, also when nothing waits: about 700
 * wake-ups a second and 6 % of a core per idle connection. Without pending requests there is nothing to check;
 * whoever adds one schedules anew.
 */
const stopIdleSpin = (prototype: RequestQueue): void => {
  const schedule = prototype.scheduleCheckPendingRequests;
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.pending.length > 0) schedule.call(this);
  };
};

/**
 * kafkajs keeps a connection on which a request was not answered in time, and sends the next ones into it: what lies
 * between may have forgotten it without a word, and the system would go on trying for a quarter of an hour. Kafka's own
 * client closes such a connection.
 */
const leaveSilence = (prototype: Connection): void => {
  const { send } = prototype;
  prototype.send = async function (this: Connection, request: unknown) {
    try {
      return await send.call(this, request);
    } catch (error) {
      if (error instanceof Error && error.name === "KafkaJSRequestTimeoutError") this.socket.destroy(error);
      throw error;
    }
  };
};
