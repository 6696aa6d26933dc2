import { expect, test } from "vitest";
import catalogue from "../../services/order-api/catalogue.json" with { type: "json" };
import { expectedOf } from "./expected.ts";
import { partsOf } from "./ids.ts";
import { openOrders } from "./orders.ts";

const run = { seed: 3, run: 9, runStartMs: 1e12, ...catalogue, probeStores: ["southend"] };
const scenario = { number: 1, iterations: 200, customers: "anybody", ordersPerIteration: 10 };

test("every order of a scenario is made again, and the probes' stores are left alone", () => {
  const all = [...expectedOf({ ...run, scenario })];
  expect(all.length).toBe(2_000);
  expect(new Set(all.map(({ id }) => id)).size).toBe(2_000);
  expect(new Set(all.map(({ store }) => store))).toEqual(new Set(["uptown", "downtown", "central"]));
  const { iteration, item, id, ...content } = all[1_234] ?? all[0] ?? { iteration: 0, item: 0, id: "" };
  expect(partsOf(id)).toEqual({ run: 9, scenario: 1, iteration: 123, item: 4, runStartMs: 1e12 });
  const stores = catalogue.stores.filter((store) => store !== "southend");
  const orders = openOrders({ seed: 3, stores, drinks: catalogue.drinks });
  expect(content).toEqual(orders.contentOf("anybody", 1, iteration, item));
});

test("probes go round their stores", () => {
  const probe = { number: 5, iterations: 3, customers: "anybody", ordersPerIteration: 1 };
  const stores = ["central", "southend"];
  const all = [...expectedOf({ ...run, probeStores: stores, scenario: probe })];
  expect(all.map(({ store, drink, priceCents }) => [store, drink, priceCents])).toEqual([
    ["central", "cappuccino", 425],
    ["southend", "cappuccino", 425],
    ["central", "cappuccino", 425],
  ]);
});
