import { HOUR_MS } from "../../domain/time.ts";
import type { Mode } from "../../ports.ts";
import { openKafkaIntake } from "./intake.ts";
import { type KafkaSettings, kafkaKnobs } from "./knobs.ts";
import { openKafkaSource } from "./source.ts";

/** v3: orders go into a Kafka topic; workers of a consumer group count them. */
export const kafka: Mode = {
  name: "v3",
  title: "Kafka",
  backend: "kafka",
  accepts: "queued",
  knobs: kafkaKnobs,
  durability: (settings) =>
    settings["v3Acks"] === 1
      ? "202: acknowledged by the partition's leader only (acks=1)"
      : "202: acknowledged by all in-sync replicas (acks=-1); on one broker this survives kill -9, not power loss",
  keeps: {
    knob: "v3RetentionHours",
    ms: (settings) => (settings as KafkaSettings).v3RetentionHours * HOUR_MS,
  },
  openIntake: (settings, log) => openKafkaIntake(settings as KafkaSettings, log),
  openSource: (settings, log) => openKafkaSource(settings as KafkaSettings, log),
};
