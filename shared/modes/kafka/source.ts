import type { EachBatchPayload, KafkaMessage } from "kafkajs";
import type { Count, Log, Source } from "../../ports.ts";
import { openKafka, untilKafkaAnswers } from "./client.ts";
import type { KafkaSettings } from "./knobs.ts";
import { ensureTopic } from "./topic.ts";

/** How long the broker may hold back a fetch that has nothing yet. */
const FETCH_WAIT_MS = 500;
/** While a batch is counted the group must hear of us, or it gives our partitions away. */
const HEARTBEAT_MS = 1_000;

/** v3's worker: a member of the consumer group. Part and shard are the partition. */
export const openKafkaSource = (settings: KafkaSettings, log: Log): Source => {
  const kafka = openKafka(settings.kafkaBrokers, "coffee-v3-worker", log, "patient");
  const consumer = kafka.consumer({
    groupId: settings.v3Group,
    sessionTimeout: settings.v3SessionTimeoutMs,
    heartbeatInterval: Math.min(HEARTBEAT_MS, settings.v3SessionTimeoutMs / 3),
    maxWaitTimeInMs: FETCH_WAIT_MS,
    allowAutoTopicCreation: false,
  });

  const prepare = async (): Promise<void> => {
    await ensureTopic(settings, log);
    await consumer.connect();
    await consumer.subscribe({ topics: [settings.v3Topic], fromBeginning: true });
  };

  const run = async (count: Count, signal: AbortSignal): Promise<void> => {
    const failure = Promise.withResolvers<never>();
    failure.promise.catch(() => undefined);
    // a crash that kafkajs will not restart from would leave a process that counts nothing
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      if (!payload.restart) failure.reject(payload.error);
    });
    const ended = aborted(signal);
    try {
      await untilKafkaAnswers(prepare, signal, log);
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: settings.v3PartitionsAtOnce,
        eachBatch: (payload) => countBatch(payload, settings.v3BatchMaxOrders, count, signal, failure.reject),
      });
      await Promise.race([ended, failure.promise]);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      // waits for the batch in hand
      await consumer.stop();
    }
  };
  return { run, close: () => consumer.disconnect() };
};

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });

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

/** The group moved on: the commit after this chunk is refused and the chunk comes again elsewhere. */
const lateHeartbeat = (): void => undefined;

const entryOf = (partition: number, { offset, value }: KafkaMessage) => ({
  origin: `${partition}/${offset}`,
  payload: value?.toString() ?? "",
});
