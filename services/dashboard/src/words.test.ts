import { expect, test } from "vitest";
import { keyProblem, ORDER_ID_PATTERN } from "../../../shared/domain/order-id.ts";
import { searchFor, viewIn } from "./address.ts";
import { apiUrl, asSentence } from "./api.ts";
import { formatsFor } from "./format.ts";
import { madeUpOrder } from "./made-up.ts";
import { lookOf } from "./modes.ts";
import { orderIdOf } from "./order-id.ts";
import { barsSummary } from "./summary.ts";

const formats = formatsFor({ locale: "en-US", timeZone: "UTC", currency: "USD" });

test("a view is found again by its address, and nonsense in it is left out", () => {
  const view = { mode: "v2", range: "7d", measure: "revenue" } as const;
  expect(viewIn(searchFor(view))).toEqual(view);
  expect(searchFor(viewIn(""))).toBe("");
  expect(viewIn("?mode=<script>&range=century&show=everything")).toEqual(viewIn(""));
});

test("the API is where the page is, under whatever path, or where the page was told", () => {
  expect(apiUrl("", "http://x:1/?mode=v1#race")).toBe("http://x:1/");
  expect(apiUrl(null, "https://x/coffee/index.html?a")).toBe("https://x/coffee/");
  expect(apiUrl("http://api:8005", "http://page:3000/")).toBe("http://api:8005/");
  expect(apiUrl("https://x/api-of-coffee", "http://page:3000/")).toBe("https://x/api-of-coffee/");
});

test("an order's key is a UUIDv7 that the API takes", () => {
  const nowMs = Date.parse("2026-01-15T10:00:00Z");
  for (let byte = 0; byte < 256; byte++) {
    const id = orderIdOf(nowMs, new Uint8Array(10).fill(byte));
    expect(id).toMatch(new RegExp(ORDER_ID_PATTERN));
    expect(keyProblem(id, nowMs)).toBeNull();
  }
  expect(orderIdOf(nowMs, new Uint8Array(10))).toBe("019bc119-0100-7000-8000-000000000000");
});

test("a made-up order is of the catalogue, with a price that is one", () => {
  const names = { count: 1, names: ["only"] };
  const setup = { modes: [], stores: names, drinks: names, currency: null, page_orders_per_second: 1 };
  for (const random of [0, 0.5, 0.999_999])
    expect(madeUpOrder(setup, () => random)).toEqual({
      drink: "only",
      store: "only",
      price: expect.toSatisfy(
        (price: number) => price >= 2.5 && price <= 6.5 && Number.isInteger(price * 10),
      ),
    });
});

test("a chart in words has its sum and its best", () => {
  const bars = [1, 5, 2].map((orders, index) => ({
    startMs: index,
    orders,
    revenue: orders * 0.1,
    isRunning: false,
    isKnown: true,
  }));
  const named = (startMs: number): string => `bar ${startMs}`;
  expect(barsSummary(bars, "orders", formats, named)).toBe("8 orders in all; the most, 5 orders, at bar 1.");
  expect(barsSummary(bars, "revenue", formats, named)).toBe("$0.80 in all; the most, $0.50, at bar 1.");
  const none = bars.map((bar) => ({ ...bar, orders: 0 }));
  expect(barsSummary(none, "orders", formats, named)).toBe("Nothing was sold in this time.");
  const unknown = bars.map((bar, index) => ({ ...bar, isKnown: index === 0 }));
  expect(barsSummary(unknown, "orders", formats, named)).toBe(
    "1 order in all; the most, 1 order, at bar 0. From bar 1 on it is not known.",
  );
  expect(barsSummary([], "orders", formats, named)).toBe("What was sold in this time is not known.");
});

test("modes differ in colour, shape and dash", () => {
  const looks = ["v1", "v2", "v3"].map(lookOf);
  for (const part of ["colour", "shape", "dash"] as const)
    expect(new Set(looks.map((look) => JSON.stringify(look[part]))).size).toBe(3);
});

test("what a server says becomes a sentence", () => {
  expect([asSentence("too many wait; not taken"), asSentence("Done.")]).toEqual([
    "Too many wait; not taken.",
    "Done.",
  ]);
});
