import { hash } from "node:crypto";
import type { Order } from "../domain/order.ts";
import { iso } from "../domain/time.ts";

/**
 * An order as it travels and as PostgreSQL reads it: the members are the columns of `json_to_recordset` in
 * shared/store, so that a worker hands the text on without parsing it.
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
