import { expect, test } from "vitest";
import { driftOf, numberOf } from "../../dev/system/database.ts";
import { someOrders } from "../../test/fresh.ts";
import type { Order } from "../domain/order.ts";
import { randomFrom } from "../domain/random.ts";
import { encodeOrders, fingerprintOf, messageOf } from "../wire/order-message.ts";
import { countCarried, recordConflicts } from "./count.ts";
import { openEmptiedPool, store } from "./store.fixture.ts";

const pool = await openEmptiedPool(6);

/** Counts a batch as a worker does. */
const settle = async (messages: string, source = "v2", part = 0): Promise<string[]> => {
  const batch = { source, part, position: "1-0", messages };
  const { duplicates } = await countCarried(pool, batch);
  return duplicates > 0 ? recordConflicts(pool, batch) : [];
};
const settleOrders = (orders: readonly Order[], source = "v2", part = 0): Promise<string[]> =>
  settle(encodeOrders(orders), source, part);
const other = (order: Order, store: string): Order => ({ ...order, store, body: `${order.body} ${store}` });
const kept = async () =>
  (
    await pool.query<{ order_id: string; fingerprint: string; store: string; mode: string }>(
      "SELECT order_id, fingerprint::text, store, mode FROM order_conflicts ORDER BY order_id, fingerprint",
    )
  ).rows;

test("stores an order with the id of a counted one and another body once, with all its members", async () => {
  const orders = someOrders(3);
  const [, second] = orders as [Order, Order, Order];
  const loser = { ...other(second, "central"), drink: "mocha", priceCents: 777 };
  expect(await settleOrders(orders)).toEqual([]);
  expect(await settleOrders([...orders, loser])).toEqual([second.id]);
  expect(await settleOrders([loser, loser])).toEqual([]);
  const { rows } = await pool.query(
    `SELECT order_id, fingerprint::text, mode, store, drink, price_cents::integer, event_time, accepted_at,
            seen_at BETWEEN now() - interval '1 minute' AND now() AS seen FROM order_conflicts`,
  );
  expect(rows).toEqual([
    {
      order_id: second.id,
      fingerprint: fingerprintOf(loser),
      mode: "v2",
      store: "central",
      drink: "mocha",
      price_cents: 777,
      event_time: new Date(loser.eventTimeMs),
      accepted_at: new Date(loser.acceptedAtMs),
      seen: true,
    },
  ]);
  expect(await numberOf(pool, "SELECT count(*) FROM orders")).toBe(3);
  expect(await driftOf(pool)).toEqual([]);
});

test("stores no conflict for a duplicate, whatever its mode", async () => {
  const orders = someOrders(5);
  await store(pool, orders);
  expect(await settleOrders(orders, "v2")).toEqual([]);
  expect(await settleOrders(orders, "v3")).toEqual([]);
  expect(await kept()).toEqual([]);
});

test("counts one of several bodies in a batch and stores the others", async () => {
  const [order] = someOrders(1) as [Order];
  const bodies = [order, other(order, "central"), other(order, "uptown"), other(order, "central")];
  expect((await settleOrders(bodies)).sort()).toEqual([order.id, order.id]);
  const winner = await pool.query<{ fingerprint: string }>("SELECT fingerprint::text FROM orders");
  const losers = (await kept()).map(({ fingerprint }) => fingerprint);
  expect(new Set([...losers, winner.rows[0]?.fingerprint])).toEqual(new Set(bodies.map(fingerprintOf)));
});

test("stores each conflict exactly once when four workers count different bodies of the same ids", async () => {
  const orders = someOrders(200);
  const workers = ["uptown", "central", "downtown", "southend"];
  const recorded = await Promise.all(
    workers.flatMap((store, part) => {
      const ours = orders.map((order) => other(order, store));
      return [settleOrders(ours, "v2", part), settleOrders(ours.toReversed(), "v2", part)];
    }),
  );
  expect(recorded.flat()).toHaveLength(3 * 200);
  expect(await numberOf(pool, "SELECT count(*) FROM order_conflicts")).toBe(3 * 200);
  expect(await numberOf(pool, "SELECT count(*) FROM orders")).toBe(200);
  expect(
    await numberOf(pool, "SELECT count(*) FROM order_conflicts JOIN orders USING (order_id, fingerprint)"),
  ).toBe(0);
  expect(await driftOf(pool)).toEqual([]);
});

test("truncates a fingerprint that is too long for an index", async () => {
  const [order] = someOrders(1) as [Order];
  await settleOrders([order]);
  const bytes = Array.from({ length: 5_000 }, () => Math.floor(Math.random() * 256));
  const fingerprint = `\\x${Buffer.from(bytes).toString("hex")}`;
  expect(await settle(JSON.stringify([{ ...messageOf(order), fingerprint }]))).toEqual([order.id]);
  expect((await kept())[0]?.fingerprint).toBe(fingerprint.slice(0, 2 + 128));
});

const PAIRS = 1_000;

/** Both bodies of each pair at random positions among the others. */
const shuffledPairs = (seed: number): Order[] => {
  const orders = someOrders(PAIRS, seed);
  const others = orders.map((order) => ({
    ...order,
    priceCents: order.priceCents + 1,
    body: `${order.body} `,
  }));
  return randomFrom(seed).shuffled([...orders, ...others]);
};

/** The fingerprint of each id's body at its first or last position. */
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

/** Ids with another fingerprint. */
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

test.each([1, 2, 3])("storing takes the first body of each pair (seed %i)", async (seed) => {
  const orders = shuffledPairs(seed);
  expect((await store(pool, orders)).size).toBe(PAIRS);
  expect(differing(await fingerprintsIn("orders"), bodiesAt(orders, "first"))).toHaveLength(0);
});

test("an uncounted v1 order wins over the first one of a later batch", async () => {
  const orders = shuffledPairs(4);
  const last = bodiesAt(orders, "last");
  await store(
    pool,
    orders.filter((order) => last.get(order.id) === fingerprintOf(order)),
  );
  expect(await settleOrders(orders, "v3")).toHaveLength(PAIRS);
  expect(differing(await fingerprintsIn("orders"), last)).toHaveLength(0);
  expect(await numberOf(pool, "SELECT count(*) FROM orders WHERE mode = 'v1'")).toBe(PAIRS);
  expect(await numberOf(pool, "SELECT count(*) FROM order_conflicts WHERE mode = 'v3'")).toBe(PAIRS);
});
