import { type Static, Type } from "typebox";

export const directKnobs = Type.Object({
  databaseUrl: Type.String({
    pattern: "^postgres(ql)?://",
    description: "PostgreSQL, as postgres://user@host:port/name",
  }),
  boardRedisUrl: Type.String({ pattern: "^rediss?://", description: "the Redis of the board and of BullMQ" }),
  v1GroupMaxOrders: Type.Integer({
    default: 500,
    minimum: 1,
    maximum: 10_000,
    description: "orders that share one commit; 1 is one INSERT per request",
  }),
  v1MaxWritesInFlight: Type.Integer({
    default: 2,
    minimum: 1,
    maximum: 100,
    description: "commits under way at a time, each on a connection of its own",
  }),
  v1MaxQueuedOrders: Type.Integer({
    default: 10_000,
    minimum: 1,
    maximum: 1_000_000,
    description: "orders that wait for a commit; more are answered 503",
  }),
  v1SynchronousCommit: Type.Union([Type.Literal("on"), Type.Literal("off")], {
    default: "on",
    description: "on replies when the order is on disk, off before that (for experiments)",
  }),
  v1TickMs: Type.Integer({
    default: 500,
    minimum: 50,
    maximum: 3_600_000,
    description: "how often stored orders are counted",
  }),
});

export type DirectSettings = Static<typeof directKnobs>;
