/** Orders that fail alike, and bodies that conflict: what settling a batch decides beyond single dead letters. */
import { describe, expect, test } from "vitest";
import type { Order } from "#shared/domain/order.ts";
import { openEmptiedPool } from "#shared/store/store.fixture.ts";
import { encodeOrder, encodeOrders } from "#shared/wire/order-message.ts";
import { driftOf, numberOf } from "../../dev/system/database.ts";
import { someOrders, until } from "../../test/fresh.ts";
import { countOf, delivered, entryOf, openSettling, withoutPrice } from "./settle.fixture.ts";

const pool = await openEmptiedPool();

/** Many orders in a row that fail for the same reason are an error of the system, not of the orders. */
describe("orders that fail alike", () => {
  const letters = (): Promise<number> => countOf(pool, "dead_letters");
  const orders = (): Promise<number> => countOf(pool, "orders");
  const all = (): boolean => true;
  const bad = (id: number, count: number) => delivered([entryOf(someOrders(count, id), all)], id);
  const good = (id: number, count: number) => delivered([entryOf(someOrders(count, id))], id);

  test("stop the worker with the cause when there are 20, and are not stored as dead letters", async () => {
    const settling = openSettling(pool);
    await expect(settling.settle(bad(1, 20))).rejects.toThrow(
      /last 20 orders all fail alike \(23514\).*price_cents/s,
    );
    const html = Array<string>(25).fill("<html>");
    await expect(openSettling(pool).settle(delivered(html))).rejects.toThrow("the last 25 orders");
    expect([await letters(), settling.letters.length, await orders()]).toEqual([0, 0, 0]);
  });

  test("become dead letters when there are fewer, one is counted, or their failures differ", async () => {
    await openSettling(pool).settle(bad(1, 19));
    expect(await letters()).toBe(19);
    await openSettling(pool).settle(delivered([entryOf(someOrders(30), (index) => index !== 7)], 2));
    expect(await letters()).toBe(19 + 29);
    const mixed = someOrders(30).map((order, index) => (index === 7 ? "5" : withoutPrice(order)));
    await openSettling(pool).settle(delivered([`[${mixed.join(",")}]`], 3));
    expect(await letters()).toBe(19 + 29 + 30);
  });

  test("add up over batches, until an order is counted", async () => {
    const { settle } = openSettling(pool);
    for (const id of [1, 2, 3]) await settle(bad(id, 5));
    await settle(good(4, 1));
    for (const id of [5, 6, 7]) await settle(bad(id, 5));
    await expect(settle(bad(8, 5))).rejects.toThrow("the last 20 orders all fail alike");
    expect(await letters()).toBe(6 * 5);
  });

  test("start again after an order that another batch counts meanwhile", async () => {
    const { settle } = openSettling(pool);
    await settle(bad(1, 10));
    // order by order this takes longer than the one statement of the other batch
    await Promise.all([settle(bad(2, 10)), settle(good(3, 1))]);
    expect([await letters(), await orders()]).toEqual([20, 1]);
  });

  test("stop the worker at the first one when stored orders would fail too, also after restarts", async () => {
    await openSettling(pool).settle(good(1, 3));
    await pool.query("ALTER TABLE orders ADD CONSTRAINT nothing CHECK (price_cents < 0) NOT VALID");
    try {
      const next = delivered([encodeOrder(someOrders(1, 2)[0] as Order)], 2);
      for (let start = 0; start < 3; start++)
        await expect(openSettling(pool).settle(next)).rejects.toThrow(
          "good orders cannot be counted (23514)",
        );
      expect(await letters()).toBe(0);
    } finally {
      await pool.query("ALTER TABLE orders DROP CONSTRAINT nothing");
    }
  });

  test("become dead letters while stored orders still count, and the trial leaves no trace", async () => {
    await openSettling(pool).settle(good(1, 3));
    await openSettling(pool).settle(bad(2, 1));
    expect([await letters(), await orders()]).toEqual([1, 3]);
    expect(await numberOf(pool, "SELECT sum(orders) FROM rollup_hour")).toBe(3);
  });
});

/** A second body under a key is found when it is counted, and reported before the delivery is acknowledged. */
describe("conflicts", () => {
  const dearer = (order: Order): Order => ({ ...order, priceCents: 9_999, body: `${order.body} dearer` });
  const stored = async () => ({
    conflicts: await countOf(pool, "order_conflicts"),
    letters: await countOf(pool, "dead_letters"),
  });

  test("are reported once, also next to poison, and the first body counts", async () => {
    const orders = someOrders(12);
    const losers = [2, 5, 11].map((index) => dearer(orders[index] as Order));
    const { settle, conflictIds, conflicts } = openSettling(pool);
    await settle(delivered([encodeOrders(orders)]));
    const poison = withoutPrice(someOrders(1, 2)[0] as Order);
    const delivery = delivered([encodeOrders([...someOrders(4, 3), ...losers]), poison]);
    await settle(delivery);
    await settle(delivery);
    expect(conflictIds.sort()).toEqual(losers.map(({ id }) => id));
    expect(conflicts.reduce((sum, count) => sum + count, 0)).toBe(3);
    expect(await stored()).toEqual({ conflicts: 3, letters: 1 });
    expect(await numberOf(pool, "SELECT count(*) FROM orders WHERE price_cents < 9999")).toBe(16);
    expect(await driftOf(pool)).toEqual([]);
  });

  test("are all counted, and a part of them logged", async () => {
    const orders = someOrders(100);
    const { settle, conflictIds, conflicts, warnings } = openSettling(pool);
    await settle(delivered([encodeOrders(orders)]));
    await settle(delivered([encodeOrders(orders.map(dearer))]));
    expect(conflictIds).toHaveLength(20);
    expect(warnings).toEqual(["more orders of this batch have the key of another order"]);
    expect(conflicts).toEqual([100]);
    expect(await stored()).toEqual({ conflicts: 100, letters: 0 });
  });

  test.each([
    [
      "is missing",
      "ALTER TABLE order_conflicts RENAME TO renamed",
      "ALTER TABLE renamed RENAME TO order_conflicts",
    ],
    [
      "rejects the data",
      "ALTER TABLE order_conflicts ADD CONSTRAINT nothing CHECK (price_cents < 0)",
      "ALTER TABLE order_conflicts DROP CONSTRAINT nothing",
    ],
  ])("are reported by the redelivery, and nothing is acknowledged, while their table %s", async (...row) => {
    const [, change, undo] = row;
    const orders = someOrders(3);
    await openSettling(pool).settle(delivered([encodeOrders(orders)]));
    const delivery = delivered([encodeOrders([...someOrders(2, 2), ...orders.map(dearer)])]);
    const { settle, conflicts, warnings, stopping } = openSettling(pool);
    await pool.query(change);
    try {
      const settling = settle(delivery);
      settling.catch(() => undefined);
      await until("it has tried", () => warnings.includes("recording conflicts failed, retrying"));
      stopping.abort();
      await expect(settling).rejects.toThrow("conflicts could not be recorded");
    } finally {
      await pool.query(undo);
    }
    expect([conflicts, await stored()]).toEqual([[], { conflicts: 0, letters: 0 }]);
    const later = openSettling(pool);
    await later.settle(delivery);
    expect([later.conflicts, await stored()]).toEqual([[3], { conflicts: 3, letters: 0 }]);
    expect(await countOf(pool, "orders")).toBe(5);
  });
});
