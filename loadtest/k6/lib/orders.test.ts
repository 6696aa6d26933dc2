import fc from "fast-check";
import { expect, test } from "vitest";
import { catalogueFrom } from "#shared/domain/catalogue.ts";
import { favouriteAt, weightsByRank } from "#shared/domain/demand.ts";
import { orderFrom } from "#shared/domain/order.ts";
import catalogue from "../../../services/order-api/catalogue.json" with { type: "json" };
import { partsOf } from "./ids.ts";
import { type Customers, contentsOf, openOrderRequests, openOrders, probeBody } from "./orders.ts";
import type { Planned } from "./plan.ts";
import { settingsFrom } from "./settings.ts";

const KINDS: readonly Customers[] = ["anybody", "regulars", "lovers", "app"];
const opened = (seed: number, stores: readonly string[] = catalogue.stores) =>
  openOrders({ seed, stores, drinks: catalogue.drinks });
const rules = { catalogue: catalogueFrom(catalogue), maxEventAgeDays: 366 };
const ID = "01a1fbfe-483e-7000-8000-000000000000";

const place = fc.record({
  customers: fc.constantFrom(...KINDS),
  scenario: fc.nat(15),
  iteration: fc.nat(2 ** 26 - 1),
  item: fc.nat(1023),
});

test("makes the same order for the same place, in a request and for the audit", () => {
  const nowMs = Date.now();
  fc.assert(
    fc.property(fc.nat(2 ** 32 - 1), place, (seed, { customers, scenario, iteration, item }) => {
      const content = opened(seed).contentOf(customers, scenario, iteration, item);
      const again = opened(seed);
      again.contentOf(customers, 3, 7, 0);
      expect(again.contentOf(customers, scenario, iteration, item)).toEqual(content);
      const text = again.textOf(customers, scenario, iteration, item, nowMs);
      expect(orderFrom(JSON.parse(text), ID, nowMs, rules)).toMatchObject({ order: content });
      const { id, ...inBatch } = JSON.parse(
        again.textWithId(customers, scenario, iteration, item, nowMs, ID),
      );
      expect([id, inBatch]).toEqual([ID, JSON.parse(text)]);
    }),
  );
});

test("keeps its orders between versions, so that recorded runs can be audited later", () => {
  const orders = opened(1);
  expect([0, 1, 2].map((iteration) => orders.contentOf("anybody", 1, iteration, 0))).toMatchInlineSnapshot(`
    [
      {
        "drink": "tea",
        "priceCents": 340,
        "store": "uptown",
      },
      {
        "drink": "hot chocolate",
        "priceCents": 395,
        "store": "uptown",
      },
      {
        "drink": "americano",
        "priceCents": 390,
        "store": "downtown",
      },
    ]
  `);
});

const drawn = (count: number, customers: Customers, stores?: readonly string[]) => {
  const orders = opened(5, stores);
  return Array.from({ length: count }, (_, iteration) => orders.contentOf(customers, 1, iteration, 0));
};
const shareOf = <T>(items: readonly T[], test: (item: T) => boolean): number =>
  items.filter(test).length / items.length;

test("draws stores by their weights, drinks as in a shop, and several prices a drink", () => {
  const orders = drawn(20_000, "anybody");
  const total = 1 / 3 + 1 / 4 + 1 / 5 + 1 / 6;
  catalogue.stores.forEach((name, index) => {
    const expected = 1 / (index + 3) / total;
    // standard deviation 0.0034
    expect(Math.abs(shareOf(orders, ({ store }) => store === name) - expected)).toBeLessThan(0.017);
  });
  const best = Math.max(...catalogue.drinks.map((name) => shareOf(orders, ({ drink }) => drink === name)));
  expect(best).toBeGreaterThan(0.2);
  expect(new Set(orders.map(({ drink }) => drink)).size).toBe(catalogue.drinks.length);
  const lattes = orders.filter(({ drink }) => drink === "latte");
  expect([...new Set(lattes.map(({ priceCents }) => priceCents))].sort()).toEqual([450, 490, 525]);
});

