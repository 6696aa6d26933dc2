import fc from "fast-check";
import { expect, test } from "vitest";
import { byAccepted, byOrders, type RecentOrder, type Sales } from "./board.ts";

const sold = (name: string, orders: number, cents: number): Sales => ({ name, orders, cents });
const recent = (id: string, acceptedAtMs: number): RecentOrder => ({
  id,
  acceptedAtMs,
  drink: "latte",
  store: "uptown",
  cents: 450,
  eventTimeMs: 0,
});

test("sorts sales by orders, then by name, whatever the revenue", () => {
  const list = [sold("mocha", 2, 1_000), sold("latte", 2, 1), sold("tea", 9, 5), sold("Zimt", 2, 7)];
  expect(list.sort(byOrders).map(({ name }) => name)).toEqual(["tea", "Zimt", "latte", "mocha"]);
});

test("sorts recent orders by acceptance, latest first, then by id", () => {
  const list = [recent("b", 1), recent("c", 1), recent("a", 2)];
  expect(list.sort(byAccepted).map(({ id }) => id)).toEqual(["a", "c", "b"]);
});

test("sorts a list equally from any order", () => {
  const sales = fc.tuple(fc.string({ maxLength: 3 }), fc.nat(3), fc.nat(9)).map((each) => sold(...each));
  const orders = fc.tuple(fc.string({ maxLength: 2 }), fc.nat(3)).map((each) => recent(...each));
  fc.assert(
    fc.property(fc.array(sales), fc.array(orders), (list, accepted) => {
      const key = ({ name, orders: n }: Sales): string => `${n} ${name}`;
      expect(list.toSorted(byOrders).map(key)).toEqual(list.toReversed().sort(byOrders).map(key));
      expect(accepted.toSorted(byAccepted)).toEqual(accepted.toReversed().sort(byAccepted));
    }),
  );
});
