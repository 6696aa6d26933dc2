import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { driftOf, emptied, numberOf } from "../../../dev/system/database.ts";
import { freshDatabase, poolOn, someOrders, until } from "../../../test/fresh.ts";
import type { Order } from "../../domain/order.ts";
import type { Pool } from "../../store/pool.ts";
import { encodeOrders, fingerprintOf } from "../../wire/order-message.ts";
import { countStored } from "./count-stored.ts";
import { findOrders, storeOrders, uncounted } from "./stored-orders.ts";

let databaseUrl: string;
let pool: Pool;
const sessions: Pool[] = [];

beforeAll(async () => {
  databaseUrl = await freshDatabase();
  pool = poolOn(databaseUrl, 4);
});
beforeEach(() => emptied(pool));
afterEach(async () => {
  for (let session = sessions.pop(); session; session = sessions.pop()) await session.end();
});
afterAll(() => pool.end());

/** A pool of one connection: a session, in which a transaction can be left open. */
const session = async (): Promise<Pool> => {
  const opened = poolOn(databaseUrl, 1);
  sessions.push(opened);
  await opened.query("SET idle_in_transaction_session_timeout = 0");
  return opened;
};
const store = async (on: Pool, orders: readonly Order[]): Promise<Set<string>> =>
  (await storeOrders(on, "v1", encodeOrders(orders))).ids ?? idsOf(orders);
const tick = (on: Pool = pool, part = 0) => countStored(on, { source: "v1", part });
/** Ticks until nothing waits: the transactions of other databases hold back the watermark of this one too. */
const untilAllCounted = (on: Pool = pool): Promise<void> =>
  until("all are counted", async () => {
    await tick(on);
    return (await uncounted(on, 1_000_000)).orders === 0;
  });
const idsOf = (orders: readonly Order[]): Set<string> => new Set(orders.map(({ id }) => id));

test("storing resolves with the new ids only", async () => {
  const [first, second] = [someOrders(20, 1), someOrders(20, 2)];
  expect(await store(pool, [...first, ...first.slice(0, 5)])).toEqual(idsOf(first));
  expect(await store(pool, [...second, ...first])).toEqual(idsOf(second));
  expect(await store(pool, first)).toEqual(new Set());
  expect(await storeOrders(pool, "v1", encodeOrders(someOrders(3, 9)))).toEqual({
    ids: null,
    synchronousCommit: "on",
  });
  expect(await numberOf(pool, "SELECT count(*) FROM orders")).toBe(43);
});

test("uncounted is what is stored and not yet counted", async () => {
  expect(await uncounted(pool, 1_000_000)).toEqual({ orders: 0, oldestMs: 0 });
  const old = someOrders(3).map((order) => ({ ...order, acceptedAtMs: order.acceptedAtMs - 60_000 }));
  await store(pool, old);
  await store(pool, someOrders(4, 2));
  const waiting = await uncounted(pool, 1_000_000);
  expect(waiting.orders).toBe(7);
  expect(waiting.oldestMs).toBeGreaterThanOrEqual(60_000);
  expect(waiting.oldestMs).toBeLessThan(90_000);
  expect((await uncounted(pool, 2)).orders).toBe(2);
  await untilAllCounted();
  await store(pool, someOrders(2, 3));
  expect(await uncounted(pool, 1_000_000)).toMatchObject({ orders: 2 });
  await untilAllCounted();
  expect(await uncounted(pool, 1_000_000)).toEqual({ orders: 0, oldestMs: 0 });
  expect(await driftOf(pool)).toEqual([]);
});

test("a concurrent duplicate is refused, and its winner's fingerprint is seen", async () => {
  const [mine] = someOrders(1, 1);
  const [other] = someOrders(1, 2);
  if (!mine || !other) throw new Error("no orders");
  const rival = { ...other, id: mine.id };
  expect(fingerprintOf(rival)).not.toBe(fingerprintOf(mine));
  const winner = await session();
  await winner.query("BEGIN");
  expect(await store(winner, [mine])).toEqual(new Set([mine.id]));
  const losing = store(pool, [rival]);
  await until("the loser waits", async () => {
    const locks =
      "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    return (await numberOf(pool, locks)) === 1;
  });
  await winner.query("COMMIT");
  expect(await losing).toEqual(new Set());
  expect(await findOrders(pool, [mine.id, someOrders(1)[0]?.id ?? ""])).toEqual(
    new Map([[mine.id, { fingerprint: fingerprintOf(mine), eventTimeMs: mine.eventTimeMs }]]),
  );
});

