import type { Admin, ConfigResourceTypes, ITopicConfig } from "kafkajs";
import { HOUR_MS } from "../../domain/time.ts";
import type { Backlog, Log, Verified } from "../../ports.ts";
import { atMost } from "../../runtime/lifecycle.ts";
import { DISCONNECT_MS, openKafka } from "./client.ts";
import type { KafkaSettings } from "./mode.ts";

/** The age of the oldest uncounted order is known to this precision. */
const AGE_PRECISION_MS = 100;

/** Creates the topic if it is missing. Safe from several processes at once. */
export const ensureTopic = async (settings: KafkaSettings, log: Log): Promise<void> => {
  const kafka = openKafka(settings, "coffee-v3-topic", log, "patient");
  const admin = kafka.admin({ retry: { retries: 1 } });
  try {
    await admin.connect();
    const topics = await admin.listTopics();
    if (!topics.includes(settings.v3Topic))
      await admin.createTopics({ waitForLeaders: true, topics: [topicOf(settings)] });
  } catch (error) {
    throw refusedTopic(error, settings);
  } finally {
    await atMost(admin.disconnect(), DISCONNECT_MS);
  }
};

/** A cluster with fewer brokers, or a managed service that prescribes the number of replicas. */
const REFUSED_TOPIC = new Set(["INVALID_REPLICATION_FACTOR", "POLICY_VIOLATION"]);

/** kafkajs says no more than "Topic creation errors". */
const refusedTopic = (error: unknown, { v3Topic, v3Replicas }: KafkaSettings): unknown => {
  const refusal = (error as { errors?: (Error & { type?: string })[] } | null)?.errors?.[0];
  if (refusal === undefined) return error;
  if (!REFUSED_TOPIC.has(refusal.type ?? "")) return refusal;
  return new Error(
    `Kafka refuses the topic ${v3Topic} with V3_REPLICAS=${v3Replicas}: "${refusal.message}"; set V3_REPLICAS to what the cluster expects, or create the topic there`,
    { cause: refusal },
  );
};

const topicOf = (settings: KafkaSettings): ITopicConfig => ({
  topic: settings.v3Topic,
  numPartitions: settings.v3Partitions,
  replicationFactor: settings.v3Replicas,
  configEntries: [
    { name: "retention.ms", value: String(settings.v3RetentionHours * HOUR_MS) },
    { name: "retention.bytes", value: "-1" },
    { name: "cleanup.policy", value: "delete" },
    // otherwise "all in-sync replicas" may be the leader alone; one replica may still be down
    { name: "min.insync.replicas", value: String(Math.max(1, settings.v3Replicas - 1)) },
  ],
});

/**
 * Reads the group's lag. A record is an order, so lag is a difference of offsets. The age of the oldest is found
 * by bisecting the time of its arrival, since the broker returns offsets by time and not times by offset.
 */
export const openBacklog = (admin: Admin, settings: KafkaSettings, log: Log): (() => Promise<Backlog>) => {
  const { v3Topic: topic, v3Group: groupId } = settings;
  const tellLost = openLossLog(log);
  /** Everything older than this was counted. */
  const keptSinceMs = (): number => Date.now() - settings.v3RetentionHours * HOUR_MS;
  let countedUntilMs = keptSinceMs();

  const oldest = async (committed: ReadonlyMap<number, number>): Promise<number> => {
    let pending = Date.now();
    // a clock that was ahead has left a time in the future
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
    // orders that arrive from now on are newer than this
    countedUntilMs = Math.max(countedUntilMs, Date.now() - HOUR_MS / 60);
    return { orders: 0, oldestMs: 0 };
  };
};

/** The topic's retention may pass the group's offset: those orders were acknowledged, and only this log reports the loss. */
const openLossLog = (log: Log) => {
  const logged = new Map<number, number>();
  return (partition: number, low: number, committed: number): void => {
    if (committed < 0 || low <= committed || logged.get(partition) === low) return;
    logged.set(partition, low);
    const lost = low - committed;
    log.error(
      { mode: "v3", partition, lost },
      "acknowledged orders were dropped by the topic's retention before they were counted",
    );
  };
};

/** kafkajs' own constant is not among the names that Node can import from a CommonJS module. */
const TOPIC: ConfigResourceTypes.TOPIC = 2;

/** The settings that decide whether the topic accepts and keeps orders, by Kafka's own names. */
const VERIFIED = [
  "min.insync.replicas",
  "unclean.leader.election.enable",
  "cleanup.policy",
  "retention.ms",
  "retention.bytes",
] as const;

export type TopicFacts = {
  readonly verified: Verified;
  /** Infinity when the topic has no retention by time. */
  readonly keptMs: number;
};

