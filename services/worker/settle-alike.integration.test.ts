/** Many orders in a row that all fail alike are the system's fault, and the stream must not end as dead letters. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Order } from "#shared/domain/order.ts";
import type { Count, Entry } from "#shared/ports.ts";
import type { Pool } from "#shared/store/pool.ts";
import { encodeOrder, messageOf } from "#shared/wire/order-message.ts";
import { emptied, numberOf } from "../../dev/system/database.ts";
import { freshDatabase, poolOn, silent, someOrders } from "../../test/fresh.ts";
import { openSettle } from "./settle.ts";

let pool: Pool;
let letters: number;
beforeAll(async () => {
  pool = poolOn(await freshDatabase());
});
beforeEach(async () => {
  letters = 0;
  await emptied(pool);
});
afterAll(() => pool.end());

const open = (on: Pool): Count =>
  openSettle({
    pool: on,
    mode: "v2",
    log: silent,
    signal: new AbortController().signal,
    poisonStopOrders: 20,
    onCounted: () => undefined,
    onDeadLetter: () => void letters++,
    onConflicts: () => undefined,
  });
const carried = (entries: readonly Entry[]) =>
  ({ kind: "carried", part: 0, position: "9-0", entries }) as const;
const entry = (origin: string, payload: string): Entry => ({ origin, payload });
const kept = async (): Promise<object[]> => (await pool.query("SELECT origin FROM dead_letters")).rows;
const rows = () => numberOf(pool, "SELECT count(*) FROM orders");
const priceless = (order: Order): string => JSON.stringify({ ...messageOf(order), price_cents: 0 });

describe("a batch that fails alike throughout", () => {
  test("stops with its cause, and nothing is set aside", async () => {
    const all = `[${someOrders(20).map(priceless).join(",")}]`;
    await expect(open(pool)(carried([entry("1-0", all)]))).rejects.toThrow(
      /last 20 orders all fail alike \(23514\).*price_cents/s,
    );
    expect(await kept()).toEqual([]);
    expect(letters).toBe(0);
    expect(await rows()).toBe(0);
  });

  test("also when no entry is JSON", async () => {
    const entries = Array.from({ length: 25 }, (_, index) => entry(`${index}-0`, "<html>"));
    await expect(open(pool)(carried(entries))).rejects.toThrow("the last 25 orders");
    expect(await kept()).toEqual([]);
  });

  test("is set aside when it is smaller, or when one order counts, or when they fail differently", async () => {
    await open(pool)(carried([entry("1-0", `[${someOrders(19).map(priceless).join(",")}]`)]));
    expect(await kept()).toHaveLength(19);
    const texts = someOrders(30).map((order, index) => (index === 7 ? encodeOrder(order) : priceless(order)));
    await open(pool)(carried([entry("2-0", `[${texts.join(",")}]`)]));
    expect(await kept()).toHaveLength(19 + 29);
    const mixed = someOrders(30).map((order, index) => (index === 7 ? "5" : priceless(order)));
    await open(pool)(carried([entry("3-0", `[${mixed.join(",")}]`)]));
    expect(await kept()).toHaveLength(19 + 29 + 30);
  });

  test("is found over small batches too, and a counted order in between ends the row", async () => {
    const settle = open(pool);
    const bad = (id: number) =>
      carried([entry(`${id}-0`, `[${someOrders(5, id).map(priceless).join(",")}]`)]);
    for (let id = 1; id <= 3; id++) await settle(bad(id));
    await settle(carried([entry("4-0", `[${someOrders(1).map(encodeOrder).join(",")}]`)]));
    for (let id = 5; id <= 7; id++) await settle(bad(id));
    await expect(settle(bad(8))).rejects.toThrow("the last 20 orders all fail alike");
    expect(await kept()).toHaveLength(6 * 5);
  });

  test("does not go on over a good order that another batch counts meanwhile", async () => {
    const settle = open(pool);
    const bad = (id: number) =>
      carried([entry(`${id}-0`, `[${someOrders(10, id).map(priceless).join(",")}]`)]);
    await settle(bad(1));
    // order by order it takes longer than the other's one statement
    const good = carried([entry("3-0", `[${someOrders(1).map(encodeOrder).join(",")}]`)]);
    await Promise.all([settle(bad(2)), settle(good)]);
    expect(await kept()).toHaveLength(20);
    expect(await rows()).toBe(1);
  });

  test("is found at the first order when good orders would fail too, and again after a restart", async () => {
    await open(pool)(carried([entry("1-0", `[${someOrders(3).map(encodeOrder).join(",")}]`)]));
    await pool.query("ALTER TABLE orders ADD CONSTRAINT nothing CHECK (price_cents < 0) NOT VALID");
    try {
      const good = carried([entry("2-0", encodeOrder(someOrders(1, 2)[0] as Order))]);
      for (let start = 0; start < 3; start++)
        await expect(open(pool)(good)).rejects.toThrow("good orders cannot be counted (23514)");
      expect(await kept()).toEqual([]);
    } finally {
      await pool.query("ALTER TABLE orders DROP CONSTRAINT nothing");
    }
  });

  test("is the order's own fault when a good order counts, and trying leaves no trace", async () => {
    await open(pool)(carried([entry("1-0", `[${someOrders(3).map(encodeOrder).join(",")}]`)]));
    await open(pool)(carried([entry("2-0", priceless(someOrders(1, 2)[0] as Order))]));
    expect(await kept()).toHaveLength(1);
    expect(await rows()).toBe(3);
    expect(await numberOf(pool, "SELECT sum(orders) FROM rollup_hour")).toBe(3);
  });
});
