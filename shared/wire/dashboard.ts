import { type Static, Type } from "typebox";
import type { Dashboard } from "../domain/dashboard.ts";

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

/** The schema and the domain's type are one: this line stops compiling when they part. */
export const dashboardIsAsPublished: (dashboard: Dashboard) => Static<typeof dashboardReply> = (dashboard) =>
  dashboard;
