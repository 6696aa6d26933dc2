import fc from "fast-check";
import { expect, test } from "vitest";
import { byAccepted, byOrders, type RecentOrder, type Sales } from "./board.ts";

const sales = fc.record({ name: fc.string({ maxLength: 3 }), orders: fc.nat(3), cents: fc.nat(9) });
const recent = fc
  .record({ id: fc.string({ maxLength: 2 }), acceptedAtMs: fc.nat(3) })
  .map((order): RecentOrder => ({ ...order, drink: "latte", store: "uptown", cents: 450, eventTimeMs: 0 }));

test("most orders come first, ties by name, whatever the revenue", () => {
  const list: Sales[] = [
    { name: "mocha", orders: 2, cents: 1_000 },
    { name: "latte", orders: 2, cents: 1 },
    { name: "tea", orders: 9, cents: 5 },
    { name: "Zimt", orders: 2, cents: 7 },
  ];
  expect([...list].sort(byOrders).map((s) => s.name)).toEqual(["tea", "Zimt", "latte", "mocha"]);
});

test("the order accepted last comes first, ties by id", () => {
  const at = (id: string, acceptedAtMs: number): RecentOrder => ({
    id,
    acceptedAtMs,
    drink: "latte",
    store: "uptown",
    cents: 450,
    eventTimeMs: 0,
  });
  const list = [at("b", 1), at("c", 1), at("a", 2)];
  expect([...list].sort(byAccepted).map((order) => order.id)).toEqual(["a", "c", "b"]);
});

test("every reader sorts any list alike, however it came", () => {
  fc.assert(
    fc.property(fc.array(sales), fc.array(recent), (list, orders) => {
      const key = ({ name, orders }: Sales): string => `${orders} ${name}`;
      expect([...list].sort(byOrders).map(key)).toEqual([...list].reverse().sort(byOrders).map(key));
      const idAndTime = ({ id, acceptedAtMs }: RecentOrder): string => `${acceptedAtMs} ${id}`;
      expect([...orders].sort(byAccepted).map(idAndTime)).toEqual(
        [...orders].reverse().sort(byAccepted).map(idAndTime),
      );
    }),
  );
});
