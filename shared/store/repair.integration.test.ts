import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { driftOf, numberOf } from "../../dev/system/database.ts";
import { freshDatabase, poolOn, someOrders, until } from "../../test/fresh.ts";
import { DAY_MS, HOUR_MS, hourStart, iso } from "../domain/time.ts";
import type { Pool } from "./pool.ts";
import { at, caller, count, DAMAGES, HOUR, KEYS, sold, store, tick } from "./reconcile.fixture.ts";
import { reconcile } from "./reconcile.ts";
import { repair } from "./repair.ts";

let pool: Pool;
beforeAll(async () => {
  pool = poolOn(await freshDatabase(), 12);
});
beforeEach(() => sold(pool));
afterAll(() => pool.end());

const mend = () => repair(pool, caller);
const epoch = () => numberOf(pool, "SELECT epoch FROM meta");
const version = () => numberOf(pool, "SELECT sum(version) FROM applied");
const waiting = () =>
  numberOf(
    pool,
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
  );
const rollups = async (): Promise<unknown[]> => {
  const all = KEYS.map(({ rollup }) => `SELECT '${rollup}', r::text FROM ${rollup} AS r`);
  return (await pool.query(`${all.join(" UNION ALL ")} ORDER BY 1, 2`)).rows;
};

test("of what is equal writes nothing", async () => {
  const before = [await rollups(), await version()];
  expect(await mend()).toMatchObject({ epoch: null, heldMs: 0, apart: 0, orders: 244 });
  expect([await rollups(), await version(), await epoch()]).toEqual([...before, 1]);
});

describe.each(KEYS)("$rollup", (key) => {
  test.each(DAMAGES)("$name is rebuilt, and nothing else", async ({ sql, found }) => {
    const [before, versionBefore] = [await rollups(), await version()];
    await pool.query(sql(key));
    const repaired = await mend();
    expect(repaired.rows).toEqual({ [key.rollup]: found(key).length });
    expect(repaired.first).toEqual(expect.arrayContaining([...found(key)]));
    expect(await rollups()).toEqual(before);
    expect([repaired.epoch, await epoch(), await version()]).toEqual([2, 2, versionBefore + 1]);
    expect(await driftOf(pool)).toEqual([]);
    expect(await mend()).toMatchObject({ epoch: null });
  });
});

test("everything gone comes back, the totals too, and counting goes on from there", async () => {
  await pool.query(KEYS.map(({ rollup }) => `TRUNCATE ${rollup}`).join(";"));
  await pool.query("DELETE FROM applied WHERE source = 'v1'; UPDATE applied SET orders = 1");
  expect(await mend()).toMatchObject({
    epoch: 2,
    totals: [
      { mode: "v1", want: 40, have: 0 },
      { mode: "v2", want: 204, have: 2 },
    ],
  });
  for (const part of [0, 1]) await count(pool, someOrders(30, 3 + part), part);
  await store(pool, someOrders(10, 5));
  await until("v1's are counted", async () => (await tick(pool)).orders === 10);
  expect(await driftOf(pool)).toEqual([]);
  expect(await reconcile(pool, caller)).toMatchObject({ apart: 0, totals: [], orders: 314 });
});

test("v1's orders that wait are not counted by it, and once afterwards", async () => {
  const holder = await pool.connect();
  try {
    await holder.query("BEGIN; SELECT pg_current_xact_id()");
    await store(pool, someOrders(30, 5));
    await pool.query("UPDATE rollup_hour_drink SET orders = orders + 1");
    expect(await mend()).toMatchObject({ epoch: 2 });
    expect(await numberOf(pool, "SELECT sum(orders) FROM rollup_hour_drink")).toBe(244);
    await holder.query("ROLLBACK");
  } finally {
    holder.release();
  }
  await until("they are counted", async () => (await tick(pool)).orders === 30);
  expect(await driftOf(pool)).toEqual([]);
});

test("history is left as it is", async () => {
  const extra = "UPDATE rollup_hour SET orders = orders + 1 WHERE bucket";
  await pool.query(`${extra} <= '${at(HOUR)}'`);
  const before = await rollups();
  await pool.query(`${extra} = '${at(HOUR + HOUR_MS)}'`);
  await pool.query("INSERT INTO dropped VALUES ('orders', $1)", [iso(HOUR)]);
  expect((await mend()).rows).toEqual({ rollup_hour: 1 });
  expect(await rollups()).toEqual(before);
});

