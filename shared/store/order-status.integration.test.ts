import { beforeAll, describe, expect, test } from "vitest";
import { freshName, someOrders } from "../../test/fresh.ts";
import { encodeOrders } from "../wire/order-message.ts";
import { recordConflicts } from "./count.ts";
import { MAX_COUNTED_LETTERS, openLetters } from "./dead-letters.ts";
import { findOrderStatus } from "./order-status.ts";
import { countOrders, openTestPool, rowsRead } from "./store.fixture.ts";
import { oldestWriterSeconds } from "./transaction.ts";

const ORDERS = 50_000;
const ours = someOrders(20);

// one session reads and reports what it read: others report their statistics later
const pool = await openTestPool(1);
beforeAll(async () => {
  await pool.query(
    `INSERT INTO orders (order_id, mode, store, drink, price_cents, event_time, accepted_at, fingerprint)
     SELECT overlay(uuid7_floor(now())::text PLACING lpad(to_hex(n), 12, '0') FROM 25)::uuid, 'v2', 'uptown', 'latte', 100,
            now(), now(), '\\x00' FROM generate_series(1, $1::integer) AS n`,
    [ORDERS],
  );
  await pool.query(
    `INSERT INTO dead_letters (source, origin, index, payload, payload_sha256, reason, detail, order_id)
     SELECT 'v2', n, 0, '', '', '23514', '', gen_random_uuid() FROM generate_series(1, $1::integer) AS n`,
    [ORDERS],
  );
  await countOrders(pool, ours);
});

const TABLES = "^(orders|dead_letters|order_conflicts)";
const losers = ours.map((order) => ({ ...order, body: "another" }));
test.each<[string, () => Promise<unknown>]>([
  ["the status of an order", () => Promise.all(ours.map(({ id }) => findOrderStatus(pool, id)))],
  [
    "the status of an unknown order",
    () => Promise.all(someOrders(20).map(({ id }) => findOrderStatus(pool, id))),
  ],
  ["the conflicts of a batch", () => recordConflicts(pool, { source: "v2", messages: encodeOrders(losers) })],
])("finds %s by index, with any plan", async (_name, find) => {
  for (const prepare of ["SELECT 1", "ANALYZE"]) {
    await pool.query(prepare);
    const before = await rowsRead(pool, TABLES);
    // a prepared statement may change its plan after five executions
    for (let round = 0; round < 7; round++) await find();
    expect((await rowsRead(pool, TABLES)) - before).toBeLessThan(ORDERS / 100);
  }
});

describe("figures for monitoring", () => {
  const REPLAYED = 30_000;
  beforeAll(async () => void (await pool.query("TRUNCATE dead_letters")));

  const setAside = (source: string, letters: number, replayedAt: string | null = null) =>
    pool.query(
      `INSERT INTO dead_letters (source, origin, index, payload, payload_sha256, reason, detail, replayed_at)
     SELECT $1, gen_random_uuid(), 0, '', '', '23514', '', $3::timestamptz FROM generate_series(1, $2::integer)`,
      [source, letters, replayedAt],
    );

  test("counts open letters by mode, and a flood in one hides nothing of another", async () => {
    await setAside("v3", MAX_COUNTED_LETTERS + 1);
    await setAside("v2", 3);
    const counts = Object.fromEntries(await openLetters(pool, ["v1", "v2", "v3"]));
    expect(counts).toEqual({ v1: 0, v2: 3, v3: MAX_COUNTED_LETTERS });
  });

  test("reads only the open letters, however many were replayed", async () => {
    await pool.query("DELETE FROM dead_letters");
    await setAside("v2", REPLAYED, "2026-01-15T10:00:00Z");
    await setAside("v2", 5);
    await pool.query("VACUUM ANALYZE dead_letters");
    const before = await rowsRead(pool, TABLES);
    expect((await openLetters(pool, ["v2"])).get("v2")).toBe(5);
    expect((await rowsRead(pool, TABLES)) - before).toBeLessThan(100);
  });

  test("returns no age of the oldest writer to a role that may not see other sessions", async () => {
    expect(await oldestWriterSeconds(pool)).toBeGreaterThanOrEqual(0);
    const role = freshName("role");
    await pool.query(`CREATE ROLE ${role}`);
    try {
      await pool.query(`SET ROLE ${role}`);
      expect(await oldestWriterSeconds(pool)).toBeNull();
    } finally {
      await pool.query("RESET ROLE");
      await pool.query(`DROP ROLE ${role}`);
    }
  });
});
