import fc from "fast-check";
import { expect, test } from "vitest";
import { catalogueFrom } from "#shared/domain/catalogue.ts";
import { favouriteAt, weightsByRank } from "#shared/domain/demand.ts";
import { orderFrom } from "#shared/domain/order.ts";
import catalogue from "../../services/order-api/catalogue.json" with { type: "json" };
import { type Customers, openOrders, probeBody } from "./orders.ts";

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

test("the same place holds the same order, and what is sent is what is expected", () => {
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

test("these orders stay as they are: what was once recorded can be audited later", () => {
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

test("stores are as busy as their weights say, drinks sell as in a shop, and prices differ", () => {
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

test("at every store half of the drinks follow its own taste", () => {
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

test("regulars keep their store and drink, lovers their drink alone", () => {
  const stores = Array.from({ length: 1_000 }, (_, index) => `store ${index}`);
  const pairs = (customers: Customers) =>
    new Set(drawn(20_000, customers, stores).map(({ store, drink }) => `${store} ${drink}`)).size;
  expect(pairs("regulars")).toBeLessThanOrEqual(200);
  expect(pairs("lovers")).toBeGreaterThan(1_000);
  expect(new Set(drawn(20_000, "lovers", stores).map(({ store }) => store)).size).toBeGreaterThan(900);
});

test("of ten thousand stores the last ones sell too", () => {
  const stores = Array.from({ length: 10_000 }, (_, index) => String(index));
  const sold = drawn(20_000, "anybody", stores).map(({ store }) => Number(store));
  expect(shareOf(sold, (index) => index > 9_000)).toBeGreaterThan(0.005);
  expect(shareOf(sold, (index) => index < 100)).toBeGreaterThan(0.3);
});

test("users of the app send a decimal text and the time", () => {
  const nowMs = Date.UTC(2026, 10, 21, 10);
  const { price, timestamp } = JSON.parse(opened(1).textOf("app", 4, 0, 0, nowMs));
  expect(price).toMatch(/^\d+\.\d\d$/);
  expect(timestamp).toBe("2026-11-21T10:00:00.000Z");
});

test("a probe's order is one that the API takes", () => {
  const body = JSON.parse(probeBody("latte", "uptown"));
  expect(orderFrom(body, ID, Date.now(), rules)).toMatchObject({
    order: { drink: "latte", store: "uptown", priceCents: 450 },
  });
});
