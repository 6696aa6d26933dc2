import { type Static, Type } from "typebox";
import type { Mode } from "../../ports.ts";
import { databaseUrlKnob, redisUrlKnob } from "../../runtime/config.ts";
import { openRedisStreamsIntake } from "./intake.ts";
import { openRedisStreamsSource } from "./source.ts";

export const redisStreamsKnobs = Type.Object({
  streamRedisUrl: redisUrlKnob(
    "a Redis of its own for the stream, with appendonly yes, appendfsync always, noeviction",
  ),
  databaseUrl: databaseUrlKnob,
  v2Appendfsync: Type.Union(
    [Type.Literal("always"), Type.Literal("everysec"), Type.Literal("no"), Type.Literal("unverified")],
    {
      default: "always",
      description:
        "the appendfsync that the stream's Redis must have, or v2 rejects orders; less than always loses acknowledged orders in a crash (for experiments); unverified accepts orders without the check, for a Redis that does not let its settings be read",
    },
  ),
  v2Stream: Type.String({ default: "coffee:orders", description: "the key of the stream" }),
  v2Group: Type.String({ default: "counters", description: "the consumer group that counts" }),
  v2GroupMaxOrders: Type.Integer({
    default: 500,
    minimum: 1,
    maximum: 10_000,
    description: "orders that share one stream entry; 1 is one XADD per request",
  }),
  v2MaxWritesInFlight: Type.Integer({
    default: 2,
    minimum: 1,
    maximum: 100,
    description: "XADDs in flight at a time",
  }),
  v2MaxQueuedOrders: Type.Integer({
    default: 10_000,
    minimum: 1,
    maximum: 1_000_000,
    description: "orders queued for an XADD; more are answered 503",
  }),
  v2BatchMaxEntries: Type.Integer({
    default: 200,
    minimum: 1,
    maximum: 10_000,
    description: "stream entries read at once; under load each carries many orders",
  }),
  v2BatchMaxOrders: Type.Integer({
    default: 2_000,
    minimum: 1,
    maximum: 100_000,
    description: "orders counted in one statement, to the nearest entry",
  }),
  v2GatherMs: Type.Integer({
    default: 50,
    minimum: 0,
    maximum: 1_000,
    description:
      "time between two reads while there is no backlog: orders accumulate, and each statement counts more",
  }),
  v2Slots: Type.Integer({
    default: 16,
    minimum: 1,
    maximum: 1_000,
    description: "slots that workers lease: the most members of the consumer group at a time",
  }),
  v2SlotsAtOnce: Type.Integer({
    default: 2,
    minimum: 1,
    maximum: 100,
    description: "slots a worker counts in at a time",
  }),
  v2ClaimIdleMs: Type.Integer({
    default: 30_000,
    minimum: 100,
    maximum: 3_600_000,
    description: "another worker's entries are claimed after they were pending for this long",
  }),
});

export type RedisStreamsSettings = Static<typeof redisStreamsKnobs>;

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
  openIntake: (settings, log, failed) =>
    openRedisStreamsIntake(settings as RedisStreamsSettings, log, failed),
  openSource: (settings, log) => openRedisStreamsSource(settings as RedisStreamsSettings, log),
};
