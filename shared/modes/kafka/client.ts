/** kafkajs with bounded retries, our log, and three bugs fixed. */
import { createRequire } from "node:module";
import type { Socket } from "node:net";
import { Kafka, type LogEntry, logLevel } from "kafkajs";
import type { Log } from "../../ports.ts";
import { WrongSetting } from "../../runtime/config.ts";
import { type OutageLog, openOutageLog } from "../../runtime/outage-log.ts";
import { retrying } from "../../runtime/retry.ts";
import { configOf, type KafkaConnection } from "./connection.ts";
import { isMissingRight, wrongSettingIn } from "./wrong-setting.ts";

/** A request without an answer for this long is abandoned; its effect is unknown. */
export const REQUEST_TIMEOUT_MS = 1_300;

/** A broker that hangs does not delay a stop for longer. */
export const DISCONNECT_MS = 2_000;

/**
 * `prompt` is for requests that a client waits for: decided within 2 s, where kafkajs would retry for half a minute.
 * `patient` is for background work, which only has to succeed.
 */
const RETRIES = {
  prompt: {
    connectionTimeout: 1_000,
    requestTimeout: REQUEST_TIMEOUT_MS,
    retry: { retries: 2, initialRetryTime: 50, maxRetryTime: 200 },
  },
  patient: {
    connectionTimeout: 5_000,
    // for requests that do not wait long by design, as a rebalance does
    requestTimeout: 8_000,
    retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 2_000, restartOnFailure: async () => true },
  },
} as const;

export const openKafka = (
  connection: KafkaConnection,
  clientId: string,
  log: Log,
  retries: keyof typeof RETRIES,
): Kafka => {
  repair();
  return new Kafka({
    clientId,
    ...configOf(connection),
    ...RETRIES[retries],
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => logEntry(log, entry),
  });
};

/** A broker that has just started rejects once or twice. */
export const openKafkaOutage = (log: Log): OutageLog =>
  openOutageLog(log, {
    failing: "Kafka unreachable, retrying",
    recovered: "Kafka reachable again",
    fields: { mode: "v3" },
    tolerated: 2,
  });

export type Answering = {
  readonly signal: AbortSignal;
  readonly outage: OutageLog;
  readonly connection: KafkaConnection;
  /** True until the settings have once been right: a later refusal is an outage, as while rights are reloaded. */
  readonly isFirst: () => boolean;
};

/** Repeats `attempt` until Kafka lets it succeed; rejects when `signal` aborts, or with `WrongSetting` at the start. */
export const untilKafkaAnswers = async (
  attempt: () => Promise<void>,
  { signal, outage, connection, isFirst }: Answering,
): Promise<void> => {
  const diagnosed = async (): Promise<void> => {
    try {
      await attempt();
    } catch (error) {
      if (signal.aborted || !isFirst()) throw error;
      throw (await wrongSettingIn(error, connection)) ?? error;
    }
  };
  const onRetry = (error: unknown): void => outage.failed(error);
  const isRetryable = (error: unknown): boolean => !(error instanceof WrongSetting);
  await retrying(diagnosed, { signal, isRetryable, onRetry });
  outage.succeeded();
};

/** kafkajs calls every retry an error. The callers log what matters; this is for debugging. */
const logEntry = (log: Log, { label, log: { message, ...fields } }: LogEntry): void => {
  const { error, groupId, broker } = fields as Record<string, unknown>;
  log.info({ mode: "v3", label, error, groupId, broker }, `kafkajs: ${message}`);
};

type BrokerPool = { withBroker(callback: (broker: unknown) => Promise<unknown>): Promise<unknown> };
type RequestQueue = { pending: readonly unknown[]; scheduleCheckPendingRequests(): void };
type Connection = { readonly socket: Socket; send(request: unknown): Promise<unknown> };

let repaired = false;

const repair = (): void => {
  if (repaired) return;
  repaired = true;
  const load = createRequire(import.meta.url);
  stopIdleSpin((load("kafkajs/src/network/requestQueue/index.js") as { prototype: RequestQueue }).prototype);
  keepRefusals((load("kafkajs/src/cluster/brokerPool.js") as { prototype: BrokerPool }).prototype);
  closeSilentConnections((load("kafkajs/src/network/connection.js") as { prototype: Connection }).prototype);
};

/**
 * kafkajs 2.2.4 re-arms its throttle timer with a negative delay for ever, also when no request waits: about 700
 * wake-ups a second and 6 % of a core per idle connection. Without pending requests there is nothing to check, and
 * adding a request schedules the next check.
 */
const stopIdleSpin = (prototype: RequestQueue): void => {
  const schedule = prototype.scheduleCheckPendingRequests;
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.pending.length > 0) schedule.call(this);
  };
};

/**
 * kafkajs asks each broker for a group's coordinator and drops why it was refused: a missing right looked like a
 * coordinator that is not there.
 */
const keepRefusals = (prototype: BrokerPool): void => {
  const { withBroker } = prototype;
  prototype.withBroker = async function (this: BrokerPool, callback) {
    let refusal: unknown;
    const result = await withBroker.call(this, async (broker) => {
      try {
        return await callback(broker);
      } catch (error) {
        refusal = error;
        throw error;
      }
    });
    if (result === null && isMissingRight(refusal)) throw refusal;
    return result;
  };
};

/**
 * kafkajs keeps a connection on which a request timed out, and sends the next requests into it. A network device may
 * have dropped the connection silently, and the operating system would retransmit for a quarter of an hour. Kafka's own
 * client closes such a connection.
 */
const closeSilentConnections = (prototype: Connection): void => {
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
