/** One key with two bodies is found when it is counted, and told before the delivery is acknowledged. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Order } from "#shared/domain/order.ts";
import type { Count, Entry } from "#shared/ports.ts";
import type { Pool } from "#shared/store/pool.ts";
import { encodeOrders, messageOf } from "#shared/wire/order-message.ts";
import { driftOf, emptied, numberOf } from "../../dev/system/database.ts";
import { freshDatabase, poolOn, silent, someOrders, until } from "../../test/fresh.ts";
import { openSettle } from "./settle.ts";

let pool: Pool;
let told: string[];
let warnings: string[];
let conflicts: number;
let stopping: AbortController;
beforeAll(async () => {
  pool = poolOn(await freshDatabase());
});
beforeEach(async () => {
  told = [];
  warnings = [];
  conflicts = 0;
  await emptied(pool);
});
afterAll(() => pool.end());

const open = (): Count => {
  stopping = new AbortController();
  const warn = (fields: object, message: string): void => {
    if ("orderId" in fields) told.push(String(fields.orderId));
    else warnings.push(message);
  };
  return openSettle({
    pool,
    mode: "v2",
    log: { ...silent, warn },
    signal: stopping.signal,
    poisonStopOrders: 20,
    onCounted: () => undefined,
    onDeadLetter: () => undefined,
    onConflicts: (orders) => {
      conflicts += orders;
    },
  });
};
const carried = (...payloads: string[]) => {
  const entries: Entry[] = payloads.map((payload, index) => ({ origin: `${index}-0`, payload }));
  return { kind: "carried", part: 0, position: "9-0", entries } as const;
};
const dearer = (order: Order): Order => ({ ...order, priceCents: 9_999, body: `${order.body} dearer` });
const kept = () => numberOf(pool, "SELECT count(*) FROM order_conflicts");
const letters = () => numberOf(pool, "SELECT count(*) FROM dead_letters");

test("each conflict is told once, also beside poison, and the first body counts", async () => {
  const orders = someOrders(12);
  const losers = [2, 5, 11].map((index) => dearer(orders[index] as Order));
  const settle = open();
  await settle(carried(encodeOrders(orders)));
  const poison = JSON.stringify({ ...messageOf(someOrders(1, 2)[0] as Order), price_cents: 0 });
  const delivery = carried(encodeOrders([...someOrders(4, 3), ...losers]), poison);
  await settle(delivery);
  await settle(delivery);
  expect(told.sort()).toEqual(losers.map(({ id }) => id));
  expect({ conflicts, kept: await kept(), letters: await letters() }).toEqual({
    conflicts: 3,
    kept: 3,
    letters: 1,
  });
  expect(await numberOf(pool, "SELECT count(*) FROM orders WHERE price_cents < 9999")).toBe(16);
  expect(await driftOf(pool)).toEqual([]);
});

test("a flood of them is told in part, and counted in full", async () => {
  const orders = someOrders(100);
  const settle = open();
  await settle(carried(encodeOrders(orders)));
  await settle(carried(encodeOrders(orders.map(dearer))));
  expect(told).toHaveLength(20);
  expect(warnings).toEqual(["more orders of this batch have the key of another order"]);
  expect({ conflicts, kept: await kept() }).toEqual({ conflicts: 100, kept: 100 });
});

test.each([
  ["is away", "ALTER TABLE order_conflicts RENAME TO away", "ALTER TABLE away RENAME TO order_conflicts"],
  [
    "blames the data",
    "ALTER TABLE order_conflicts ADD CONSTRAINT nothing CHECK (price_cents < 0)",
    "ALTER TABLE order_conflicts DROP CONSTRAINT nothing",
  ],
])(
  "while their table %s the delivery is not settled, no order is a dead letter, and the next delivery tells",
  async (_name, spoil, mend) => {
    const orders = someOrders(3);
    await open()(carried(encodeOrders(orders)));
    const delivery = carried(encodeOrders([...someOrders(2, 2), ...orders.map(dearer)]));
    await pool.query(spoil);
    try {
      const settling = open()(delivery);
      settling.catch(() => undefined);
      await until("it has tried", () => warnings.includes("recording conflicts failed, retrying"));
      stopping.abort();
      await expect(settling).rejects.toThrow("conflicts could not be recorded");
    } finally {
      await pool.query(mend);
    }
    expect({ conflicts, letters: await letters() }).toEqual({ conflicts: 0, letters: 0 });
    await open()(delivery);
    expect({ conflicts, kept: await kept(), letters: await letters() }).toEqual({
      conflicts: 3,
      kept: 3,
      letters: 0,
    });
    expect(await numberOf(pool, "SELECT count(*) FROM orders")).toBe(5);
  },
);
