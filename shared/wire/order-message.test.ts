import fc from "fast-check";
import { expect, test } from "vitest";
import { catalogueFrom } from "../domain/catalogue.ts";
import { type Order, type OrderRequest, orderFrom } from "../domain/order.ts";
import { encodeOrder, encodeOrders, fingerprintOf, messageOf } from "./order-message.ts";

const id = "019bc0a5-5c00-7000-8000-000000000001";
const now = Date.UTC(2026, 0, 15, 10, 0, 0, 500);
const catalogue = catalogueFrom({ stores: ["uptown", 'a "b"\\ ☕\n'], drinks: ["latte", "mocha"] });

const orderOf = (request: Partial<OrderRequest>, nowMs = now): Order => {
  const full = { drink: "latte", store: "uptown", price: 4.5, ...request };
  const checked = orderFrom(full, id, nowMs, { catalogue, maxEventAgeDays: 366 });
  if ("errors" in checked) throw new Error(JSON.stringify(checked.errors));
  return checked.order;
};

test("a message has the members that json_to_recordset reads, with exact values", () => {
  expect(JSON.parse(encodeOrder(orderOf({ timestamp: "2026-01-15T10:00:00.250+01:00" })))).toEqual({
    id,
    store: "uptown",
    drink: "latte",
    price_cents: 450,
    event_time: "2026-01-15T09:00:00.250Z",
    accepted_at: "2026-01-15T10:00:00.500Z",
    fingerprint: expect.stringMatching(/^\\x[0-9a-f]{32}$/),
  });
});

test("several orders are an array of their messages, in order", () => {
  const orders = [orderOf({}), orderOf({ store: 'a "b"\\ ☕\n' }), orderOf({ price: "0.01" })];
  expect(JSON.parse(encodeOrders(orders))).toEqual(orders.map(messageOf));
  expect(encodeOrders(orders)).toBe(`[${orders.map(encodeOrder).join(",")}]`);
  expect(encodeOrders([])).toBe("[]");
});

test("the fingerprint depends on the body alone, and does not change with a release", () => {
  const first = orderOf({});
  expect(fingerprintOf({ ...first, id: "another", acceptedAtMs: 0, eventTimeMs: 0 })).toBe(
    fingerprintOf(first),
  );
  expect(fingerprintOf(orderOf({ price: "4.50" }, now + 60_000))).toBe(fingerprintOf(first));
  // stored fingerprints are compared with new ones; this one is the output of
  // `printf 'latte\0uptown\000450\0' | sha256sum | cut -c 1-32`
  expect(fingerprintOf(first)).toBe("\\x304ff3103a6a26e7002e339ab10f5f02");
});

test("different bodies have different fingerprints", () => {
  const requests = fc.record(
    {
      drink: fc.constantFrom("latte", "mocha"),
      store: fc.constantFrom("uptown", 'a "b"\\ ☕\n'),
      price: fc.integer({ min: 1, max: 1_000_000 }).map((cents) => cents / 100),
      timestamp: fc.integer({ min: now - 86_400_000, max: now }).map((ms) => new Date(ms).toISOString()),
    },
    { requiredKeys: ["drink", "store", "price"] },
  );
  fc.assert(
    fc.property(fc.uniqueArray(requests, { maxLength: 20, selector: (r) => JSON.stringify(r) }), (list) => {
      const fingerprints = list.map((request) => fingerprintOf(orderOf(request)));
      const bodies = list.map((request) => orderOf(request).body);
      expect(new Set(fingerprints).size).toBe(new Set(bodies).size);
    }),
  );
});
