import { Type } from "typebox";
import { MAX_NAME_LENGTH } from "../domain/catalogue.ts";
import { ORDER_ID_PATTERN, PRICE_PATTERN } from "../domain/order.ts";
import { TIMESTAMP_PATTERN } from "../domain/time.ts";

const name = (what: string) =>
  Type.String({ minLength: 1, maxLength: MAX_NAME_LENGTH, description: `${what} of the catalogue` });

/**
 * POST /api/{mode}/order, as published. The route validates its shape alone: domain/order.ts checks the values, names all wrong
 * ones at once, and knows what a schema cannot express (the catalogue, the present time).
 */
export const orderRequest = Type.Object(
  {
    drink: name("a drink"),
    store: name("a store"),
    price: Type.Union(
      [
        Type.Number({ exclusiveMinimum: 0, minimum: 0.01, maximum: 10_000, multipleOf: 0.01 }),
        Type.String({ pattern: PRICE_PATTERN }),
      ],
      { description: "a number or a decimal string, above 0, at most 10000, with at most two decimals" },
    ),
    timestamp: Type.Optional(
      Type.String({
        pattern: TIMESTAMP_PATTERN,
        description:
          "a date and time of the calendar, as in 2026-01-15T10:00:00Z: when it was sold, from the year 2000 on, at most 5 minutes ahead and MAX_EVENT_AGE_DAYS (366) old; without an offset it is UTC; missing means now",
      }),
    ),
  },
  { additionalProperties: false },
);

export const JSON_TYPE = "application/json";
export const NDJSON = "application/x-ndjson";
/** JSON texts that each begin with U+001E (RFC 7464). */
export const JSON_SEQUENCE = "application/json-seq";
/** NDJSON was never registered: these are the other names under which clients send it. */
export const NDJSON_ALIASES = [
  "application/ndjson",
  "application/jsonl",
  "application/x-jsonl",
  "application/jsonlines",
  "application/x-jsonlines",
  "application/json-lines",
  "application/x-json-lines",
  "text/x-ndjson",
];

/** A batch goes with one durable write, and a topic's record batch holds a megabyte. */
export const MAX_BATCH_ORDERS = 1_000;
export const MAX_BATCH_BYTES = 1_048_576;

/** One of POST /api/{mode}/orders: as a single one, with its key in it. */
export const batchOrder = Type.Object(
  {
    id: Type.Optional(
      Type.String({
        pattern: ORDER_ID_PATTERN,
        description:
          "a UUIDv7 (RFC 9562), made at most 31 days ago and 5 minutes ahead, the order's idempotency key; missing means a new order",
      }),
    ),
    ...orderRequest.properties,
  },
  { additionalProperties: false },
);

/** Of these domain/order.ts is the judge: for a validator 4.35 is no multiple of 0.01. */
const CHECKED_LATER = new Set(["pattern", "minimum", "multipleOf"]);

/** A schema without what domain/order.ts checks. */
export const shapeOf = (part: unknown): unknown => {
  if (typeof part !== "object" || part === null) return part;
  if (Array.isArray(part)) return part.map(shapeOf);
  const kept = Object.entries(part).filter(([keyword]) => !CHECKED_LATER.has(keyword));
  return Object.fromEntries(kept.map(([keyword, value]) => [keyword, shapeOf(value)]));
};

export const orderShape = shapeOf(orderRequest) as object;
export const batchOrderShape = shapeOf(batchOrder) as Record<string, unknown>;

const rejectedOrders = Type.Array(
  Type.Object({
    index: Type.Integer({ minimum: 0, description: "the order's place in the request, from 0" }),
    field: Type.String(),
    reason: Type.String(),
  }),
  { description: "a line for each wrong field of an order that was not accepted" },
);

export const batchReply = Type.Object({
  ids: Type.Array(Type.String({ pattern: ORDER_ID_PATTERN }), {
    description: "of the accepted orders, in the order in which they were sent",
  }),
  replayed: Type.Integer({
    minimum: 0,
    description: "how many of them had been stored before; only v1 knows at once",
  }),
  rejected: rejectedOrders,
});

/** `stored` for v1 (201), `queued` for v2 and v3 (202). */
export const MODE_STATUSES = Type.Union([Type.Literal("stored"), Type.Literal("queued")]);

/** One shape in all modes. */
export const orderReply = Type.Object({
  id: Type.String({ pattern: ORDER_ID_PATTERN }),
  mode: Type.String(),
  status: MODE_STATUSES,
  drink: Type.String(),
  store: Type.String(),
  price: Type.Number(),
  timestamp: Type.String(),
});

const knownOrder = Type.Object({
  id: Type.String({ pattern: ORDER_ID_PATTERN }),
  mode: Type.String({ description: "the mode by which it came first" }),
  status: Type.Union([Type.Literal("stored"), Type.Literal("counted")], {
    description: "stored: in PostgreSQL and not counted yet (v1); counted: in the metrics",
  }),
  drink: Type.String(),
  store: Type.String(),
  price: Type.Number(),
  timestamp: Type.String({ description: "when it was sold, UTC" }),
  conflicts: Type.Integer({
    minimum: 0,
    description: "orders with another body that came under its key and were not counted",
  }),
});

const deadOrder = Type.Object({
  id: Type.String({ pattern: ORDER_ID_PATTERN }),
  mode: Type.String(),
  status: Type.Literal("dead", {
    description: "it cannot be counted as it is, and is kept as a dead letter",
  }),
  reason: Type.String({ description: "the SQLSTATE of PostgreSQL, or malformed" }),
  detail: Type.String({ description: "PostgreSQL's message" }),
  discarded: Type.Boolean({ description: "an operator has decided not to count it" }),
});

/** GET /api/orders/{id}. */
export const orderStatusReply = Type.Union([knownOrder, deadOrder]);

/** RFC 9457; `type` is relative to the API's documentation. */
export const problem = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.Optional(Type.String()),
  /** The id(s) to retry with, where an order may or may not be accepted. */
  ids: Type.Optional(Type.Array(Type.String())),
  errors: Type.Optional(Type.Array(Type.Object({ field: Type.String(), message: Type.String() }))),
  rejected: Type.Optional(rejectedOrders),
});
