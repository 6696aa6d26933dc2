/** The WebSocket /ws/orders/{mode}: a client sends one order per frame, and gets its result by the order's id. */
import { type Static, Type } from "typebox";
import { ORDER_ID_PATTERN } from "../domain/order.ts";
import { MODE_STATUSES, orderRequest, problem, shapeOf } from "./orders.ts";

/** A page that offers a token offers this too, as a browser requires that the server chooses a subprotocol. */
export const ORDERS_PROTOCOL = "coffee-rt.orders.v1";

/** A frame of a client. */
export const socketOrder = Type.Object(
  {
    id: Type.String({
      pattern: ORDER_ID_PATTERN,
      description:
        "a UUIDv7 (RFC 9562), made at most 31 days ago and 5 minutes ahead: names the order in its result, and makes it safe to send it again",
    }),
    ...orderRequest.properties,
  },
  { additionalProperties: false },
);

export const socketOrderShape = shapeOf(socketOrder) as Record<string, unknown>;

const accepted = Type.Object(
  {
    id: Type.String({ pattern: ORDER_ID_PATTERN, description: "as it was sent" }),
    status: MODE_STATUSES,
    replayed: Type.Optional(
      Type.Literal(true, { description: "it had been stored before; only v1 knows at once" }),
    ),
  },
  { description: "The order is durable." },
);

const failed = Type.Object(
  {
    id: Type.Union([Type.String(), Type.Null()], {
      description: "as it was sent; null where the frame has none that could be one",
    }),
    problem,
    retry_after_seconds: Type.Optional(
      Type.Integer({ minimum: 1, description: "where the order can be sent again as it is" }),
    ),
  },
  {
    description:
      "The order was not accepted, or (`outcome-unknown`) may not be: the problem that a POST of this order would get.",
  },
);

export const orderResult = Type.Union([accepted, failed]);

/** A frame of the API. */
export const orderResults = Type.Array(orderResult, {
  description:
    "One result for each order, as soon as it is decided. Their sequence is not that of the orders: a result belongs to the order with its id.",
});

export type SocketOrder = Static<typeof socketOrder>;
export type OrderResult = Static<typeof orderResult>;