test("exact under 12 writers with delays, rollbacks and duplicates, and two tickers at once", async () => {
  const committed = new Set<string>();
  let stored = 0;
  let rolledBack = 0;
  let stopped = false;
  let ticks = 0;
  let whileWriting = 0;
  const shared = someOrders(200, 99);
  const writer = async (seed: number): Promise<void> => {
    const own = await session();
    // a transaction of any database of the server holds counting back, those of other tests too
    for (let round = 0; round < 25 || (whileWriting === 0 && round < 500); round++) {
      const fresh = someOrders(1 + Math.floor(Math.random() * 6), seed * 1_000 + round);
      const again = shared[Math.floor(Math.random() * shared.length)];
      await own.query("BEGIN");
      const ids = await store(own, [...fresh, ...(again ? [again] : [])]);
      if (Math.random() < 0.2) await sleep(Math.random() * 30);
      if (Math.random() < 0.15) {
        rolledBack++;
        await own.query("ROLLBACK");
      } else {
        await own.query("COMMIT");
        stored += ids.size;
        for (const id of ids) committed.add(id);
      }
    }
  };
  const ticker = async (): Promise<void> => {
    while (!stopped) {
      whileWriting += (await tick()).orders;
      ticks++;
      await sleep(Math.random() * 10);
    }
  };
  const tickers = [ticker(), ticker()];
  await Promise.all(Array.from({ length: 12 }, (_, seed) => writer(seed)));
  stopped = true;
  await Promise.all(tickers);
  await untilAllCounted();
  expect(rolledBack).toBeGreaterThan(0);
  expect(ticks).toBeGreaterThan(10);
  expect(whileWriting).toBeGreaterThan(0);
  expect(stored).toBe(committed.size);
  expect(await numberOf(pool, "SELECT count(*) FROM orders")).toBe(committed.size);
  expect(await numberOf(pool, "SELECT sum(orders) FROM applied WHERE source = 'v1'")).toBe(committed.size);
  expect(await driftOf(pool)).toEqual([]);
});

test("a long transaction holds counting back, and what it stored is counted once it has ended", async () => {
  const long = await session();
  await long.query("BEGIN");
  const early = someOrders(5, 1);
  const later = someOrders(7, 2);
  await store(long, early);
  await store(pool, later);
  for (let round = 0; round < 3; round++) expect((await tick()).orders).toBe(0);
  // what it holds back is told, and only its own orders cannot be seen yet
  expect((await uncounted(pool, 1_000_000)).orders).toBe(7);
  await long.query("COMMIT");
  expect((await uncounted(pool, 1_000_000)).orders).toBe(12);
  let counted = 0;
  await until("all are counted", async () => {
    counted += (await tick()).orders;
    return counted >= 12;
  });
  expect(counted).toBe(12);
  expect(await driftOf(pool)).toEqual([]);
});

test("a tick that waited for another counts nothing twice", async () => {
  const orders = someOrders(15);
  await store(pool, orders);
  const holder = await session();
  await holder.query("BEGIN; SELECT direct_watermark FROM meta FOR UPDATE");
  const both = [tick(), tick()];
  await until("both wait", async () => {
    const locks =
      "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    return (await numberOf(pool, locks)) === 2;
  });
  await store(pool, someOrders(5, 2));
  await holder.query("COMMIT");
  await Promise.all(both);
  await untilAllCounted();
  expect(await numberOf(pool, "SELECT sum(orders) FROM applied WHERE source = 'v1'")).toBe(20);
  expect(await driftOf(pool)).toEqual([]);
});

test("a tick and the backlog read what is new, not the orders counted before", async () => {
  const COUNTED = 200_000;
  await pool.query(
    `INSERT INTO orders (order_id, mode, store, drink, price_cents, event_time, accepted_at, fingerprint, xid)
     SELECT overlay(uuid7_floor(now())::text PLACING lpad(to_hex(n), 12, '0') FROM 25)::uuid, 'v1', 'uptown', 'latte', 100,
            now(), now(), '\\x00', pg_current_xact_id() FROM generate_series(1, $1::integer) AS n`,
    [COUNTED],
  );
  // one session reads and tells: others tell their statistics when it suits them
  const worker = await session();
  await untilAllCounted(worker);
  const read = async (): Promise<number> => {
    await worker.query("SELECT pg_stat_force_next_flush()");
    return numberOf(
      worker,
      `SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables WHERE relname LIKE 'orders%'`,
    );
  };
  for (const prepare of ["SELECT 1", "ANALYZE"]) {
    await pool.query(prepare);
    const before = await read();
    // a prepared statement changes its plan after the fifth time
    for (let round = 0; round < 7; round++) {
      await store(worker, someOrders(10, round));
      expect(await uncounted(worker, 1_000_000)).toMatchObject({ orders: 10 });
      await untilAllCounted(worker);
    }
    const after = await read();
    expect(after - before).toBeGreaterThanOrEqual(70);
    expect(after - before).toBeLessThan(COUNTED / 10);
  }
});
