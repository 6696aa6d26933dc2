import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { driftOf, emptied, numberOf } from "../../../dev/system/database.ts";
import { someOrders, until } from "../../../test/fresh.ts";
import type { Order } from "../../domain/order.ts";
import {
  openEmptiedPool,
  openTestPool,
  rowsRead,
  store,
  tick,
  untilLockWaiters,
  untilStoredCounted,
  whileHeld,
} from "../../store/store.fixture.ts";
import { encodeOrders, fingerprintOf } from "../../wire/order-message.ts";
import { findOrders, storeOrders, uncounted } from "./stored-orders.ts";

const WRITERS = 12;
const pool = await openEmptiedPool(WRITERS + 4);
const session = await openTestPool(1);
const idsOf = (orders: readonly Order[]): Set<string> => new Set(orders.map(({ id }) => id));
const uncountedOrders = async (): Promise<number> => (await uncounted(pool, 1_000_000)).orders;
const countedOfV1 = () => numberOf(pool, "SELECT sum(orders) FROM applied WHERE source = 'v1'");

test("storing resolves with the new ids only", async () => {
  const [first, second] = [someOrders(20, 1), someOrders(20, 2)];
  expect(await store(pool, [...first, ...first.slice(0, 5)])).toEqual(idsOf(first));
  expect(await store(pool, [...second, ...first])).toEqual(idsOf(second));
  expect(await store(pool, first)).toEqual(new Set());
  const allNew = { ids: null, synchronousCommit: "on" };
  expect(await storeOrders(pool, "v1", encodeOrders(someOrders(3, 9)))).toEqual(allNew);
  expect(await numberOf(pool, "SELECT count(*) FROM orders")).toBe(43);
});

test("uncounted returns the orders that are stored and not counted, and the age of the oldest", async () => {
  expect(await uncounted(pool, 1_000_000)).toEqual({ orders: 0, oldestMs: 0 });
  const startedAt = performance.now();
  await store(
    pool,
    someOrders(3).map((order) => ({ ...order, acceptedAtMs: order.acceptedAtMs - 60_000 })),
  );
  await store(pool, someOrders(4, 2));
  const { orders, oldestMs } = await uncounted(pool, 1_000_000);
  expect(orders).toBe(7);
  expect(oldestMs).toBeGreaterThanOrEqual(60_000);
  expect(oldestMs).toBeLessThan(60_000 + (performance.now() - startedAt) + 1_000);
  expect((await uncounted(pool, 2)).orders).toBe(2);
  await untilStoredCounted(pool);
  await store(pool, someOrders(2, 3));
  expect(await uncountedOrders()).toBe(2);
  await untilStoredCounted(pool);
  expect(await uncounted(pool, 1_000_000)).toEqual({ orders: 0, oldestMs: 0 });
  expect(await driftOf(pool)).toEqual([]);
});

test("a concurrent order with the same id is not stored, and the fingerprint of the other is found", async () => {
  const [mine, other] = someOrders(2) as [Order, Order];
  const rival = { ...other, id: mine.id };
  expect(fingerprintOf(rival)).not.toBe(fingerprintOf(mine));
  await whileHeld(pool, "", async (winner) => {
    expect(await store(winner, [mine])).toEqual(new Set([mine.id]));
    const losing = store(pool, [rival]);
    await untilLockWaiters(pool, 1);
    await winner.query("COMMIT");
    expect(await losing).toEqual(new Set());
  });
  expect(await findOrders(pool, [mine.id, someOrders(1)[0]?.id ?? ""])).toEqual(
    new Map([[mine.id, { fingerprint: fingerprintOf(mine), eventTimeMs: mine.eventTimeMs }]]),
  );
});

