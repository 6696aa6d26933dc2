import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { emptied, numberOf } from "../../dev/system/database.ts";
import { freshDatabase, poolOn, someOrders, until } from "../../test/fresh.ts";
import { DAY_MS, HOUR_MS, iso } from "../domain/time.ts";
import type { Pool } from "./pool.ts";
import {
  affogati,
  at,
  caller,
  count,
  DAMAGES,
  DAY,
  HOUR,
  KEYS,
  sold,
  store,
  tick,
} from "./reconcile.fixture.ts";
import { reconcile, sampleDifferences, spansOf } from "./reconcile.ts";

let pool: Pool;
beforeAll(async () => {
  const databaseUrl = await freshDatabase();
  const setter = poolOn(databaseUrl, 1);
  // a server elsewhere: hours and days stay UTC
  await setter.query(
    `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET timezone = ''Asia/Kolkata''', current_database()); END $$`,
  );
  await setter.end();
  pool = poolOn(databaseUrl, 8);
});
beforeEach(() => sold(pool));
afterAll(() => pool.end());

const look = () => reconcile(pool, caller);
const EQUAL = { rows: {}, first: [], hoursMs: [], daysMs: [], apart: 0, totals: [] };

describe("equal", () => {
  test("is what was counted, in every mode, with duplicates and over shards", async () => {
    expect(await look()).toEqual({ ...EQUAL, history: {}, orders: 244 });
  });

  test("is an empty database", async () => {
    const empty = poolOn(await freshDatabase(), 1);
    expect(await reconcile(empty, caller)).toEqual({ ...EQUAL, history: {}, orders: 0 });
    await empty.end();
  });

  test("are v1's orders that wait to be counted, and counted ones that lost their transaction id", async () => {
    const holder = await pool.connect();
    try {
      // a writing transaction holds back v1's watermark: what is stored after it waits
      await holder.query("BEGIN; SELECT pg_current_xact_id()");
      await pool.query("UPDATE orders SET xid = NULL WHERE xid IS NOT NULL");
      await store(pool, someOrders(30, 5));
      expect((await tick(pool)).orders).toBe(0);
      expect(await look()).toEqual({ ...EQUAL, history: {}, orders: 244 });
      await holder.query("ROLLBACK");
    } finally {
      holder.release();
    }
    await until("they are counted", async () => (await tick(pool)).orders === 30);
    expect(await look()).toEqual({ ...EQUAL, history: {}, orders: 274 });
  });

  test("are figures moved to another shard", async () => {
    await pool.query("UPDATE rollup_hour SET shard = 7 WHERE shard = 1");
    expect(await look()).toMatchObject(EQUAL);
  });

  test("at every moment, while orders are counted and stored", async () => {
    let going = true;
    let seed = 100;
    const keepOn = async (work: () => Promise<unknown>): Promise<void> => {
      while (going) await work();
    };
    const load = [
      keepOn(() => count(pool, someOrders(50, seed++), 0)),
      keepOn(() => count(pool, someOrders(50, seed++), 1)),
      keepOn(() => store(pool, someOrders(50, seed++))),
      keepOn(() => tick(pool)),
    ];
    const seen: number[] = [];
    while (seen.length < 15) {
      const found = await look();
      expect(found).toMatchObject(EQUAL);
      expect(await sampleDifferences(pool, "v2", caller)).toMatchObject({ apart: 0 });
      seen.push(found.orders);
    }
    going = false;
    await Promise.all(load);
    expect(seen.at(-1)).toBeGreaterThan((seen[0] ?? 0) + 500);
  });
});

describe.each(KEYS)("$rollup", (key) => {
  test.each(DAMAGES)("$name is found, with its bucket and key", async ({ sql, found }) => {
    await pool.query(sql(key));
    const { first, rows, hoursMs, daysMs, totals } = await look();
    expect(first).toEqual(expect.arrayContaining([...found(key)]));
    expect(first).toHaveLength(found(key).length);
    expect(rows).toEqual({ [key.rollup]: found(key).length });
    expect([hoursMs, daysMs]).toEqual(key.rollup === "rollup_day" ? [[], [DAY]] : [[HOUR], []]);
    expect(totals).toEqual([]);
  });
});

