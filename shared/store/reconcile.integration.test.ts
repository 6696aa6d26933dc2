import { beforeEach, describe, expect, test } from "vitest";
import { emptied } from "../../dev/system/database.ts";
import { someOrders, until } from "../../test/fresh.ts";
import { DAY_MS, HOUR_MS, iso } from "../domain/time.ts";
import { affogati, at, caller, DAMAGES, DAY, HOUR, KEYS, sold } from "./reconcile.fixture.ts";
import { reconcile, sampleDifferences, spansOf } from "./reconcile.ts";
import { countOrders, openTestPool, store, tick, untilLockWaiters, whileHeld } from "./store.fixture.ts";

const pool = await openTestPool(8, "Asia/Kolkata");
beforeEach(() => sold(pool));

const compare = () => reconcile(pool, caller);
const EQUAL = { rows: {}, first: [], hoursMs: [], daysMs: [], apart: 0, totals: [] };

describe("finds no difference", () => {
  test("in counted orders of every mode, with duplicates, whatever shards they are in", async () => {
    expect(await compare()).toEqual({ ...EQUAL, history: {}, orders: 244 });
    await pool.query("UPDATE rollup_hour SET shard = 7 WHERE shard = 1");
    expect(await compare()).toMatchObject(EQUAL);
  });

  test("in an empty database", async () => {
    await emptied(pool);
    expect(await compare()).toEqual({ ...EQUAL, history: {}, orders: 0 });
  });

  test("in uncounted orders of v1, and in counted ones without a transaction id", async () => {
    // a writing transaction holds v1's watermark back: orders stored after it are not counted
    await whileHeld(pool, "SELECT pg_current_xact_id()", async () => {
      await pool.query("UPDATE orders SET xid = NULL WHERE xid IS NOT NULL");
      await store(pool, someOrders(30, 5));
      expect((await tick(pool)).orders).toBe(0);
      expect(await compare()).toEqual({ ...EQUAL, history: {}, orders: 244 });
    });
    await until("they are counted", async () => (await tick(pool)).orders === 30);
    expect(await compare()).toEqual({ ...EQUAL, history: {}, orders: 274 });
  });

  test("at any moment while orders are counted and stored", async () => {
    let going = true;
    let seed = 100;
    const keepOn = async (work: () => Promise<unknown>): Promise<void> => {
      while (going) await work();
    };
    const load = [
      keepOn(() => countOrders(pool, someOrders(50, seed++), 0)),
      keepOn(() => countOrders(pool, someOrders(50, seed++), 1)),
      keepOn(() => store(pool, someOrders(50, seed++))),
      keepOn(() => tick(pool)),
    ];
    const seen: number[] = [];
    while (seen.length < 15) {
      const found = await compare();
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
  test.each(DAMAGES)("finds a row $name, with its bucket and key", async ({ sql, found }) => {
    await pool.query(sql(key));
    const { first, rows, hoursMs, daysMs, totals } = await compare();
    expect(first).toEqual(expect.arrayContaining([...found(key)]));
    expect(first).toHaveLength(found(key).length);
    expect(rows).toEqual({ [key.rollup]: found(key).length });
    expect([hoursMs, daysMs]).toEqual(key.rollup === "rollup_day" ? [[], [DAY]] : [[HOUR], []]);
    expect(totals).toEqual([]);
  });
});

describe("totals", () => {
  test("differ when they are not the number of orders, or a mode has none", async () => {
    await pool.query(`UPDATE applied SET orders = orders + 3 WHERE source = 'v2' AND part = 1;
      DELETE FROM applied WHERE source = 'v1'`);
    const { totals, apart } = await compare();
    expect(apart).toBe(0);
    expect(totals).toEqual([
      { mode: "v1", want: 40, have: 0 },
      { mode: "v2", want: 204, have: 207 },
    ]);
  });

  test("are not compared after retention has dropped orders", async () => {
    await pool.query(`DELETE FROM applied; INSERT INTO dropped VALUES ('orders', '2001-01-01Z')`);
    expect((await compare()).totals).toEqual([]);
  });
});

describe("history", () => {
  const damageAll = async (): Promise<void> => {
    for (const { rollup } of KEYS) await pool.query(`UPDATE ${rollup} SET orders = orders + 1`);
  };
  const droppedUntil = (relation: string, ms: number) =>
    pool.query("INSERT INTO dropped VALUES ($1, $2)", [relation, iso(ms)]);
  /** The earliest compared bucket of each rollup. */
  const earliest = async (): Promise<Record<string, string>> => {
    const { first } = await compare();
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
      await countOrders(pool, affogati(1, hour + days * DAY_MS));
    await damageAll();
  });

  test("includes every bucket that may have lost an order", async () => {
    await droppedUntil("orders", HOUR);
    expect((await compare()).history).toEqual({ orders: at(HOUR) });
    const found = await earliest();
    for (const hours of ["rollup_minute", "rollup_hour", "rollup_hour_store", "rollup_hour_drink"])
      expect(found[hours]).toBe(at(HOUR + HOUR_MS));
    expect(found["rollup_day"]).toBe(at(DAY + DAY_MS));
  });

  test.each(KEYS.map(({ rollup }) => rollup))(
    "includes the dropped buckets of %s for it alone",
    async (rollup) => {
      const whole = rollup === "rollup_day" ? DAY : HOUR;
      await droppedUntil(rollup, whole);
      const found = await earliest();
      expect(found[rollup]).toBe(at(whole));
      for (const { rollup: other } of KEYS) if (other !== rollup) expect(found[other]).toBe(at(DAY - DAY_MS));
    },
  );

  test("may grow while reconcile waits for its locks, without a difference", async () => {
    await sold(pool);
    await whileHeld(pool, "SELECT ensure_order_partitions(now(), now())", async (retention) => {
      const { rows } = await retention.query<{ part: string; until: Date }>(
        "SELECT min(tableoid::regclass::text) AS part, max(event_time) AS until FROM orders",
      );
      await retention.query(`DROP TABLE ${rows[0]?.part}`);
      const comparing = compare();
      await untilLockWaiters(pool, 1);
      await retention.query("INSERT INTO dropped VALUES ('orders', $1)", [rows[0]?.until]);
      await retention.query("COMMIT");
      expect(await comparing).toMatchObject(EQUAL);
    });
  });
});

test("merges adjacent spans", () => {
  expect(spansOf([], 10)).toEqual([[], []]);
  const [firsts, afters] = spansOf([10, 20, 30, 50, 70, 80], 10);
  expect(firsts.map(Date.parse)).toEqual([10, 50, 70]);
  expect(afters.map(Date.parse)).toEqual([40, 60, 90]);
});

test("counts all differences and returns the first 100", async () => {
  await pool.query("TRUNCATE rollup_hour");
  const { first, rows } = await compare();
  expect(first).toHaveLength(100);
  expect(rows["rollup_hour"]).toBeGreaterThan(150);
});

test("ends its session when it is aborted", () =>
  whileHeld(pool, "LOCK TABLE orders", async () => {
    const stop = new AbortController();
    const comparing = reconcile(pool, { ...caller, signal: stop.signal });
    await untilLockWaiters(pool, 1);
    stop.abort();
    await expect(comparing).rejects.toThrow(/terminated/);
    await untilLockWaiters(pool, 0);
  }));
