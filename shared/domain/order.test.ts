import fc from "fast-check";
import { v4, v7 } from "uuid";
import { expect, test } from "vitest";
import { catalogueFrom } from "./catalogue.ts";
import {
  centsOf,
  idTimeMs,
  KEY_MAX_AGE_MS,
  KEY_MAX_AHEAD_MS,
  keyProblem,
  MAX_PRICE_CENTS,
  type Order,
  type OrderRequest,
  orderFrom,
  PRICE_PATTERN,
  priceOf,
} from "./order.ts";
import { DAY_MS, iso } from "./time.ts";

const now = Date.UTC(2026, 0, 15, 10, 0, 0, 123);

test("idTimeMs returns the time in a UUIDv7, in either case", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), (msecs) => {
      expect(idTimeMs(v7({ msecs }))).toBe(msecs);
      expect(idTimeMs(v7({ msecs }).toUpperCase())).toBe(msecs);
    }),
  );
});

test.each([
  [0, null],
  [-KEY_MAX_AGE_MS, null],
  [-KEY_MAX_AGE_MS - 1, "31 days"],
  [KEY_MAX_AHEAD_MS, null],
  [KEY_MAX_AHEAD_MS + 1, "5 minutes ahead"],
  [-now, "31 days"],
  [2 ** 48 - 1 - now, "5 minutes ahead"],
])("a key of %i ms from now: %s", (offsetMs, problem) => {
  expect([KEY_MAX_AGE_MS, KEY_MAX_AHEAD_MS]).toEqual([31 * DAY_MS, 300_000]);
  for (const key of [v7({ msecs: now + offsetMs }), v7({ msecs: now + offsetMs }).toUpperCase()])
    if (problem === null) expect(keyProblem(key, now)).toBeNull();
    else expect(keyProblem(key, now)).toContain(problem);
});

test("only a UUIDv7 is a key", () => {
  const good = v7({ msecs: now });
  const nil = "00000000-0000-0000-0000-000000000000";
  const bad = ["", "1", v4(), nil, nil.replaceAll("0", "f"), good.replaceAll("-", ""), good.slice(1)];
  bad.push(`{${good}}`, `${good} `, `${good}\n`, `${good}0`, `g${good.slice(1)}`, `${good}, ${good}`);
  // the variant's two bits must be 10
  bad.push(`${good.slice(0, 19)}7${good.slice(20)}`, `${good.slice(0, 19)}c${good.slice(20)}`);
  for (const key of bad) expect([key, keyProblem(key, now)]).toEqual([key, "must be a UUIDv7 (RFC 9562)"]);
});