describe("totals", () => {
  test("that differ from the orders are found, and those of a mode without a row", async () => {
    await pool.query(`UPDATE applied SET orders = orders + 3 WHERE source = 'v2' AND part = 1;
      DELETE FROM applied WHERE source = 'v1'`);
    const { totals, apart } = await look();
    expect(apart).toBe(0);
    expect(totals).toEqual([
      { mode: "v1", want: 40, have: 0 },
      { mode: "v2", want: 204, have: 207 },
    ]);
  });

  test("are left alone when retention has dropped orders", async () => {
    await pool.query(`DELETE FROM applied; INSERT INTO dropped VALUES ('orders', '2001-01-01Z')`);
    expect((await look()).totals).toEqual([]);
  });
});

describe("history", () => {
  const damageAll = async (): Promise<void> => {
    for (const { rollup } of KEYS) await pool.query(`UPDATE ${rollup} SET orders = orders + 1`);
  };
  const droppedUntil = (relation: string, ms: number) =>
    pool.query("INSERT INTO dropped VALUES ($1, $2)", [relation, iso(ms)]);
  /** The earliest bucket that is compared, per rollup. */
  const earliest = async (): Promise<Record<string, string>> => {
    const { first } = await look();
    return Object.fromEntries(first.toReversed().map(({ rollup, bucket }) => [rollup, bucket]));
  };
  beforeEach(async () => {
    await emptied(pool);
    for (const [hour, days] of [
      [HOUR, 0],
      [HOUR + HOUR_MS, 0],
      [DAY, -1],
      [DAY, 0],
      [DAY, 1],
    ] as const)
      await count(pool, affogati(1, hour + days * DAY_MS));
    await damageAll();
  });

  test("is every bucket that may have lost an order", async () => {
    await droppedUntil("orders", HOUR);
    expect((await look()).history).toEqual({ orders: at(HOUR) });
    const found = await earliest();
    for (const hours of ["rollup_minute", "rollup_hour", "rollup_hour_store", "rollup_hour_drink"])
      expect(found[hours]).toBe(at(HOUR + HOUR_MS));
    expect(found["rollup_day"]).toBe(at(DAY + DAY_MS));
  });

  test.each(KEYS.map(({ rollup }) => rollup))("is what is gone of %s, and of it alone", async (rollup) => {
    const whole = rollup === "rollup_day" ? DAY : HOUR;
    await droppedUntil(rollup, whole);
    const found = await earliest();
    expect(found[rollup]).toBe(at(whole));
    for (const { rollup: other } of KEYS) if (other !== rollup) expect(found[other]).toBe(at(DAY - DAY_MS));
  });

  test("grows while reconcile waits for the partition to go, and is not a difference", async () => {
    await sold(pool);
    const retention = await pool.connect();
    try {
      await retention.query("BEGIN");
      await retention.query("SELECT ensure_order_partitions(now(), now())");
      const { rows } = await retention.query<{ part: string; until: Date }>(
        "SELECT min(tableoid::regclass::text) AS part, max(event_time) AS until FROM orders",
      );
      await retention.query(`DROP TABLE ${rows[0]?.part}`);
      const looking = look();
      await until("reconcile waits", async () => {
        const waiting =
          "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
        return (await numberOf(pool, waiting)) === 1;
      });
      await retention.query("INSERT INTO dropped VALUES ('orders', $1)", [rows[0]?.until]);
      await retention.query("COMMIT");
      expect(await looking).toMatchObject(EQUAL);
    } finally {
      retention.release();
    }
  });
});

test("spans that touch are one", () => {
  expect(spansOf([], 10)).toEqual([[], []]);
  const [firsts, afters] = spansOf([10, 20, 30, 50, 70, 80], 10);
  expect(firsts.map(Date.parse)).toEqual([10, 50, 70]);
  expect(afters.map(Date.parse)).toEqual([40, 60, 90]);
});

test("many differences are counted, and the first of them are told", async () => {
  await pool.query("TRUNCATE rollup_hour");
  const { first, rows } = await look();
  expect(first).toHaveLength(100);
  expect(rows["rollup_hour"]).toBeGreaterThan(150);
});

test("an aborted look ends at once, and its session with it", async () => {
  const holder = await pool.connect();
  try {
    await holder.query("BEGIN; LOCK TABLE orders");
    const stop = new AbortController();
    const looking = reconcile(pool, { ...caller, signal: stop.signal });
    const waiting =
      "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    await until("it waits", async () => (await numberOf(pool, waiting)) === 1);
    stop.abort();
    await expect(looking).rejects.toThrow(/terminated/);
    await until("the session is gone", async () => (await numberOf(pool, waiting)) === 0);
  } finally {
    holder.release(true);
  }
});
