import type { Catalogue } from "./catalogue.ts";
import { centsOf } from "./money.ts";
import { DAY_MS, MINUTE_MS, timestampMs } from "./time.ts";

/** The name of an ingest mode: v1, v2, v3; a fourth one adds itself in shared/modes. */
export type ModeName = string;

/** What a client sends. */
export type OrderRequest = {
  readonly drink: string;
  readonly store: string;
  readonly price: number | string;
  readonly timestamp?: string;
};

/** A valid order, whichever mode carries it. */
export type Order = {
  /** UUIDv7: the client's Idempotency-Key, else made by the server. */
  readonly id: string;
  readonly drink: string;
  readonly store: string;
  readonly priceCents: number;
  /** When it was sold, UTC milliseconds: decides the bucket it counts in. */
  readonly eventTimeMs: number;
  /** When the API took it, UTC milliseconds: freshness counts from here. */
  readonly acceptedAtMs: number;
  /** What the client sent, so that one key with two bodies is found. Parts are joined by U+0000. */
  readonly body: string;
};

export type FieldError = { readonly field: string; readonly message: string };

export type OrderRules = { readonly catalogue: Catalogue; readonly maxEventAgeDays: number };

/** How far ahead of the server's clock an order may be dated. */
export const MAX_EVENT_AHEAD_MS = 5 * MINUTE_MS;

/** Nothing older is stored (db/migrations/0001_orders.sql), however many days are allowed. */
const FIRST_EVENT_MS = Date.UTC(2000, 0);

/**
 * The order a request means, or every field that is wrong with it.
 *
 * The shape (types, unknown fields) is the wire schema's to check; here stand the rules a schema cannot say.
 */
export const orderFrom = (
  request: OrderRequest,
  id: string,
  nowMs: number,
  rules: OrderRules,
): { order: Order } | { errors: FieldError[] } => {
  const errors: FieldError[] = [];
  const wrong = (field: string, message: string) => errors.push({ field, message });
  if (!rules.catalogue.hasDrink(request.drink)) wrong("drink", "must be a drink of the catalogue");
  if (!rules.catalogue.hasStore(request.store)) wrong("store", "must be a store of the catalogue");
  const priceCents = centsOf(request.price);
  if (priceCents === null) wrong("price", "must be above 0, at most 10000, with at most two decimals");
  const eventTimeMs = request.timestamp === undefined ? nowMs : timestampMs(request.timestamp);
  const late = eventTimeProblem(eventTimeMs, nowMs, rules.maxEventAgeDays);
  if (late) wrong("timestamp", late);
  if (priceCents === null || eventTimeMs === null || errors.length > 0) return { errors };
  const { drink, store } = request;
  const sentTime = request.timestamp === undefined ? "" : String(eventTimeMs);
  const body = `${drink}\0${store}\0${priceCents}\0${sentTime}`;
  return { order: { id, drink, store, priceCents, eventTimeMs, acceptedAtMs: nowMs, body } };
};

const eventTimeProblem = (ms: number | null, nowMs: number, maxAgeDays: number): string | null => {
  if (ms === null) return "must be a date and time of the calendar, as in 2026-01-15T10:00:00Z";
  if (ms > nowMs + MAX_EVENT_AHEAD_MS) return "must not be more than 5 minutes ahead";
  if (ms < FIRST_EVENT_MS) return "must not be before the year 2000";
  if (ms < nowMs - maxAgeDays * DAY_MS) return `must not be older than ${maxAgeDays} days`;
  return null;
};
