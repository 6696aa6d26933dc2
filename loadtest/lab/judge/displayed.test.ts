import { expect, test } from "vitest";
import { differencesIn } from "./displayed.ts";

const sold = (name: string, orders: number) => ({ name, orders, cents: orders * 450 });
const want = {
  figures: { orders: 30, hourOrders: 30, hourCents: 13_500, topDrinks: ["latte", "tea"] },
  drinks: [sold("latte", 20), sold("tea", 10)],
  stores: [sold("uptown", 30)],
};

test("what a board shows otherwise is told in few words", () => {
  const shown = { ...want, drinks: [sold("latte", 21)] };
  expect(differencesIn(want, shown)).toBe("latte 21 orders instead of 20, tea 0 orders instead of 10");
  const figures = { ...want.figures, orders: 31, hourOrders: 31, hourCents: 13_950 };
  expect(differencesIn(want, { ...shown, figures })).toBe(
    "orders 31 instead of 30, hourOrders 31 instead of 30, hourCents 13950 instead of 13500 and 2 more",
  );
  expect(differencesIn(want, { ...want, stores: [...want.stores, sold("nowhere", 1)] })).toBe(
    "something that was not sold",
  );
});
