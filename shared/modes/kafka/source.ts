import type { EachBatchPayload, Kafka, KafkaMessage } from "kafkajs";
import type { Count, Log, Source } from "../../ports.ts";
import { atMost } from "../../runtime/lifecycle.ts";
import { pause } from "../../runtime/retry.ts";
import { openKafka, openKafkaOutage, untilKafkaAnswers } from "./client.ts";
import { warnOfPlainPassword } from "./connection.ts";
import type { KafkaSettings } from "./mode.ts";
import { ensureTopic } from "./topic.ts";
import { isMissingRight } from "./wrong-setting.ts";

/** How long the broker may delay a fetch that has no records yet. */
const FETCH_WAIT_MS = 500;
const LEAVE_MS = 5_000;
/** While a batch is counted the group needs heartbeats, or it reassigns our partitions. */
const HEARTBEAT_MS = 1_000;

/**
 * v3's worker: a member of the consumer group. Part and shard are the partition.
 *
 * kafkajs stops for good on some temporary errors (a cluster that is still electing its coordinator). A new consumer
 * then takes over; only an error of `count` ends the run.
 */
export const openKafkaSource = (settings: KafkaSettings, log: Log): Source => {
  warnOfPlainPassword(settings, log);
  const kafka = openKafka(settings, "coffee-v3-worker", log, "patient");
  let hasFetched = false;
  const onFetch = (): void => {
    hasFetched = true;
  };
  const run = async (count: Count, signal: AbortSignal): Promise<void> => {
    const refusal: Refusal = { error: null };
    const outage = openKafkaOutage(log);
    const countOrRefuse: Count = (delivery) =>
      count(delivery).catch((error: unknown) => {
        refusal.error = { cause: error };
        throw error;
      });
    const attempt = async (): Promise<void> => {
      try {
        const events = { onRunning: outage.succeeded, onFetch };
        await consume({ kafka, settings, count: countOrRefuse, log, ...events }, signal);
      } catch (error) {
        if (refusal.error) return;
        throw error;
      }
    };
    try {
      const isFirst = (): boolean => !hasFetched;
      await untilKafkaAnswers(attempt, { signal, outage, connection: settings, isFirst });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    if (refusal.error && !signal.aborted) throw refusal.error.cause;
  };
  return { run, close: async () => undefined };
};

type Refusal = { error: { readonly cause: unknown } | null };

type Consuming = {
  readonly kafka: Kafka;
  readonly settings: KafkaSettings;
  readonly count: Count;
  readonly log: Log;
  /** Called when the consumer has joined its group. */
  readonly onRunning: () => void;
  /** Called after each fetch: the settings and the rights are sufficient. */
  readonly onFetch: () => void;
};

/** The lifetime of one consumer: until `signal` aborts, or it or `count` fails. */
const consume = async (
  { kafka, settings, count, log, onRunning, onFetch }: Consuming,
  signal: AbortSignal,
): Promise<void> => {
  await ensureTopic(settings, log);
  const consumer = kafka.consumer({
    groupId: settings.v3Group,
    sessionTimeout: settings.v3SessionTimeoutMs,
    heartbeatInterval: Math.min(HEARTBEAT_MS, settings.v3SessionTimeoutMs / 3),
    maxWaitTimeInMs: FETCH_WAIT_MS,
    allowAutoTopicCreation: false,
  });
  const over = Promise.withResolvers<void>();
  // it may reject before it is awaited
  over.promise.catch(() => undefined);
  const onAbort = (): void => over.resolve();
  signal.addEventListener("abort", onAbort, { once: true });
  let gatheredAt = 0;
  consumer.on(consumer.events.FETCH, () => {
    gatheredAt = performance.now() + settings.v3GatherMs;
    onFetch();
  });
  consumer.on(consumer.events.GROUP_JOIN, onRunning);
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    // kafkajs would restart for ever without a word
    if (!payload.restart || isMissingRight(payload.error)) over.reject(payload.error);
  });
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [settings.v3Topic], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: settings.v3PartitionsAtOnce,
      eachBatch: async (payload) => {
        await countBatch(payload, settings.v3BatchMaxOrders, count, signal, over.reject);
        // the next fetch starts when all partitions of this one are done: until then orders accumulate, because a
        // statement of few orders costs nearly as much as one of many
        if (isCaughtUp(payload)) await pause(gatheredAt - performance.now(), signal);
      },
    });
    if (!signal.aborted) await over.promise;
  } finally {
    signal.removeEventListener("abort", onAbort);
    // waits for the current batch; records that are not settled by then are redelivered
    await atMost(consumer.disconnect(), LEAVE_MS);
  }
};

/** Counts a partition's records in chunks; an offset is committed after the chunk before it is settled. */
const countBatch = async (
  payload: EachBatchPayload,
  maxOrders: number,
  count: Count,
  signal: AbortSignal,
  fail: (error: unknown) => void,
): Promise<void> => {
  const { batch, heartbeat, resolveOffset, commitOffsetsIfNecessary, uncommittedOffsets } = payload;
  for (let start = 0; start < batch.messages.length; start += maxOrders) {
    if (signal.aborted || !payload.isRunning() || payload.isStale()) return;
    const chunk = batch.messages.slice(start, start + maxOrders);
    const last = chunk.at(-1)?.offset ?? "";
    const beating = setInterval(() => heartbeat().catch(lateHeartbeat), HEARTBEAT_MS);
    try {
      await count({
        kind: "carried",
        part: batch.partition,
        position: last,
        entries: chunk.map((message) => entryOf(batch.partition, message)),
      });
    } catch (error) {
      fail(error);
      throw error;
    } finally {
      clearInterval(beating);
    }
    resolveOffset(last);
    await commitOffsetsIfNecessary(uncommittedOffsets());
    await heartbeat();
  }
};

const isCaughtUp = ({ batch }: EachBatchPayload): boolean => Number(batch.offsetLag()) <= 0;

/** The group was rebalanced: the commit after this chunk is rejected and another worker gets the chunk again. */
const lateHeartbeat = (): void => undefined;

const entryOf = (partition: number, { offset, value }: KafkaMessage) => ({
  origin: `${partition}/${offset}`,
  payload: value?.toString() ?? "",
});
