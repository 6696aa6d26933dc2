import { type Static, Type } from "typebox";
import type { Dashboard, LiveDelta, LiveHeartbeat, LiveResync, LiveSnapshot } from "../domain/dashboard.ts";

const sold = { orders: Type.Integer(), revenue: Type.Number() };
const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

export const dashboardReply = Type.Object({
  current_hour: nullable(
    Type.Object({
      hour: Type.Integer({ minimum: 0, maximum: 23, description: "the UTC hour of today" }),
      top_drinks: Type.Array(Type.String(), { maxItems: 5 }),
      revenue: Type.Number(),
      order_count: Type.Integer(),
    }),
  ),
  top5_drinks: Type.Array(Type.String(), { maxItems: 5, description: "of the last 30 days" }),
  recent_orders: Type.Array(
    Type.Object({
      id: Type.String(),
      drink: Type.String(),
      store: Type.String(),
      price: Type.Number(),
      timestamp: Type.String(),
    }),
    { maxItems: 50 },
  ),
  server_timestamp: Type.String(),
  mode: Type.String(),
  version: Type.Integer(),
  epoch: Type.Integer(),
  as_of: nullable(Type.String({ description: "when PostgreSQL was read" })),
  stale: Type.Boolean(),
  hour_start: Type.String(),
  hour_drinks: Type.Array(Type.Object({ drink: Type.String(), ...sold })),
  hour_stores: Type.Array(Type.Object({ store: Type.String(), ...sold })),
  minutes: Type.Array(Type.Object({ minute: Type.String(), ...sold })),
  rate: Type.Number({ description: "orders counted per second" }),
  modes: Type.Record(
    Type.String(),
    Type.Object({
      orders: Type.Integer(),
      rate: Type.Number(),
      lag: nullable(Type.Integer({ description: "orders accepted and not yet counted" })),
      oldest_pending_ms: nullable(Type.Number()),
      freshness_ms: nullable(Type.Number()),
      health: Type.Union([Type.Literal("ok"), Type.Literal("lagging"), Type.Literal("unavailable")]),
    }),
  ),
});

/** The schema and the domain's type are equal: this line stops compiling when they differ. */
export const dashboardIsAsPublished: (dashboard: Dashboard) => Static<typeof dashboardReply> = (dashboard) =>
  dashboard;

export const LIVE_PROTOCOL = "coffee-rt.v1";

/** Offered besides LIVE_PROTOCOL by a page, which cannot send a header with a WebSocket; the server never chooses it. */
export const bearerProtocol = (token: string): string => `bearer.${token}`;

const position = {
  seq: Type.Integer({
    minimum: 1,
    description:
      "the state that this frame leads to; it grows by one with each delta, counts for one API process and one " +
      "filter, and means nothing to another process",
  }),
  epoch: Type.Integer({
    description:
      "grows, by any amount, when the data itself or the board was replaced (a restore, a repair, an emptied Redis); a higher one always wins",
  }),
  version: Type.Integer({
    description: "grows with every commit that changed a figure; two APIs of one epoch agree on it",
  }),
  as_of: Type.Union([Type.String(), Type.Null()], {
    description: "when PostgreSQL was read, as ISO 8601; null before the first board",
  }),
};

export const liveSnapshot = Type.Object(
  {
    type: Type.Literal("snapshot"),
    ...position,
    data: Type.Object(dashboardReply.properties, {
      description: "the whole dashboard, as GET /api/dashboard replies",
    }),
  },
  {
    description:
      "Sent at once, in answer to a resync, to a socket that missed frames because it was busy, and when orders were " +
      "removed from the list (a restore). Replaces what the client holds, unless it is below that by (epoch, version).",
  },
);

export const liveDelta = Type.Object(
  {
    type: Type.Literal("delta"),
    ...position,
    previous: Type.Integer({
      minimum: 1,
      description: "the seq this frame follows; a client that holds another one has missed a frame",
    }),
    data: Type.Partial(Type.Object(dashboardReply.properties), {
      description:
        "the members that changed, each whole and absolute; but of recent_orders the new ones, newest first: put them " +
        "before those held, drop the held ones with the same id, and keep 50",
    }),
  },
  {
    description:
      "Sent up to 10 times a second, and once a second for rates and lag alone. With what was held it gives the " +
      "dashboard at that moment.",
  },
);

export const liveHeartbeat = Type.Object(
  {
    type: Type.Literal("heartbeat"),
    ...position,
    server_timestamp: Type.String({
      description: "the server's clock; minus as_of it is the age of what is shown",
    }),
  },
  {
    description: "Sent every second. Its seq is the one a client should hold; as_of advances with each read.",
  },
);

export const liveResync = Type.Object(
  { type: Type.Literal("resync") },
  {
    additionalProperties: false,
    description:
      "The only request of a client: send a snapshot. Answered at once, and when sent again within a second, after " +
      "that. Anything else closes the socket: binary with 1003, text that is not UTF-8 with 1007, too long with 1009, " +
      "the rest with 1008.",
  },
);

/** The schemas and the domain's types are equal: these lines stop compiling when they differ. */
export const framesAreAsPublished = {
  snapshot: (frame: LiveSnapshot): Static<typeof liveSnapshot> => frame,
  delta: (frame: LiveDelta): Static<typeof liveDelta> => frame,
  heartbeat: (frame: LiveHeartbeat): Static<typeof liveHeartbeat> => frame,
  resync: (frame: Static<typeof liveResync>): LiveResync => frame,
};