/** The topic would reject or lose orders with its present settings: the intake sends it none. */
export class UnfitTopic extends Error {}

/** Reads the topic's settings and state back; rejects with `UnfitTopic` when it would reject or lose orders. */
export const verifyTopic = async (
  admin: Admin,
  { v3Topic: name, v3Acks }: KafkaSettings,
): Promise<TopicFacts> => {
  const resource = { type: TOPIC, name, configNames: [...VERIFIED] };
  const { resources } = await admin.describeConfigs({ resources: [resource], includeSynonyms: false });
  const found = new Map(
    resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]),
  );
  const settingOf = (setting: (typeof VERIFIED)[number]): string => {
    const value = found.get(setting);
    if (value === undefined) throw new Error(`Kafka does not report ${setting} of the topic ${name}`);
    return value;
  };
  const { topics } = await admin.fetchTopicMetadata({ topics: [name] });
  const partitions = topics[0]?.partitions ?? [];
  const replicas = Math.min(...partitions.map((partition) => partition.replicas.length));
  const inSync = Math.max(0, ...partitions.map((partition) => partition.isr.length));
  const minInSync = Number(settingOf("min.insync.replicas"));
  if (settingOf("cleanup.policy") !== "delete")
    throw new UnfitTopic(
      `the topic ${name} has cleanup.policy=${settingOf("cleanup.policy")}: compaction loses orders, set it to delete`,
    );
  if (replicas > 1 && minInSync < 2 && settingOf("unclean.leader.election.enable") === "true")
    throw new UnfitTopic(
      `the topic ${name} has unclean.leader.election.enable=true and min.insync.replicas=${minInSync}: the crash of ` +
        "one broker loses acknowledged orders, set the one to false or the other to 2",
    );
  if (Number(settingOf("retention.bytes")) >= 0)
    throw new UnfitTopic(
      `the topic ${name} has retention.bytes=${settingOf("retention.bytes")}: orders are deleted before they are counted, set it to -1`,
    );
  if (v3Acks === -1 && inSync < minInSync)
    throw new UnfitTopic(
      `the topic ${name} has ${inSync} in-sync replicas and min.insync.replicas=${minInSync}: Kafka refuses orders`,
    );
  const retentionMs = Number(settingOf("retention.ms"));
  return {
    verified: {
      acks: String(v3Acks),
      "replication.factor": String(replicas),
      ...Object.fromEntries(VERIFIED.map((setting) => [setting, settingOf(setting)])),
    },
    keptMs: retentionMs < 0 ? Number.POSITIVE_INFINITY : retentionMs,
  };
};

export type TopicCheck = {
  /** Reads the topic's settings again; rejects when it is unfit, or could not be read. */
  verify(): Promise<TopicFacts>;
  /** Null while the topic is not known to be fit: no order is sent to it. */
  facts(): TopicFacts | null;
  /** Why it is not fit. */
  problem(): string;
};

const UNREACHABLE = "Kafka is unreachable";

/** Follows whether the topic is fit: its settings can be changed, and its replicas fall behind. */
export const openTopicCheck = (admin: Admin, settings: KafkaSettings, log: Log): TopicCheck => {
  let facts: TopicFacts | null = null;
  let problem = UNREACHABLE;
  let running: Promise<TopicFacts> | null = null;
  const verify = async (): Promise<TopicFacts> => {
    try {
      facts = await verifyTopic(admin, settings);
      problem = UNREACHABLE;
      return facts;
    } catch (error) {
      // a request that failed proves nothing about the topic
      if (!(error instanceof UnfitTopic)) throw error;
      if (problem !== error.message)
        log.error({ mode: "v3", reason: error.message }, "settings check failed, rejecting orders");
      facts = null;
      problem = error.message;
      throw error;
    }
  };
  return {
    // backlog and probe may verify at the same time, and an older answer must not replace a newer one
    verify: () => {
      running ??= verify().finally(() => {
        running = null;
      });
      return running;
    },
    facts: () => facts,
    problem: () => problem,
  };
};

/** An existing topic may have been created with another retention than V3_RETENTION_HOURS. */
export const warnOfRetention = ({ keptMs }: TopicFacts, settings: KafkaSettings, log: Log): void => {
  const { v3Topic: topic, v3RetentionHours } = settings;
  if (keptMs < v3RetentionHours * HOUR_MS)
    log.warn(
      { mode: "v3", topic, retentionHours: keptMs / HOUR_MS, v3RetentionHours },
      "the topic keeps orders for less time than V3_RETENTION_HOURS; its own retention bounds the lag",
    );
};
