import { hash } from "node:crypto";
import { type Static, Type } from "typebox";
import { MAX_NAME_LENGTH } from "../domain/catalogue.ts";
import { MAX_PRICE_CENTS, ORDER_ID_PATTERN, type Order } from "../domain/order.ts";
import { iso } from "../domain/time.ts";

/**
 * An order as it travels and as PostgreSQL reads it: the members are the columns of `json_to_recordset` in
 * shared/store, so that a worker passes the text on without parsing it.
 *
 * `fingerprint` is the first 16 bytes of the SHA-256 of the body as sent, in PostgreSQL's hex form.
 */
export type OrderMessage = {
  readonly id: string;
  readonly store: string;
  readonly drink: string;
  readonly price_cents: number;
  readonly event_time: string;
  readonly accepted_at: string;
  readonly fingerprint: string;
};

const name = Type.String({ minLength: 1, maxLength: MAX_NAME_LENGTH });

export const orderMessage = Type.Object({
  id: Type.String({ pattern: ORDER_ID_PATTERN, description: "the UUIDv7 by which it counts once" }),
  store: name,
  drink: name,
  price_cents: Type.Integer({ minimum: 1, maximum: MAX_PRICE_CENTS }),
  event_time: Type.String({
    description: "when it was sold, RFC 3339 in UTC: decides the bucket it counts in",
  }),
  accepted_at: Type.String({
    description: "when the API took it, RFC 3339 in UTC: freshness counts from here",
  }),
  fingerprint: Type.String({
    pattern: "^\\\\x[0-9a-f]{32}$",
    description: "of the body as sent: distinguishes a duplicate from another order under the same id",
  }),
});

/** The schema and the type are equal: this line stops compiling when they differ. */
export const messageIsAsPublished: (message: OrderMessage) => Static<typeof orderMessage> = (message) =>
  message;

export const messageOf = (order: Order): OrderMessage => ({
  id: order.id,
  store: order.store,
  drink: order.drink,
  price_cents: order.priceCents,
  event_time: iso(order.eventTimeMs),
  accepted_at: iso(order.acceptedAtMs),
  fingerprint: fingerprintOf(order),
});

export const fingerprintOf = (order: Order): string => `\\x${hash("sha256", order.body, "hex").slice(0, 32)}`;

/** The JSON text of one order. */
export const encodeOrder = (order: Order): string => JSON.stringify(messageOf(order));

/** The JSON text of an array of orders. */
export const encodeOrders = (orders: readonly Order[]): string => JSON.stringify(orders.map(messageOf));
