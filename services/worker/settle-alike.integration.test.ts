/** Many orders in a row that fail for the same reason are a fault of the system, not of the orders. */
import { expect, test } from "vitest";
import type { Order } from "#shared/domain/order.ts";
import { openEmptiedPool } from "#shared/store/store.fixture.ts";
import { encodeOrder } from "#shared/wire/order-message.ts";
import { numberOf } from "../../dev/system/database.ts";
import { someOrders } from "../../test/fresh.ts";
import { countOf, delivered, entryOf, openSettling, withoutPrice } from "./settle.fixture.ts";

const pool = await openEmptiedPool();

const letters = (): Promise<number> => countOf(pool, "dead_letters");
const orders = (): Promise<number> => countOf(pool, "orders");
const all = (): boolean => true;
const bad = (id: number, count: number) => delivered([entryOf(someOrders(count, id), all)], id);
const good = (id: number, count: number) => delivered([entryOf(someOrders(count, id))], id);

test("20 orders that fail alike stop the worker with the cause, and nothing is set aside", async () => {
  const settling = openSettling(pool);
  await expect(settling.settle(bad(1, 20))).rejects.toThrow(
    /last 20 orders all fail alike \(23514\).*price_cents/s,
  );
  const html = Array<string>(25).fill("<html>");
  await expect(openSettling(pool).settle(delivered(html))).rejects.toThrow("the last 25 orders");
  expect([await letters(), settling.letters.length, await orders()]).toEqual([0, 0, 0]);
});

test("fewer orders, a counted order among them, or different failures are set aside", async () => {
  await openSettling(pool).settle(bad(1, 19));
  expect(await letters()).toBe(19);
  await openSettling(pool).settle(delivered([entryOf(someOrders(30), (index) => index !== 7)], 2));
  expect(await letters()).toBe(19 + 29);
  const mixed = someOrders(30).map((order, index) => (index === 7 ? "5" : withoutPrice(order)));
  await openSettling(pool).settle(delivered([`[${mixed.join(",")}]`], 3));
  expect(await letters()).toBe(19 + 29 + 30);
});

test("the row spans batches, and a counted order between them ends it", async () => {
  const { settle } = openSettling(pool);
  for (const id of [1, 2, 3]) await settle(bad(id, 5));
  await settle(good(4, 1));
  for (const id of [5, 6, 7]) await settle(bad(id, 5));
  await expect(settle(bad(8, 5))).rejects.toThrow("the last 20 orders all fail alike");
  expect(await letters()).toBe(6 * 5);
});

test("an order that another batch counts meanwhile ends the row", async () => {
  const { settle } = openSettling(pool);
  await settle(bad(1, 10));
  // order by order this takes longer than the one statement of the other batch
  await Promise.all([settle(bad(2, 10)), settle(good(3, 1))]);
  expect([await letters(), await orders()]).toEqual([20, 1]);
});

test("the first order stops the worker when stored orders would fail too, also after restarts", async () => {
  await openSettling(pool).settle(good(1, 3));
  await pool.query("ALTER TABLE orders ADD CONSTRAINT nothing CHECK (price_cents < 0) NOT VALID");
  try {
    const next = delivered([encodeOrder(someOrders(1, 2)[0] as Order)], 2);
    for (let start = 0; start < 3; start++)
      await expect(openSettling(pool).settle(next)).rejects.toThrow("good orders cannot be counted (23514)");
    expect(await letters()).toBe(0);
  } finally {
    await pool.query("ALTER TABLE orders DROP CONSTRAINT nothing");
  }
});

test("a first order that fails is set aside when stored orders still count; trying these leaves no trace", async () => {
  await openSettling(pool).settle(good(1, 3));
  await openSettling(pool).settle(bad(2, 1));
  expect([await letters(), await orders()]).toEqual([1, 3]);
  expect(await numberOf(pool, "SELECT sum(orders) FROM rollup_hour")).toBe(3);
});
