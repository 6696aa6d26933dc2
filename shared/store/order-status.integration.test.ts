import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { numberOf } from "../../dev/system/database.ts";
import { freshDatabase, freshName, poolOn, someOrders } from "../../test/fresh.ts";
import { encodeOrders } from "../wire/order-message.ts";
import { countCarried, recordConflicts } from "./count.ts";
import { MAX_COUNTED_LETTERS, openLetters } from "./dead-letters.ts";
import { findOrderStatus } from "./order-status.ts";
import type { Pool } from "./pool.ts";
import { oldestWriterSeconds } from "./transaction.ts";

const ORDERS = 50_000;
const ours = someOrders(20);

// one session reads and tells: others tell their statistics when it suits them
let pool: Pool;
beforeAll(async () => {
  pool = poolOn(await freshDatabase(), 1);
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
  await countCarried(pool, { source: "v2", part: 0, position: "1-0", messages: encodeOrders(ours) });
});
afterAll(() => pool.end());

const rowsRead = async (): Promise<number> => {
  await pool.query("SELECT pg_stat_force_next_flush()");
  return numberOf(
    pool,
    `SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables
     WHERE relname ~ '^(orders|dead_letters|order_conflicts)'`,
  );
};

const losers = ours.map((order) => ({ ...order, body: "another" }));
test.each<[string, () => Promise<unknown>]>([
  ["a status", () => Promise.all(ours.map(({ id }) => findOrderStatus(pool, id)))],
  ["a status of nobody", () => Promise.all(someOrders(20).map(({ id }) => findOrderStatus(pool, id)))],
  ["conflicts", () => recordConflicts(pool, { source: "v2", messages: encodeOrders(losers) })],
])("%s", async (_name, look) => {
  for (const prepare of ["SELECT 1", "ANALYZE"]) {
    await pool.query(prepare);
    const before = await rowsRead();
    // a prepared statement changes its plan after the fifth time
    for (let round = 0; round < 7; round++) await look();
    expect((await rowsRead()) - before).toBeLessThan(ORDERS / 100);
  }
});

describe("figures for monitoring", () => {
  const REPLAYED = 30_000;

  // one session reads and tells: others tell their statistics when it suits them
  let pool: Pool;
  beforeAll(async () => {
    pool = poolOn(await freshDatabase(), 1);
  });
  afterAll(() => pool.end());

  const setAside = (source: string, letters: number, replayedAt: string | null = null) =>
    pool.query(
      `INSERT INTO dead_letters (source, origin, index, payload, payload_sha256, reason, detail, replayed_at)
     SELECT $1, gen_random_uuid(), 0, '', '', '23514', '', $3::timestamptz FROM generate_series(1, $2::integer)`,
      [source, letters, replayedAt],
    );

  test("open letters are told by mode, and one mode's flood hides nothing of another's", async () => {
    expect(await openLetters(pool, ["v1", "v2"])).toEqual(
      new Map([
        ["v1", 0],
        ["v2", 0],
      ]),
    );
    await setAside("v3", MAX_COUNTED_LETTERS + 1);
    await setAside("v2", 3);
    expect(await openLetters(pool, ["v1", "v2", "v3"])).toEqual(
      new Map([
        ["v1", 0],
        ["v2", 3],
        ["v3", MAX_COUNTED_LETTERS],
      ]),
    );
  });

  test("a look reads the open letters alone, however many were seen to", async () => {
    await pool.query("DELETE FROM dead_letters");
    await setAside("v2", REPLAYED, "2026-01-15T10:00:00Z");
    await setAside("v2", 5);
    await pool.query("VACUUM ANALYZE dead_letters");
    const rowsRead = async (): Promise<number> => {
      await pool.query("SELECT pg_stat_force_next_flush()");
      return numberOf(
        pool,
        `SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables WHERE relname = 'dead_letters'`,
      );
    };
    const before = await rowsRead();
    expect((await openLetters(pool, ["v2"])).get("v2")).toBe(5);
    expect((await rowsRead()) - before).toBeLessThan(100);
  });

  test("a role that may not see the transactions of others tells no age, rather than that there is none", async () => {
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