/** 1234 as "12.34", by the digits alone. */
const textOf = (cents: number): string => {
  const digits = String(cents).padStart(3, "0");
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`;
};

test("every amount is converted exactly, from a number and from text", () => {
  const lost: number[] = [];
  for (let cents = 1; cents <= MAX_PRICE_CENTS; cents++) {
    const text = textOf(cents);
    const isExact =
      centsOf(text) === cents && centsOf(Number(text)) === cents && priceOf(cents) === Number(text);
    if (!isExact) lost.push(cents);
  }
  expect(lost).toEqual([]);
});

test.each([
  ["4", 400],
  ["4.5", 450],
  [4.5, 450],
  ["0004.50", 450],
  ["10000.00", MAX_PRICE_CENTS],
  [1e4, MAX_PRICE_CENTS],
])("%j is a price", (price, cents) => expect(centsOf(price)).toBe(cents));

test.each([
  ["0", [0, -0, "0", "0.00", "00000"]],
  ["a negative amount", [-1, -0.01, "-1", "-0.01"]],
  ["too large an amount", [10_000.01, 10_001, "10000.01", "10001", "99999.99", "100000", 1e21]],
  ["three decimals", [4.505, 0.001, 0.005, 1e-9, 5e-324, "4.505", "4.500", "0.001"]],
  [
    "a value that is not a number",
    [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, "NaN", "Infinity", ""],
  ],
  ["a number beyond any double", [JSON.parse("1e400"), "1e400", JSON.parse("-1e400"), "9".repeat(400)]],
  [
    "another notation",
    ["1e2", "0x10", "+1", " 1", "1 ", "1\n", "1,50", ".5", "5.", "1_000", "1.5.0", "٤", "4,"],
  ],
])("%s is not a price", (_, prices: (number | string)[]) => {
  for (const price of prices) expect([price, centsOf(price)]).toEqual([price, null]);
});

test("a fraction of a cent is not a price, however small", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: MAX_PRICE_CENTS - 1 }),
      fc.integer({ min: 1, max: 99 }),
      (cents, part) => {
        expect(centsOf(Number(`${textOf(cents)}${String(part).padStart(2, "0")}`))).toBeNull();
      },
    ),
  );
});

test("any double is rejected or converted exactly", () => {
  fc.assert(
    fc.property(fc.oneof(fc.double(), fc.double({ min: 0, max: 10_001 })), (price) => {
      const cents = centsOf(price);
      if (cents === null) return;
      expect(Number.isInteger(cents) && cents >= 1 && cents <= MAX_PRICE_CENTS).toBe(true);
      expect(priceOf(cents)).toBe(price);
    }),
  );
});

test("any text is rejected or converted to its decimal value", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^\d{1,6}\.?\d{0,3}$/)), (text) => {
      const cents = centsOf(text);
      expect(cents === null || Math.round(Number(text) * 100) === cents).toBe(true);
      expect(new RegExp(PRICE_PATTERN).test(text)).toBe(cents !== null);
    }),
  );
});

const rules = {
  catalogue: catalogueFrom({ stores: ["uptown", "central"], drinks: ["latte", "mocha"] }),
  maxEventAgeDays: 366,
};
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

test("a request without a timestamp is an order sold now", () => {
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

test("a timestamp sets the event time, never the time of acceptance", () => {
  const order = orderOf({ ...latte, timestamp: "2026-01-15T11:00:00+01:30" });
  expect(order.eventTimeMs).toBe(Date.UTC(2026, 0, 15, 9, 30));
  expect(order.acceptedAtMs).toBe(now);
});

test("all wrong fields are returned at once", () => {
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
  expect(at(now - 366 * DAY_MS)).toEqual([]);
  expect(at(now - 366 * DAY_MS - 1)).toEqual(["timestamp"]);
});

test("the body depends on what was sent, not on when", () => {
  const bodyOf = (request: OrderRequest, nowMs = now) => orderOf(request, nowMs).body;
  expect(bodyOf(latte, now)).toBe(bodyOf(latte, now + 60_000));
  expect(bodyOf(latte)).toBe(bodyOf({ ...latte, price: "4.50" }));
  expect(bodyOf({ ...latte, price: "4.5" })).toBe(bodyOf({ ...latte, price: "04.50" }));
  // an absent timestamp differs from one of the same time
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

test("two requests have the same body only if they have the same members", () => {
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
      const requestOf = ({ drink, store, cents, minutesAgo }: typeof a): OrderRequest => ({
        drink: nameAt(drink),
        store: nameAt(store),
        price: cents / 100,
        ...(minutesAgo !== undefined && { timestamp: iso(now - minutesAgo * 60_000) }),
      });
      const bodies = [requestOf(a), requestOf(b)].map((request) => {
        const result = orderFrom(request, "id", now, { catalogue, maxEventAgeDays: 1 });
        return "order" in result ? result.order.body : expect.fail("a valid request");
      });
      expect(bodies[0] === bodies[1]).toBe(JSON.stringify(requestOf(a)) === JSON.stringify(requestOf(b)));
    }),
  );
});

test("rejects sales before the year 2000, however many days are allowed", () => {
  const long = { ...rules, maxEventAgeDays: 36_500 };
  const at = (timestamp: string) => orderFrom({ ...latte, timestamp }, "id", now, long);
  const errors = [{ field: "timestamp", message: "must not be before the year 2000" }];
  expect(at("1999-12-31T23:59:59Z")).toEqual({ errors });
  expect(at("2000-01-01T00:00:00Z")).toHaveProperty("order");
});
