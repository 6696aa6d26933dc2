import fc from "fast-check";
import { expect, test } from "vitest";
import { catalogueFrom } from "./catalogue.ts";
import {
  demandAt,
  favouriteAt,
  ITEMS_PER_SALE,
  menuCents,
  openCustomers,
  PERCENT_BY_HOUR,
  weightsByRank,
} from "./demand.ts";
import { orderFrom } from "./order.ts";
import { DAY_MS, HOUR_MS } from "./time.ts";

const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 20 }), { minLength: 1, maxLength: 30 });
const monday = Date.UTC(2026, 0, 12);
const city = catalogueFrom({
  stores: ["uptown", "downtown", "central", "southend"],
  drinks: ["cappuccino", "americano", "latte", "mocha"],
});

test("generates orders that the API accepts", () => {
  fc.assert(
    fc.property(names, names, fc.nat(), fc.nat(DAY_MS), (stores, drinks, seed, sinceMidnight) => {
      const catalogue = catalogueFrom({ stores, drinks });
      const customers = openCustomers(seed, catalogue);
      const nowMs = monday + sinceMidnight;
      for (let sale = 0; sale < 10; sale++)
        for (const request of customers.nextSale(nowMs))
          expect(orderFrom(request, "id", nowMs, { catalogue, maxEventAgeDays: 366 })).toHaveProperty(
            "order",
          );
    }),
  );
});

test("generates the same customers for the same seed", () => {
  const sales = (seed: number) => {
    const customers = openCustomers(seed, city);
    return Array.from({ length: 50 }, (_, index) => customers.nextSale(monday + index * 60_000));
  };
  expect(sales(5)).toEqual(sales(5));
  expect(sales(5)).not.toEqual(sales(6));
});

test("generates the measured number of items per sale at any time of day", () => {
  for (const hour of [9, 15]) {
    const customers = openCustomers(1, city);
    let items = 0;
    for (let sale = 0; sale < 20_000; sale++) items += customers.nextSale(monday + hour * HOUR_MS).length;
    expect(Math.abs(items / 20_000 - ITEMS_PER_SALE)).toBeLessThan(0.08);
  }
});

test("lets groups buy by the favourites of their store", () => {
  const counts = new Map<string, number[]>();
  const customers = openCustomers(2, city);
  for (let sale = 0; sale < 40_000; sale++) {
    const orders = customers.nextSale(monday + 15 * HOUR_MS);
    if (orders.length === 1) continue;
    for (const { store, drink } of orders) {
      const ofStore = counts.get(store) ?? city.drinks.map(() => 0);
      const index = city.drinks.indexOf(drink);
      ofStore[index] = (ofStore[index] ?? 0) + 1;
      counts.set(store, ofStore);
    }
  }
  const weights = weightsByRank(4);
  const sum = weights.reduce((a, b) => a + b);
  for (const store of city.stores) {
    const seen = counts.get(store) ?? [];
    const total = seen.reduce((a, b) => a + b);
    const shift = favouriteAt(store, 4);
    const declared = weights.map(
      (weight, index) => (weight + (weights[(index - shift + 4) % 4] ?? 0)) / 2 / sum,
    );
    for (const [index, share] of declared.entries())
      expect(Math.abs((seen[index] ?? 0) / total - share)).toBeLessThan(0.02);
  }
});

test("returns a demand of mean 1 over a week's open hours, with the shop's daily curve", () => {
  let sum = 0;
  for (let minute = 0; minute < 7 * 24 * 60; minute++) sum += demandAt(monday + minute * 60_000);
  expect(sum / (7 * Object.keys(PERCENT_BY_HOUR).length * 60)).toBeCloseTo(1, 3);
  const at = (day: number, hour: number) => demandAt(monday + day * DAY_MS + hour * HOUR_MS);
  expect(at(0, 3)).toBe(0);
  expect(at(0, 11.5)).toBeGreaterThan(at(0, 9.5));
  expect(at(5, 11.5) / at(0, 11.5)).toBeCloseTo(22.6 / 11.2);
  expect(at(5, 11.5)).toBeCloseTo(3.35, 1);
});

test("has one price for each drink, whatever its case", () => {
  expect(menuCents("Cappuccino")).toBe(425);
  fc.assert(
    fc.property(fc.string(), (drink) => {
      expect(menuCents(drink)).toBe(menuCents(drink));
      expect(menuCents(drink) % 5).toBe(0);
      expect(menuCents(drink)).toBeGreaterThanOrEqual(250);
      expect(menuCents(drink)).toBeLessThanOrEqual(550);
    }),
  );
});
