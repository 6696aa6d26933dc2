import { type Static, Type } from "typebox";
import { MODE_STATUSES } from "./orders.ts";

const server = Type.Union([Type.Literal("ok"), Type.Literal("away")]);

/** GET /readyz. */
export const readiness = Type.Object({
  ready: Type.Boolean({ description: "whether any mode takes orders, and the process is not stopping" }),
  stopping: Type.Boolean(),
  modes: Type.Record(
    Type.String(),
    Type.Object({
      health: Type.Union([Type.Literal("ok"), Type.Literal("lagging"), Type.Literal("unavailable")]),
      reason: Type.Optional(
        Type.String({ description: "why the mode rejects orders, or which reading failed" }),
      ),
    }),
  ),
  servers: Type.Object({ postgresql: server, board_redis: server }),
});

/** GET /livez. */
export const liveness = Type.Object({ alive: Type.Boolean() });

/** Names of a catalogue in a reply: enough to choose from; ten thousand stores would be 200 kB. */
export const MAX_LISTED_NAMES = 50;

const names = (what: string) =>
  Type.Object({
    count: Type.Integer({ minimum: 1, description: `${what} of the catalogue` }),
    names: Type.Array(Type.String(), {
      maxItems: MAX_LISTED_NAMES,
      description: `the first ${MAX_LISTED_NAMES}`,
    }),
  });

/** GET /api/setup. */
export const setupReply = Type.Object({
  modes: Type.Array(
    Type.Object({
      name: Type.String(),
      title: Type.String(),
      status: MODE_STATUSES,
      durability: Type.String({ description: "what a reply promises under the settings of this process" }),
      verified: Type.Union([Type.Record(Type.String(), Type.String()), Type.Null()], {
        description:
          "the settings of the mode's backend that this depends on, by the backend's own names, as read back from the connections that write; null before the first read",
      }),
    }),
    { description: "those that take orders here" },
  ),
  stores: names("stores"),
  drinks: names("drinks"),
  currency: Type.Union([Type.String({ pattern: "^[A-Z]{3}$" }), Type.Null()], {
    description: "of the prices, as in ISO 4217; null where it is not set",
  }),
  page_orders_per_second: Type.Integer({
    minimum: 0,
    description:
      "generated orders per second that the page of this server may send by each mode; 0 is none. It limits the page alone, not who may send orders",
  }),
});

export type Setup = Static<typeof setupReply>;
