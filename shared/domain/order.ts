import type { Catalogue } from "./catalogue.ts";
import { DAY_MS, MINUTE_MS, timestampMs } from "./time.ts";

export const ORDER_ID_PATTERN =
  "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-7[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$";

const ORDER_ID = new RegExp(ORDER_ID_PATTERN);

/** Orders with older keys may have been dropped by retention, so a duplicate could not be recognised. */
export const KEY_MAX_AGE_MS = 31 * DAY_MS;
/** How far a client's clock may run ahead. */
export const KEY_MAX_AHEAD_MS = 5 * MINUTE_MS;

/** Milliseconds in a UUIDv7; only for text that matches the pattern. */
export const idTimeMs = (id: string): number => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);

/** Why `key` cannot be an order's id at time `nowMs`, as a message for the client; `null` when it can. */
export const keyProblem = (key: string, nowMs: number): string | null => {
  if (!ORDER_ID.test(key)) return "must be a UUIDv7 (RFC 9562)";
  const age = nowMs - idTimeMs(key);
  if (age > KEY_MAX_AGE_MS) return "must not be made more than 31 days ago";
  if (-age > KEY_MAX_AHEAD_MS) return "must not be made more than 5 minutes ahead";
  return null;
};

/**
 * Money is whole cents inside (a JavaScript integer, exact to 2^53), never a fraction of a dollar.
 */

/** The dearest order: 10 000.00. It keeps a mistyped price from drowning a day's revenue. */
export const MAX_PRICE_CENTS = 1_000_000;

/** A price as text: 0.01 to 10000, with at most two decimals. The published schema has it too. */
export const PRICE_PATTERN =
  "^0{0,4}([1-9][0-9]{0,3}(\\.[0-9]{1,2})?|10000(\\.0{1,2})?|0\\.(0[1-9]|[1-9][0-9]?))$";

const PRICE = new RegExp(PRICE_PATTERN);

/**
 * Cents of a price as a client writes it: a JSON number or a decimal string, at most two decimals,
 * 0 < price <= 10 000. `null` when it is anything else.
 *
 * A JSON number has become a double by now. It had at most two decimals exactly when the double nearest to
 * its rounded cents, divided by 100, is that same double: IEEE division is correctly rounded.
 */
export const centsOf = (price: number | string): number | null => {
  const cents = typeof price === "number" ? centsOfNumber(price) : centsOfText(price);
  return cents !== null && cents > 0 && cents <= MAX_PRICE_CENTS ? cents : null;
};

const centsOfNumber = (price: number): number | null => {
  const cents = Math.round(price * 100);
  return cents / 100 === price ? cents : null;
};

const centsOfText = (price: string): number | null => {
  if (!PRICE.test(price)) return null;
  const [units = "", decimals = ""] = price.split(".");
  return Number(units) * 100 + Number(decimals.padEnd(2, "0"));
};

/** The price as replies and dashboards show it, in whole currency units: 450 cents are 4.5. */
export const priceOf = (cents: number): number => cents / 100;

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

export type OrderRules = {
  readonly catalogue: Pick<Catalogue, "storeNamed" | "drinkNamed">;
  readonly maxEventAgeDays: number;
};

/** How far ahead of the server's clock an order may be dated. */
const MAX_EVENT_AHEAD_MS = 5 * MINUTE_MS;

/** Nothing older is stored (db/migrations/0001_orders.sql), however many days are allowed. */
const FIRST_EVENT_MS = Date.UTC(2000, 0);

const UNKNOWN_DRINK: FieldError = { field: "drink", message: "must be a drink of the catalogue" };
const UNKNOWN_STORE: FieldError = { field: "store", message: "must be a store of the catalogue" };

/** Whether nothing else is wrong than that the catalogue does not have a name: it may have been added since. */
export const lacksNamesAlone = (errors: readonly FieldError[]): boolean =>
  errors.every((error) => error === UNKNOWN_DRINK || error === UNKNOWN_STORE);

/**
 * The order a request means, or every field that is wrong with it.
 *
 * The wire schema checks the shape (types, unknown fields); these are the rules that a schema cannot express.
 */
export const orderFrom = (
  request: OrderRequest,
  id: string,
  nowMs: number,
  rules: OrderRules,
): { order: Order } | { errors: FieldError[] } => {
  const errors: FieldError[] = [];
  const wrong = (field: string, message: string) => errors.push({ field, message });
  const drink = rules.catalogue.drinkNamed(request.drink);
  const store = rules.catalogue.storeNamed(request.store);
  if (drink === null) errors.push(UNKNOWN_DRINK);
  if (store === null) errors.push(UNKNOWN_STORE);
  const priceCents = centsOf(request.price);
  if (priceCents === null) wrong("price", "must be above 0, at most 10000, with at most two decimals");
  const eventTimeMs = request.timestamp === undefined ? nowMs : timestampMs(request.timestamp);
  const late = eventTimeProblem(eventTimeMs, nowMs, rules.maxEventAgeDays);
  if (late) wrong("timestamp", late);
  if (drink === null || store === null || priceCents === null || eventTimeMs === null || errors.length > 0)
    return { errors };
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