test("draws half of the drinks of every store by its own taste", () => {
  const orders = drawn(40_000, "anybody");
  const weights = weightsByRank(catalogue.drinks.length);
  const shares = weights.map((weight) => weight / weights.reduce((sum, each) => sum + each, 0));
  for (const store of catalogue.stores) {
    const here = orders.filter((order) => order.store === store);
    const favourite = favouriteAt(store, catalogue.drinks.length);
    catalogue.drinks.forEach((name, index) => {
      const own = (index - favourite + shares.length) % shares.length;
      const expected = ((shares[index] ?? 0) + (shares[own] ?? 0)) / 2;
      // of 7 000 orders at the smallest store: standard deviation 0.006 at most
      expect(Math.abs(shareOf(here, ({ drink }) => drink === name) - expected)).toBeLessThan(0.025);
    });
  }
});

test("keeps a regular's store and drink, and a lover's drink", () => {
  const stores = Array.from({ length: 1_000 }, (_, index) => `store ${index}`);
  const pairs = (customers: Customers) =>
    new Set(drawn(20_000, customers, stores).map(({ store, drink }) => `${store} ${drink}`)).size;
  expect(pairs("regulars")).toBeLessThanOrEqual(200);
  expect(pairs("lovers")).toBeGreaterThan(1_000);
  expect(new Set(drawn(20_000, "lovers", stores).map(({ store }) => store)).size).toBeGreaterThan(900);
});

test("sells at the last of ten thousand stores", () => {
  const stores = Array.from({ length: 10_000 }, (_, index) => String(index));
  const sold = drawn(20_000, "anybody", stores).map(({ store }) => Number(store));
  expect(shareOf(sold, (index) => index > 9_000)).toBeGreaterThan(0.005);
  expect(shareOf(sold, (index) => index < 100)).toBeGreaterThan(0.3);
});

test("sends a decimal text and the time for users of the app", () => {
  const nowMs = Date.UTC(2026, 10, 21, 10);
  const { price, timestamp } = JSON.parse(opened(1).textOf("app", 4, 0, 0, nowMs));
  expect(price).toMatch(/^\d+\.\d\d$/);
  expect(timestamp).toBe("2026-11-21T10:00:00.000Z");
});

test("makes a probe's order that the API accepts", () => {
  const body = JSON.parse(probeBody("latte", "uptown"));
  expect(orderFrom(body, ID, Date.now(), rules)).toMatchObject({
    order: { drink: "latte", store: "uptown", priceCents: 450 },
  });
});

const run = { seed: 3, ...catalogue, probeStores: ["southend"] };

test("computes the orders of every request again, without the probes' stores", () => {
  const environment = { MODE: "v2", SEED: "3", RUN: "9", ORDERS_PER_REQUEST: "10" };
  const stores = catalogue.stores.filter((store) => store !== "southend");
  const orders = openOrders({ seed: 3, stores, drinks: catalogue.drinks });
  const requestOf = openOrderRequests(settingsFrom(environment, 1e12), orders);
  const planned = { number: 1, customers: "anybody" } as Planned;
  const contentOf = contentsOf({ ...run, scenario: planned });
  const { path, key, body } = requestOf(planned, 123, Date.now());
  expect([path, key]).toEqual(["/api/v2/orders", null]);
  const sent = JSON.parse(body) as { id: string; drink: string; store: string; price: number }[];
  expect(sent).toHaveLength(10);
  for (const [item, { id, drink, store, price }] of sent.entries()) {
    expect(partsOf(id)).toEqual({ run: 9, scenario: 1, iteration: 123, item, runStartMs: 1e12 });
    expect({ drink, store, priceCents: Math.round(price * 100) }).toEqual(contentOf(123, item));
  }
});

test("sends a single order under its id", () => {
  const requestOf = openOrderRequests(settingsFrom({ RUN: "9" }, 1e12), opened(1));
  const { path, key } = requestOf({ number: 4, customers: "app" } as Planned, 7, Date.now());
  expect([path, partsOf(key ?? "")?.iteration]).toEqual(["/api/v1/order", 7]);
});

test("orders for the probes' stores in turn", () => {
  const probe = { number: 5, customers: "anybody" };
  const contentOf = contentsOf({ ...run, probeStores: ["central", "southend"], scenario: probe });
  expect([0, 1, 2].map((iteration) => contentOf(iteration, 0))).toEqual(
    ["central", "southend", "central"].map((store) => ({ drink: "cappuccino", store, priceCents: 425 })),
  );
});