test("two concurrent tickers count exactly what twelve writers commit, with rollbacks and duplicates", async () => {
  const committed = new Set<string>();
  let [stored, rolledBack, whileWriting] = [0, 0, 0];
  let stopped = false;
  const shared = someOrders(200, 99);
  const write = (seed: number): Promise<void> =>
    whileHeld(pool, "COMMIT", async (writer) => {
      // transactions of other tests on this server hold counting back too
      for (let round = 0; round < 25 || (whileWriting === 0 && round < 500); round++) {
        const fresh = someOrders(1 + Math.floor(Math.random() * 6), seed * 1_000 + round);
        const again = shared[Math.floor(Math.random() * shared.length)];
        await writer.query("BEGIN");
        const ids = await store(writer, [...fresh, ...(again ? [again] : [])]);
        if (Math.random() < 0.2) await sleep(Math.random() * 30);
        const isCommitted = Math.random() >= 0.15;
        await writer.query(isCommitted ? "COMMIT" : "ROLLBACK");
        if (isCommitted) for (const id of ids) committed.add(id);
        if (isCommitted) stored += ids.size;
        else rolledBack++;
      }
    });
  const keepTicking = async (): Promise<void> => {
    while (!stopped) {
      const { orders } = await tick(pool);
      whileWriting += orders;
      await sleep(Math.random() * 10);
    }
  };
  const tickers = [keepTicking(), keepTicking()];
  await Promise.all(Array.from({ length: WRITERS }, (_, seed) => write(seed)));
  stopped = true;
  await Promise.all(tickers);
  await untilStoredCounted(pool);
  expect(rolledBack).toBeGreaterThan(0);
  expect(whileWriting).toBeGreaterThan(0);
  expect(stored).toBe(committed.size);
  expect(await numberOf(pool, "SELECT count(*) FROM orders")).toBe(committed.size);
  expect(await countedOfV1()).toBe(committed.size);
  expect(await driftOf(pool)).toEqual([]);
});

test("a long transaction holds counting back, and its orders are counted once it has ended", async () => {
  await whileHeld(pool, "", async (long) => {
    await store(long, someOrders(5, 1));
    await store(pool, someOrders(7, 2));
    for (let round = 0; round < 3; round++) expect((await tick(pool)).orders).toBe(0);
    // the orders that it holds back are uncounted; only its own are not visible yet
    expect(await uncountedOrders()).toBe(7);
    await long.query("COMMIT");
  });
  expect(await uncountedOrders()).toBe(12);
  let counted = 0;
  await until("all are counted", async () => {
    counted += (await tick(pool)).orders;
    return counted >= 12;
  });
  expect(counted).toBe(12);
  expect(await driftOf(pool)).toEqual([]);
});

test("a tick that waited for another one counts nothing twice", async () => {
  await store(pool, someOrders(15));
  await whileHeld(pool, "SELECT direct_watermark FROM meta FOR UPDATE", async (holder) => {
    const both = [tick(pool), tick(pool)];
    await untilLockWaiters(pool, 2);
    await store(pool, someOrders(5, 2));
    await holder.query("COMMIT");
    await Promise.all(both);
  });
  await untilStoredCounted(pool);
  expect(await countedOfV1()).toBe(20);
  expect(await driftOf(pool)).toEqual([]);
});

test("a tick and the backlog read new orders, not the counted ones", async () => {
  const COUNTED = 200_000;
  await emptied(session);
  await session.query(
    `INSERT INTO orders (order_id, mode, store, drink, price_cents, event_time, accepted_at, fingerprint, xid)
     SELECT overlay(uuid7_floor(now())::text PLACING lpad(to_hex(n), 12, '0') FROM 25)::uuid, 'v1', 'uptown', 'latte', 100,
            now(), now(), '\\x00', pg_current_xact_id() FROM generate_series(1, $1::integer) AS n`,
    [COUNTED],
  );
  await untilStoredCounted(session);
  for (const prepare of ["SELECT 1", "ANALYZE"]) {
    await session.query(prepare);
    const before = await rowsRead(session, "^orders");
    // a prepared statement may change its plan after five executions
    for (let round = 0; round < 7; round++) {
      await store(session, someOrders(10, round));
      expect(await uncounted(session, 1_000_000)).toMatchObject({ orders: 10 });
      await untilStoredCounted(session);
    }
    const read = (await rowsRead(session, "^orders")) - before;
    expect(read).toBeGreaterThanOrEqual(70);
    expect(read).toBeLessThan(COUNTED / 10);
  }
});
