import type { Mode } from "../../ports.ts";
import { openRedisStreamsIntake } from "./intake.ts";
import { type RedisStreamsSettings, redisStreamsKnobs } from "./knobs.ts";
import { openRedisStreamsSource } from "./source.ts";

/** v2: orders go into a Redis stream; workers of a consumer group count them. */
export const redisStreams: Mode = {
  name: "v2",
  title: "Redis Streams",
  accepts: "queued",
  knobs: redisStreamsKnobs,
  durability: () => "202: in the stream, fsynced (appendfsync always)",
  openIntake: (settings, log) => openRedisStreamsIntake(settings as RedisStreamsSettings, log),
  openSource: (settings, log) => openRedisStreamsSource(settings as RedisStreamsSettings, log),
};
