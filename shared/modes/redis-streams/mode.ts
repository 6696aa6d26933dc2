import type { Mode } from "../../ports.ts";
import { openRedisStreamsIntake } from "./intake.ts";
import { type RedisStreamsSettings, redisStreamsKnobs } from "./knobs.ts";
import { openRedisStreamsSource } from "./source.ts";

const DURABILITY: Record<RedisStreamsSettings["v2Appendfsync"], string> = {
  always: "202: in the stream, fsynced (appendfsync always)",
  everysec: "202: in the stream, fsynced within about a second (appendfsync everysec)",
  no: "202: in the stream, not fsynced (appendfsync no)",
  unverified: "202: in the stream; whether it is fsynced is not verified",
};

/** v2: orders go into a Redis stream; workers of a consumer group count them. */
export const redisStreams: Mode = {
  name: "v2",
  title: "Redis Streams",
  backend: "stream",
  accepts: "queued",
  knobs: redisStreamsKnobs,
  durability: (settings) => DURABILITY[(settings as RedisStreamsSettings).v2Appendfsync],
  openIntake: (settings, log) => openRedisStreamsIntake(settings as RedisStreamsSettings, log),
  openSource: (settings, log) => openRedisStreamsSource(settings as RedisStreamsSettings, log),
};
