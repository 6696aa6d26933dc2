/** A second body under a key is found when it is counted, and reported before the delivery is acknowledged. */
import { expect, test } from "vitest";
import type { Order } from "#shared/domain/order.ts";
import { openEmptiedPool } from "#shared/store/store.fixture.ts";
import { encodeOrders } from "#shared/wire/order-message.ts";
import { driftOf, numberOf } from "../../dev/system/database.ts";
import { someOrders, until } from "../../test/fresh.ts";
import { countOf, delivered, openSettling, withoutPrice } from "./settle.fixture.ts";

const pool = await openEmptiedPool();

const dearer = (order: Order): Order => ({ ...order, priceCents: 9_999, body: `${order.body} dearer` });
const stored = async () => ({
  conflicts: await countOf(pool, "order_conflicts"),
  letters: await countOf(pool, "dead_letters"),
});

test("reports each conflict once, also next to poison, and counts the first body", async () => {
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

test("logs a part of many conflicts, and counts all", async () => {
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
  ["is missing", "ALTER TABLE order_conflicts RENAME TO away", "ALTER TABLE away RENAME TO order_conflicts"],
  [
    "rejects the data",
    "ALTER TABLE order_conflicts ADD CONSTRAINT nothing CHECK (price_cents < 0)",
    "ALTER TABLE order_conflicts DROP CONSTRAINT nothing",
  ],
])(
  "while their table %s nothing is acknowledged or set aside, and the redelivery reports",
  async (...row) => {
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
  },
);
