import type { Admin, ITopicConfig } from "kafkajs";
import { HOUR_MS } from "../../domain/time.ts";
import type { Backlog, Log } from "../../ports.ts";
import { atMost } from "../../runtime/lifecycle.ts";
import { DISCONNECT_MS, openKafka } from "./client.ts";
import type { KafkaSettings } from "./knobs.ts";

/** The age of the oldest uncounted order is known to this precision. */
const AGE_PRECISION_MS = 100;

/** Makes the topic where it is missing. Safe from several processes at once. */
export const ensureTopic = async (settings: KafkaSettings, log: Log): Promise<void> => {
  const kafka = openKafka(settings.kafkaBrokers, "coffee-v3-topic", log, "patient");
  const admin = kafka.admin({ retry: { retries: 1 } });
  try {
    await admin.connect();
    const topics = await admin.listTopics();
    if (!topics.includes(settings.v3Topic))
      await admin.createTopics({ waitForLeaders: true, topics: [topicOf(settings)] });
  } finally {
    await atMost(admin.disconnect(), DISCONNECT_MS);
  }
};

const topicOf = (settings: KafkaSettings): ITopicConfig => ({
  topic: settings.v3Topic,
  numPartitions: settings.v3Partitions,
  replicationFactor: settings.v3Replicas,
  configEntries: [
    { name: "retention.ms", value: String(settings.v3RetentionHours * HOUR_MS) },
    { name: "retention.bytes", value: "-1" },
    { name: "cleanup.policy", value: "delete" },
    // or "all in-sync replicas" may be the leader alone; one replica may still be away
    { name: "min.insync.replicas", value: String(Math.max(1, settings.v3Replicas - 1)) },
  ],
});

/**
 * Reads the group's lag. A record is an order, so lag is a difference of offsets. The age of the oldest is found
 * by halving the time in which it must have come, since the broker tells offsets by time and not times by offset.
 */
export const openBacklog = (admin: Admin, settings: KafkaSettings, log: Log): (() => Promise<Backlog>) => {
  const { v3Topic: topic, v3Group: groupId } = settings;
  const tellLost = openLossLog(log);
  /** Everything older than this was counted. */
  const keptSinceMs = (): number => Date.now() - settings.v3RetentionHours * HOUR_MS;
  let countedUntilMs = keptSinceMs();

  const oldest = async (committed: ReadonlyMap<number, number>): Promise<number> => {
    let pending = Date.now();
    // a clock that was ahead has left a time to come
    let counted = countedUntilMs < pending ? countedUntilMs : keptSinceMs();
    while (pending - counted > AGE_PRECISION_MS) {
      const middle = Math.floor((counted + pending) / 2);
      const offsets = await admin.fetchTopicOffsetsByTimestamp(topic, middle);
      const isPending = offsets.some(
        ({ partition, offset }) => Number(offset) > (committed.get(partition) ?? 0),
      );
      if (isPending) pending = middle;
      else counted = middle;
    }
    countedUntilMs = counted;
    return counted;
  };

  return async () => {
    const ends = await admin.fetchTopicOffsets(topic);
    const groups = await admin.fetchOffsets({ groupId, topics: [topic] });
    const commits = new Map(
      groups[0]?.partitions.map(({ partition, offset }) => [partition, Number(offset)]),
    );
    for (const { partition, low } of ends) tellLost(partition, Number(low), commits.get(partition) ?? -1);
    const committed = new Map(
      ends.map(({ partition, low }) => [partition, Math.max(Number(low), commits.get(partition) ?? -1)]),
    );
    const orders = ends.reduce(
      (sum, { partition, high }) => sum + Number(high) - (committed.get(partition) ?? 0),
      0,
    );
    if (orders > 0) return { orders, oldestMs: Math.max(0, Date.now() - (await oldest(committed))) };
    // what comes from now on is younger than this
    countedUntilMs = Math.max(countedUntilMs, Date.now() - HOUR_MS / 60);
    return { orders: 0, oldestMs: 0 };
  };
};

/** The topic's retention may pass the group: those orders were acknowledged, and nothing else tells that they are gone. */
const openLossLog = (log: Log) => {
  const told = new Map<number, number>();
  return (partition: number, low: number, committed: number): void => {
    if (committed < 0 || low <= committed || told.get(partition) === low) return;
    told.set(partition, low);
    const lost = low - committed;
    log.error(
      { mode: "v3", partition, lost },
      "acknowledged orders fell out of the topic before they were counted",
    );
  };
};
