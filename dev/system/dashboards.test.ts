import { expect, test } from "vitest";
import { differencesIn, type Shown } from "./dashboards.ts";

const sales = (...of: readonly (readonly [name: string, orders: number])[]): Shown["drinks"] =>
  new Map(of.map(([name, orders]) => [name, { orders, cents: orders * 450 }]));
const want: Shown = {
  figures: { orders: 30, hourOrders: 30, hourCents: 13_500, topDrinks: ["latte", "tea"] },
  drinks: sales(["latte", 20], ["tea", 10]),
  stores: sales(["uptown", 30]),
};

test("finds no difference when everything is shown", () => {
  expect(differencesIn(want, { ...want, drinks: sales(["tea", 10], ["latte", 20], ["mocha", 0]) })).toEqual(
    [],
  );
});

test("names each figure that differs", () => {
  const figures = { ...want.figures, hourCents: 13_501, topDrinks: ["tea", "latte"] };
  expect(differencesIn(want, { ...want, figures })).toEqual([
    "hourCents 13501 instead of 13500",
    "topDrinks tea,latte instead of latte,tea",
  ]);
});

test("names drinks and stores that differ, are missing, or were not sold", () => {
  const cheap = new Map([["latte", { orders: 20, cents: 1 }]]);
  expect(differencesIn(want, { ...want, drinks: cheap })).toEqual([
    "latte 20 orders for 1 cents instead of 20 orders for 9000 cents",
    "tea 0 orders instead of 10 orders for 4500 cents",
  ]);
  expect(differencesIn(want, { ...want, stores: sales(["uptown", 30], ["nowhere", 1]) })).toEqual([
    "nowhere 1 orders for 450 cents instead of 0 orders",
  ]);
});

test("needs the fifty best stores, and the right sales of every other one that is shown", () => {
  const many = sales(...Array.from({ length: 60 }, (_, index) => [`store ${index}`, 100 - index] as const));
  const first = [...many].slice(0, 50);
  expect(differencesIn({ ...want, stores: many }, { ...want, stores: new Map(first) })).toEqual([]);
  expect(differencesIn({ ...want, stores: many }, { ...want, stores: new Map(first.slice(1)) })).toHaveLength(
    1,
  );
  const pinned = new Map([...first, ["store 55", { orders: 44, cents: 44 * 450 }]]);
  expect(differencesIn({ ...want, stores: many }, { ...want, stores: pinned })).toHaveLength(1);
});