describe("under load", () => {
  /** Counts and stores from several connections, everything twice, until told to stop; resolves with what was new. */
  const load = () => {
    let going = true;
    let seed = 1_000;
    const keepOn = async (work: () => Promise<number>): Promise<number> => {
      let sum = 0;
      while (going) sum += await work();
      return sum;
    };
    const carry = (part: number) => async (): Promise<number> => {
      const orders = someOrders(40, seed++);
      const [one, two] = await Promise.all([
        count(pool, orders, part),
        count(pool, [...orders, ...orders.slice(9)], part),
      ]);
      return one.orders + two.orders;
    };
    let stored = 0;
    const running = [
      keepOn(carry(0)),
      keepOn(carry(1)),
      keepOn(carry(2)),
      keepOn(async () => {
        const orders = someOrders(40, seed++);
        const results = await Promise.all([store(pool, orders), store(pool, orders)]);
        const fresh = results.reduce((sum, ids) => sum + ids.size, 0);
        stored += fresh;
        return fresh;
      }),
      // what it counts was stored, and is not new
      keepOn(() => tick(pool).then(() => 0)),
    ];
    const stop = async (): Promise<number> => {
      going = false;
      return (await Promise.all(running)).reduce((sum, orders) => sum + orders, 0);
    };
    onTestFinished(async () => void (await stop()));
    return { stored: () => stored, stop };
  };
  /** Each rollup in turn, and not so many that the orders become too many to look at. */
  const ROUNDS = KEYS.length + 2;
  /** With counting locked out: several rows at once would deadlock with it, and nothing here tries again. */
  const damage = (sql: string) => pool.query(`BEGIN; LOCK TABLE applied IN EXCLUSIVE MODE; ${sql}; COMMIT`);
  const damageNow = async (round: number): Promise<void> => {
    const { rollup } = KEYS[round % KEYS.length] ?? { rollup: "" };
    const since = rollup === "rollup_day" ? Date.now() - DAY_MS : hourStart(Date.now());
    await damage(`DELETE FROM ${rollup} WHERE bucket >= '${iso(since)}'`);
  };

  test("repairs of the hour that is being counted lose nothing and count nothing twice", async () => {
    const traffic = load();
    let repaired = 0;
    const storedBefore = traffic.stored();
    for (let round = 0; round < ROUNDS; round++) {
      await damageNow(round);
      const { epoch: raised } = await mend();
      if (raised !== null) repaired++;
      expect(await reconcile(pool, caller)).toMatchObject({ apart: 0, totals: [] });
    }
    expect(traffic.stored()).toBeGreaterThan(storedBefore);
    const accepted = await traffic.stop();
    await until("v1's are counted", async () => {
      await tick(pool);
      return (await numberOf(pool, "SELECT sum(orders) FROM applied")) === 244 + accepted;
    });
    expect(accepted).toBeGreaterThan(500);
    expect(repaired).toBeGreaterThanOrEqual(ROUNDS - 1);
    expect(await driftOf(pool)).toEqual([]);
    for (const { rollup } of KEYS)
      expect(await numberOf(pool, `SELECT sum(orders) FROM ${rollup}`)).toBe(244 + accepted);
    expect(await reconcile(pool, caller)).toMatchObject({ apart: 0, totals: [], orders: 244 + accepted });
  });

  test("two at once: one repairs, the other finds it done", async () => {
    const traffic = load();
    for (let round = 0; round < 3; round++) {
      await damage(`UPDATE rollup_day SET orders = orders + 1 WHERE bucket < '${at(HOUR)}'`);
      const epochs = await Promise.all([mend(), mend(), mend()]);
      expect(epochs.map((each) => each.epoch).filter((each) => each !== null)).toEqual([2 + round]);
    }
    await traffic.stop();
    expect(await reconcile(pool, caller)).toMatchObject({ apart: 0, totals: [] });
  });
});

test("gives up when a counting transaction does not end, and says so", async () => {
  await pool.query("DELETE FROM rollup_minute");
  const holder = await pool.connect();
  try {
    await holder.query("BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0");
    await holder.query("LOCK TABLE applied IN ROW EXCLUSIVE MODE");
    await expect(mend()).rejects.toThrow("did not end within 5 s; nothing is changed");
  } finally {
    await holder.query("ROLLBACK");
    holder.release();
  }
  expect(await mend()).toMatchObject({ epoch: 2 });
});

describe("interrupted", () => {
  /** A repair that stands after its rows were rewritten: it waits for `meta`, whose row another holds. */
  const standing = async (work: (repairing: Promise<unknown>) => Promise<void>): Promise<void> => {
    await pool.query("UPDATE rollup_hour SET orders = orders + 1; DELETE FROM rollup_minute");
    const before = [await rollups(), await version()];
    const holder = await pool.connect();
    try {
      await holder.query(
        "BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0; UPDATE meta SET epoch = epoch",
      );
      const repairing = mend();
      await until("the repair stands", async () => (await waiting()) === 1);
      await work(repairing);
    } finally {
      await holder.query("ROLLBACK");
      holder.release();
    }
    expect([await rollups(), await version(), await epoch()]).toEqual([...before, 1]);
  };

  test("by the end of its session it leaves everything as it was, and counting goes on", async () => {
    await standing(async (repairing) => {
      const counting = count(pool, []);
      await until("counting waits", async () => (await waiting()) === 2);
      const killed = expect(repairing).rejects.toThrow(/terminat/);
      await pool.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE query LIKE '%epoch + 1%' AND wait_event_type = 'Lock' AND datname = current_database()`,
      );
      await killed;
      expect(await counting).toMatchObject({ orders: 0 });
    });
    expect(await mend()).toMatchObject({ epoch: 2 });
  });

  test("by whoever wanted it, too", async () => {
    const stop = new AbortController();
    await pool.query("DELETE FROM rollup_minute");
    const holder = await pool.connect();
    try {
      await holder.query("BEGIN; LOCK TABLE applied IN ROW EXCLUSIVE MODE");
      const repairing = repair(pool, { ...caller, signal: stop.signal });
      await until("it waits for the counting that is under way", async () => (await waiting()) === 1);
      stop.abort();
      await expect(repairing).rejects.toThrow(/terminated/);
      await until("its session is gone", async () => (await waiting()) === 0);
    } finally {
      holder.release(true);
    }
    expect(await epoch()).toBe(1);
    expect(await numberOf(pool, "SELECT count(*) FROM rollup_minute")).toBe(0);
  });
});
