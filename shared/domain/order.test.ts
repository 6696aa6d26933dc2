import fc from "fast-check";
import { expect, test } from "vitest";
import { catalogueFrom } from "./catalogue.ts";
import { type Order, type OrderRequest, orderFrom } from "./order.ts";
import { iso } from "./time.ts";

const rules = {
  catalogue: catalogueFrom({ stores: ["uptown", "central"], drinks: ["latte", "mocha"] }),
  maxEventAgeDays: 366,
};
const now = Date.UTC(2026, 0, 15, 10, 0, 0, 500);
const latte: OrderRequest = { drink: "latte", store: "uptown", price: 4.5 };

const read = (request: OrderRequest, nowMs = now) => orderFrom(request, "id", nowMs, rules);
const orderOf = (request: OrderRequest, nowMs = now): Order => {
  const result = read(request, nowMs);
  if ("errors" in result) throw new Error(JSON.stringify(result.errors));
  return result.order;
};
const fieldsOf = (request: OrderRequest): string[] => {
  const result = read(request);
  return "errors" in result ? result.errors.map((error) => error.field) : [];
};

test("a request without a timestamp is an order of now", () => {
  const { body, ...order } = orderOf(latte);
  expect(order).toEqual({
    id: "id",
    drink: "latte",
    store: "uptown",
    priceCents: 450,
    eventTimeMs: now,
    acceptedAtMs: now,
  });
  expect(body).not.toBe("");
});

test("a timestamp decides the event time, never the time of acceptance", () => {
  const order = orderOf({ ...latte, timestamp: "2026-01-15T11:00:00+01:30" });
  expect(order.eventTimeMs).toBe(Date.UTC(2026, 0, 15, 9, 30));
  expect(order.acceptedAtMs).toBe(now);
});

test("every wrong field is told at once", () => {
  expect(fieldsOf({ drink: "tea", store: "mars", price: 0, timestamp: "2026-02-30T00:00:00Z" })).toEqual([
    "drink",
    "store",
    "price",
    "timestamp",
  ]);
  expect(fieldsOf({ ...latte, drink: "Latte" })).toEqual(["drink"]);
  expect(fieldsOf({ ...latte, store: "toString" })).toEqual(["store"]);
  expect(fieldsOf({ ...latte, price: "4.505" })).toEqual(["price"]);
  expect(fieldsOf({ ...latte, timestamp: "" })).toEqual(["timestamp"]);
});

test("the bounds of event time are exact", () => {
  const at = (ms: number): string[] => fieldsOf({ ...latte, timestamp: iso(ms) });
  expect(at(now + 300_000)).toEqual([]);
  expect(at(now + 300_001)).toEqual(["timestamp"]);
  expect(at(now - 366 * 86_400_000)).toEqual([]);
  expect(at(now - 366 * 86_400_000 - 1)).toEqual(["timestamp"]);
});

test("the fingerprinted body is what was sent, not when it came", () => {
  const bodyOf = (request: OrderRequest, nowMs = now) => orderOf(request, nowMs).body;
  expect(bodyOf(latte, now)).toBe(bodyOf(latte, now + 60_000));
  expect(bodyOf(latte)).toBe(bodyOf({ ...latte, price: "4.50" }));
  expect(bodyOf({ ...latte, price: "4.5" })).toBe(bodyOf({ ...latte, price: "04.50" }));
  // an absent timestamp stays absent, also beside one that says the same moment
  expect(bodyOf(latte)).not.toBe(bodyOf({ ...latte, timestamp: iso(now) }));
  expect(bodyOf({ ...latte, timestamp: "2026-01-15T10:00:00Z" })).toBe(
    bodyOf({ ...latte, timestamp: "2026-01-15t11:00:00.000+01:00" }),
  );
  const others: OrderRequest[] = [
    { ...latte, drink: "mocha" },
    { ...latte, store: "central" },
    { ...latte, price: 4.51 },
    { ...latte, timestamp: iso(now - 1) },
    { ...latte, timestamp: iso(now) },
  ];
  expect(new Set([latte, ...others].map((request) => bodyOf(request))).size).toBe(others.length + 1);
});

test("two requests have one body exactly when they say the same", () => {
  const names = fc.uniqueArray(fc.string({ unit: "binary", minLength: 1, maxLength: 3 }), {
    minLength: 1,
    maxLength: 5,
  });
  const requests = fc.record({
    drink: fc.nat(4),
    store: fc.nat(4),
    cents: fc.constantFrom(1, 11, 111),
    minutesAgo: fc.option(fc.nat(2), { nil: undefined }),
  });
  fc.assert(
    fc.property(names, requests, requests, (listed, a, b) => {
      fc.pre(listed.every((name) => !name.includes("\0")));
      const catalogue = catalogueFrom({ stores: listed, drinks: listed });
      const nameAt = (index: number): string => listed[index % listed.length] ?? "";
      const told = ({ drink, store, cents, minutesAgo }: typeof a): OrderRequest => ({
        drink: nameAt(drink),
        store: nameAt(store),
        price: cents / 100,
        ...(minutesAgo !== undefined && { timestamp: iso(now - minutesAgo * 60_000) }),
      });
      const bodies = [told(a), told(b)].map((request) => {
        const result = orderFrom(request, "id", now, { catalogue, maxEventAgeDays: 1 });
        return "order" in result ? result.order.body : expect.fail("a valid request");
      });
      expect(bodies[0] === bodies[1]).toBe(JSON.stringify(told(a)) === JSON.stringify(told(b)));
    }),
  );
});

test("nothing is sold before the year 2000, however many days are allowed", () => {
  const long = { ...rules, maxEventAgeDays: 36_500 };
  const at = (timestamp: string) => orderFrom({ ...latte, timestamp }, "id", now, long);
  const errors = [{ field: "timestamp", message: "must not be before the year 2000" }];
  expect(at("1999-12-31T23:59:59Z")).toEqual({ errors });
  expect(at("2000-01-01T00:00:00Z")).toHaveProperty("order");
});
