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
  const failed = new AbortController();
  const reader: Reader = {
    count,
    maxOrders: settings.v3BatchMaxOrders,
    lanes: openLanes(settings.v3PartitionsAtOnce),
    signal: AbortSignal.any([signal, failed.signal]),
    fail: (error) => {
      failed.abort();
      over.reject(error);
    },
  };
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
        await countBatch(payload, reader);
        // the next fetch starts after the last partition of this one: until then orders accumulate, because a
        // statement of few orders costs nearly as much as one of many
        if (isCaughtUp(payload)) await pause(gatheredAt - performance.now(), signal);
      },
    });
    if (!signal.aborted) await over.promise;
  } finally {
    signal.removeEventListener("abort", onAbort);
    // records that are not settled by then are redelivered
    await atMost(
      reader.lanes.empty().then(() => consumer.disconnect()),
      LEAVE_MS,
    );
  }
};

type Reader = {
  readonly count: Count;
  readonly maxOrders: number;
  readonly lanes: Lanes;
  readonly signal: AbortSignal;
  readonly fail: (error: unknown) => void;
};

/**
 * Counts a partition's records in chunks. With a backlog it returns when the last chunk is being counted, and kafkajs
 * fetches and decodes the next records meanwhile.
 */
const countBatch = async (payload: EachBatchPayload, reader: Reader): Promise<void> => {
  const { batch, heartbeat, resolveOffset } = payload;
  const { lanes, signal, maxOrders } = reader;
  const beating = setInterval(() => heartbeat().catch(lateHeartbeat), HEARTBEAT_MS);
  try {
    for (let start = 0; start < batch.messages.length; start += maxOrders) {
      await lanes.free(batch.partition);
      if (signal.aborted || !payload.isRunning() || payload.isStale()) {
        await lanes.empty();
        return;
      }
      const chunk = batch.messages.slice(start, start + maxOrders);
      const counted = countChunk(payload, chunk, reader);
      lanes.add(batch.partition, counted);
      // where the next fetch starts; what is counted is committed
      resolveOffset(lastOffsetOf(chunk));
      if (isCaughtUp(payload)) await counted;
      await heartbeat();
    }
  } catch (error) {
    // mostly a rebalance: what is being counted is committed before the partitions move
    await lanes.empty();
    throw error;
  } finally {
    clearInterval(beating);
  }
};

/** The next offset is committed when the chunk is settled. */
const countChunk = async (
  { batch, commitOffsetsIfNecessary }: EachBatchPayload,
  chunk: readonly KafkaMessage[],
  { count, fail }: Reader,
): Promise<void> => {
  const { topic, partition } = batch;
  const position = lastOffsetOf(chunk);
  try {
    const entries = chunk.map((message) => entryOf(partition, message));
    await count({ kind: "carried", part: partition, position, entries });
  } catch (error) {
    fail(error);
    throw error;
  }
  // the end of a transaction is a record that kafkajs does not deliver
  const last = chunk.at(-1) === batch.messages.at(-1) ? batch.lastOffset() : position;
  const offset = String(BigInt(last) + 1n);
  await commitOffsetsIfNecessary({ topics: [{ topic, partitions: [{ partition, offset }] }] });
};

const lastOffsetOf = (chunk: readonly KafkaMessage[]): string => chunk.at(-1)?.offset ?? "";

type Lanes = {
  /** Resolves when `partition` has no work and fewer than `atOnce` others have some. */
  free(partition: number): Promise<void>;
  add(partition: number, work: Promise<void>): void;
  empty(): Promise<unknown>;
};

/** `atOnce` partitions are counted at a time; a partition's chunks one after the other, or a later offset would be committed first. */
const openLanes = (atOnce: number): Lanes => {
  const working = new Map<number, Promise<unknown>>();
  return {
    free: async (partition) => {
      while (working.has(partition) || working.size >= atOnce) await Promise.race(working.values());
    },
    add: (partition, work) => {
      working.set(
        partition,
        Promise.allSettled([work]).then(() => working.delete(partition)),
      );
    },
    empty: () => Promise.all(working.values()),
  };
};

const isCaughtUp = ({ batch }: EachBatchPayload): boolean => Number(batch.offsetLag()) <= 0;

/** The group was rebalanced: the commit after this chunk is rejected and another worker gets the chunk again. */
const lateHeartbeat = (): void => undefined;

const entryOf = (partition: number, { offset, value }: KafkaMessage) => ({
  origin: `${partition}/${offset}`,
  payload: value?.toString() ?? "",
});
