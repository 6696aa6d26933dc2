import type { ICustomPartitioner, Producer } from "kafkajs";
import type { Order } from "../../domain/order.ts";
import { type Backlog, type Intake, type Log, type Receipt, Unavailable } from "../../ports.ts";
import { WrongSetting } from "../../runtime/config.ts";
import { atMost } from "../../runtime/lifecycle.ts";
import { encodeOrder } from "../../wire/order-message.ts";
import { groupWrites } from "../group.ts";
import { DECISION_MS, STALE_MS } from "../queue.ts";
import {
  DISCONNECT_MS,
  openKafka,
  openKafkaOutage,
  REQUEST_TIMEOUT_MS,
  untilKafkaAnswers,
} from "./client.ts";
import { warnOfPlainPassword } from "./connection.ts";
import type { KafkaSettings } from "./mode.ts";
import { ensureTopic, openBacklog, openTopicCheck, type TopicFacts, warnOfRetention } from "./topic.ts";
import { isMissingRight, kafkaMessageOf } from "./wrong-setting.ts";

const QUEUED: Receipt = { replayed: false };

/**
 * v3: one record per order, under its id.
 *
 * Never `idempotent: true`: after a timeout kafkajs reuses the sequence number for other records, which the
 * broker then takes for duplicates and drops, acknowledged. Duplicates are found by order id instead.
 */
export const openKafkaIntake = (
  settings: KafkaSettings,
  log: Log,
  failed: (error: Error) => void = () => undefined,
): Intake => {
  warnOfPlainPassword(settings, log);
  const kafka = openKafka(settings, "coffee-v3-intake", log, "prompt");
  const producer = kafka.producer({
    idempotent: false,
    allowAutoTopicCreation: false,
    createPartitioner: partitionInTurn,
  });
  const admin = kafka.admin();
  const turns = openTurns();
  const closing = new AbortController();
  const backlog = openBacklog(admin, settings, log);
  const topic = openTopicCheck(admin, settings, log);
  let connected = false;
  let problem = "";
  const unavailable = (): Unavailable => new Unavailable("backend_away", problem || topic.problem());
  const connect = async (): Promise<void> => {
    try {
      await ensureTopic(settings, log);
      await Promise.all([admin.connect(), producer.connect()]);
      const [read, lag] = await Promise.allSettled([topic.verify(), backlog()]);
      // what else fails is verified again within a second
      for (const result of [read, lag])
        if (result.status === "rejected" && isMissingRight(result.reason)) throw result.reason;
      problem = "";
      connected = true;
      if (read.status === "fulfilled") warnOfRetention(read.value, settings, log);
    } catch (error) {
      problem = kafkaMessageOf(error, settings);
      throw error;
    }
  };
  const verify = (): Promise<TopicFacts> => (connected ? topic.verify() : Promise.reject(unavailable()));
  const connecting = untilKafkaAnswers(connect, {
    signal: closing.signal,
    outage: openKafkaOutage(log),
    connection: settings,
    isFirst: () => !connected,
  });
  connecting.catch((error: unknown) => {
    // otherwise it was closed first, and `close` handles that
    if (!(error instanceof WrongSetting)) return;
    problem = error.message;
    failed(error);
  });
  const group = groupWrites<Order, Receipt>(
    {
      maxItems: settings.v3GroupMaxOrders,
      maxInFlight: settings.v3MaxWritesInFlight,
      maxQueued: settings.v3MaxQueuedOrders,
      lingerMs: settings.v3LingerMs,
      staleMs: STALE_MS,
      deadlineMs: DECISION_MS,
    },
    (orders) => (topic.facts() ? produce(producer, turns, settings, orders) : Promise.reject(unavailable())),
  );
  return {
    accept: group.add,
    isFull: group.isFull,
    backlog: async (): Promise<Backlog> => {
      // the settings of a topic can be changed
      const { keptMs } = await verify();
      return { ...(await backlog()), keptMs };
    },
    probe: async () => {
      await verify();
    },
    verified: () => topic.facts()?.verified ?? null,
    close: async () => {
      closing.abort();
      await group.close();
      await atMost(connecting, DISCONNECT_MS);
      await atMost(Promise.all([producer.disconnect(), admin.disconnect()]), DISCONNECT_MS);
    },
  };
};

const produce = async (
  producer: Producer,
  turns: Turns,
  settings: KafkaSettings,
  orders: readonly Order[],
): Promise<Receipt[]> => {
  const values = orders.map(encodeOrder);
  const partition = turns.take(values.reduce((sum, value) => sum + value.length, 0));
  try {
    const answers = await producer.send({
      topic: settings.v3Topic,
      acks: settings.v3Acks,
      timeout: REQUEST_TIMEOUT_MS,
      // no timestamp: a record's time is when it was accepted, never when it was sold, or retention would drop it
      messages: orders.map((order, index) => ({ key: order.id, value: values[index] ?? "", partition })),
    });
    if (answers.length !== 1) throw new Error(`expected an answer of one partition, got ${answers.length}`);
    return orders.map(() => QUEUED);
  } catch (error) {
    turns.pass();
    throw new Unavailable("outcome_unknown", `Kafka: ${kafkaMessageOf(error, settings)}`, error);
  }
};

/** The default of Kafka's own producer (batch.size). */
const STICKY_BYTES = 16_384;
/**
 * Twice the 50 ms between two fetches of a worker: a fetch then finds orders in one or two partitions and counts them in
 * as many statements, instead of one for each of six. At 6 690 orders/s freshness p99 was 185 ms, and 275 ms with the
 * limit of bytes alone; PostgreSQL used 0.137 cores, and 0.222.
 */
const STICKY_MS = 100;

export type Turns = {
  /** The partition for a write of this many bytes. */
  take(bytes: number): number;
  /** The write failed: its partition may have no leader now. Moves on to the next one. */
  pass(): void;
};

/**
 * Writes go to one partition for some kilobytes and some time, and then to the next (KIP-794): a write becomes one batch
 * of records instead of a small one in each partition, which would cost producer, broker and workers a good part of
 * their time. The partition of an order does not matter: each counts once by its id.
 *
 * @param nowMs a monotonic clock
 */
export const openTurns = (nowMs: () => number = () => performance.now()): Turns => {
  let turn = 0;
  let filled = 0;
  let beganAt = nowMs();
  const next = (): void => {
    turn++;
    filled = 0;
    beganAt = nowMs();
  };
  return {
    take: (bytes) => {
      if (filled >= STICKY_BYTES && nowMs() - beganAt >= STICKY_MS) next();
      filled += bytes;
      return turn;
    },
    pass: next,
  };
};

/**
 * Maps the `partition` of a message to a real partition. All messages of a send must have the same one: when kafkajs
 * 2.2.4 retries, it skips every broker that has answered before, and messages that it then assigns to that broker are
 * lost, acknowledged. With one partition there is one broker, and a retry repeats the whole send or nothing.
 */
export const partitionInTurn: ICustomPartitioner =
  () =>
  ({ partitionMetadata, message }) =>
    partitionMetadata[(message.partition ?? 0) % partitionMetadata.length]?.partitionId ?? 0;
