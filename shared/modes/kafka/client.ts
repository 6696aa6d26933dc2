/** kafkajs, with what it needs to be trusted: bounded retries, our log, and one repair. */
import { createRequire } from "node:module";
import { Kafka, type LogEntry, logLevel, type RetryOptions } from "kafkajs";
import type { Log } from "../../ports.ts";

/** A request that got no answer in this time is given up; its effect is unknown. */
export const REQUEST_TIMEOUT_MS = 1_300;
const CONNECT_TIMEOUT_MS = 1_000;

/**
 * For what a client waits on: decided within 2 s. kafkajs would otherwise go on for half a minute.
 */
export const BOUNDED_RETRY: RetryOptions = { retries: 2, initialRetryTime: 50, maxRetryTime: 200 };

export const openKafka = (brokers: string, clientId: string, log: Log, retry: RetryOptions): Kafka => {
  stopIdleSpin();
  return new Kafka({
    clientId,
    brokers: brokers.split(",").map((broker) => broker.trim()),
    connectionTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    retry,
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => tell(log, entry),
  });
};

/** kafkajs calls every retry an error; what matters is told by those who call it. */
const tell = (log: Log, { label, log: { message, ...fields } }: LogEntry): void => {
  const { error, groupId, broker } = fields as Record<string, unknown>;
  log.warn({ mode: "v3", label, error, groupId, broker }, `kafkajs: ${message}`);
};

type RequestQueue = { pending: readonly unknown[]; scheduleCheckPendingRequests(): void };

let repaired = false;

/**
 * kafkajs 2.2.4 re-arms its throttle timer with a negative delay for ever, also when nothing waits: about 700
 * wake-ups a second and 6 % of a core per idle connection. Without pending requests there is nothing to check;
 * whoever adds one schedules anew.
 */
const stopIdleSpin = (): void => {
  if (repaired) return;
  repaired = true;
  const load = createRequire(import.meta.url);
  const { prototype } = load("kafkajs/src/network/requestQueue/index.js") as { prototype: RequestQueue };
  const schedule = prototype.scheduleCheckPendingRequests;
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.pending.length > 0) schedule.call(this);
  };
};
