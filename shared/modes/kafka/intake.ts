import type { Admin, Producer } from "kafkajs";
import type { Order } from "../../domain/order.ts";
import { type Backlog, type Intake, type Log, type Receipt, Unavailable } from "../../ports.ts";
import { messageOf } from "../../runtime/lifecycle.ts";
import { retrying } from "../../runtime/retry.ts";
import { encodeOrder } from "../../wire/order-message.ts";
import { groupWrites } from "../group.ts";
import { DECISION_MS } from "../limits.ts";
import { BOUNDED_RETRY, openKafka, REQUEST_TIMEOUT_MS } from "./client.ts";
import type { KafkaSettings } from "./knobs.ts";
import { ensureTopic, openBacklog } from "./topic.ts";

const QUEUED: Receipt = { replayed: false };

/**
 * v3: one record per order, keyed by its id so that the partitions fill evenly.
 *
 * Never `idempotent: true`: after a timeout kafkajs reuses the sequence number for other records, which the
 * broker then takes for repetitions and drops, acknowledged. Repetitions are found by order id instead.
 */
export const openKafkaIntake = (settings: KafkaSettings, log: Log): Intake => {
  const kafka = openKafka(settings.kafkaBrokers, "coffee-v3-intake", log, BOUNDED_RETRY);
  const producer = kafka.producer({ idempotent: false, allowAutoTopicCreation: false });
  const admin = kafka.admin();
  const closing = new AbortController();
  const backlog = openBacklog(admin, settings);
  let connected = false;
  const connecting = connect(producer, admin, settings, log, closing.signal).then((done) => {
    connected = done;
  });
  const group = groupWrites<Order, Receipt>(
    {
      maxItems: settings.v3GroupMaxOrders,
      maxInFlight: settings.v3MaxWritesInFlight,
      maxQueued: settings.v3MaxQueuedOrders,
      lingerMs: settings.v3LingerMs,
      deadlineMs: DECISION_MS,
    },
    (orders) => (connected ? produce(producer, settings, orders) : Promise.reject(away())),
  );
  return {
    accept: (order) => group.add(order),
    backlog: (): Promise<Backlog> => (connected ? backlog() : Promise.reject(away())),
    close: async () => {
      closing.abort();
      await group.close();
      await connecting;
      await Promise.all([producer.disconnect(), admin.disconnect()]);
    },
  };
};

const away = (): Unavailable => new Unavailable("backend_away", "Kafka does not answer");

/** Connects and makes the topic, however long that takes; false when closed before. */
const connect = async (producer: Producer, admin: Admin, settings: KafkaSettings, log: Log, signal: AbortSignal): Promise<boolean> => {
  const attempt = async (): Promise<boolean> => {
    await admin.connect();
    await ensureTopic(admin, settings);
    await producer.connect();
    return true;
  };
  try {
    return await retrying(attempt, {
      signal,
      isRetryable: () => true,
      onRetry: (error, failures) => {
        if (failures % 20 === 1) log.warn({ mode: "v3", reason: messageOf(error) }, "Kafka does not answer; trying again");
      },
    });
  } catch (error) {
    // only an abort ends the retries
    if (signal.aborted) return false;
    throw error;
  }
};

const produce = async (producer: Producer, settings: KafkaSettings, orders: readonly Order[]): Promise<Receipt[]> => {
  try {
    await producer.send({
      topic: settings.v3Topic,
      acks: settings.v3Acks,
      timeout: REQUEST_TIMEOUT_MS,
      // no timestamp: a record's time is when it was accepted, never when it was sold, or retention would drop it
      messages: orders.map((order) => ({ key: order.id, value: encodeOrder(order) })),
    });
    return orders.map(() => QUEUED);
  } catch (error) {
    throw new Unavailable("outcome_unknown", `Kafka: ${messageOf(error)}`, error);
  }
};
