/** One id with two bodies in one statement: the earliest position wins. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { driftOf, emptied } from "../../dev/system/database.ts";
import { freshDatabase, poolOn, someOrders } from "../../test/fresh.ts";
import type { Order } from "../domain/order.ts";
import { randomFrom } from "../domain/random.ts";
import { storeOrders } from "../modes/direct/stored-orders.ts";
import { encodeOrders, fingerprintOf } from "../wire/order-message.ts";
import { countCarried, recordConflicts } from "./count.ts";
import type { Pool } from "./pool.ts";

const PAIRS = 1_000;

let pool: Pool;
beforeAll(async () => {
  pool = poolOn(await freshDatabase());
});
beforeEach(() => emptied(pool));
afterAll(() => pool.end());

/** Both bodies of a pair stand anywhere among the others. */
const shuffledPairs = (seed: number): Order[] => {
  const orders = someOrders(PAIRS, seed);
  const others = orders.map((order) => ({
    ...order,
    priceCents: order.priceCents + 1,
    body: `${order.body} `,
  }));
  return randomFrom(seed).shuffled([...orders, ...others]);
};

/** The fingerprint of each id's body at its first position, or at its last. */
const bodiesAt = (batch: readonly Order[], place: "first" | "last"): Map<string, string> => {
  const inOrder = place === "last" ? batch : batch.toReversed();
  return new Map(inOrder.map((order) => [order.id, fingerprintOf(order)]));
};

const fingerprintsIn = async (table: "orders" | "order_conflicts"): Promise<Map<string, string>> => {
  const { rows } = await pool.query<{ id: string; fingerprint: string }>(
    `SELECT order_id AS id, fingerprint::text FROM ${table}`,
  );
  return new Map(rows.map(({ id, fingerprint }) => [id, fingerprint]));
};

/** Ids whose fingerprint is another one. */
const differing = (found: ReadonlyMap<string, string>, wanted: ReadonlyMap<string, string>): string[] =>
  [...wanted].filter(([id, fingerprint]) => found.get(id) !== fingerprint).map(([id]) => id);

test.each([1, 2, 3])(
  "counting stores the first body of each pair and records the other as a conflict (seed %i)",
  async (seed) => {
    const orders = shuffledPairs(seed);
    const batch = { source: "v2", part: 0, position: "1-0", messages: encodeOrders(orders) };
    expect(await countCarried(pool, batch)).toMatchObject({ orders: PAIRS, duplicates: PAIRS });
    expect(await recordConflicts(pool, batch)).toHaveLength(PAIRS);
    expect(differing(await fingerprintsIn("orders"), bodiesAt(orders, "first"))).toHaveLength(0);
    expect(differing(await fingerprintsIn("order_conflicts"), bodiesAt(orders, "last"))).toHaveLength(0);
    expect(await driftOf(pool)).toEqual([]);
  },
);

test.each([1, 2, 3])("storing keeps the first body of each pair (seed %i)", async (seed) => {
  const orders = shuffledPairs(seed);
  expect((await storeOrders(pool, "v1", encodeOrders(orders))).ids?.size).toBe(PAIRS);
  expect(differing(await fingerprintsIn("orders"), bodiesAt(orders, "first"))).toHaveLength(0);
});

test("an order that an earlier statement stored wins over the first one of a later batch", async () => {
  const orders = shuffledPairs(4);
  const last = bodiesAt(orders, "last");
  const earlier = orders.filter((order) => last.get(order.id) === fingerprintOf(order));
  await storeOrders(pool, "v1", encodeOrders(earlier));
  const batch = { source: "v2", part: 0, position: "1-0", messages: encodeOrders(orders) };
  expect(await countCarried(pool, batch)).toMatchObject({ orders: 0, duplicates: 2 * PAIRS });
  expect(differing(await fingerprintsIn("orders"), last)).toHaveLength(0);
});
