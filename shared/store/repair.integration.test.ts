import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { driftOf, numberOf } from "../../dev/system/database.ts";
import { someOrders, until } from "../../test/fresh.ts";
import { DAY_MS, HOUR_MS, hourStart, iso } from "../domain/time.ts";
import { at, caller, DAMAGES, HOUR, KEYS, sold } from "./reconcile.fixture.ts";
import { reconcile } from "./reconcile.ts";
import { repair } from "./repair.ts";
import {
  countOrders,
  endLockWaiters,
  openTestPool,
  store,
  tick,
  untilLockWaiters,
  whileHeld,
} from "./store.fixture.ts";

const pool = await openTestPool(12);
beforeEach(() => sold(pool));

const repairNow = () => repair(pool, caller);
const epoch = () => numberOf(pool, "SELECT epoch FROM meta");
const version = () => numberOf(pool, "SELECT sum(version) FROM applied");
const rollups = async (): Promise<unknown[]> => {
  const all = KEYS.map(({ rollup }) => `SELECT '${rollup}', r::text FROM ${rollup} AS r`);
  return (await pool.query(`${all.join(" UNION ALL ")} ORDER BY 1, 2`)).rows;
};

test("writes nothing without a difference", async () => {
  const before = [await rollups(), await version()];
  expect(await repairNow()).toMatchObject({ epoch: null, heldMs: 0, apart: 0, orders: 244 });
  expect([await rollups(), await version(), await epoch()]).toEqual([...before, 1]);
});

describe.each(KEYS)("$rollup", (key) => {
  test.each(DAMAGES)("rebuilds a row $name, and nothing else", async ({ sql, found }) => {
    const [before, versionBefore] = [await rollups(), await version()];
    await pool.query(sql(key));
    const repaired = await repairNow();
    expect(repaired.rows).toEqual({ [key.rollup]: found(key).length });
    expect(repaired.first).toEqual(expect.arrayContaining([...found(key)]));
    expect(await rollups()).toEqual(before);
    expect([repaired.epoch, await epoch(), await version()]).toEqual([2, 2, versionBefore + 1]);
    expect(await driftOf(pool)).toEqual([]);
    expect(await repairNow()).toMatchObject({ epoch: null });
  });
});

test("rebuilds empty rollups and wrong totals, and counting continues from there", async () => {
  await pool.query(KEYS.map(({ rollup }) => `TRUNCATE ${rollup}`).join(";"));
  await pool.query("DELETE FROM applied WHERE source = 'v1'; UPDATE applied SET orders = 1");
  expect(await repairNow()).toMatchObject({
    epoch: 2,
    totals: [
      { mode: "v1", want: 40, have: 0 },
      { mode: "v2", want: 204, have: 2 },
    ],
  });
  for (const part of [0, 1]) await countOrders(pool, someOrders(30, 3 + part), part);
  await store(pool, someOrders(10, 5));
  await until("the orders of v1 are counted", async () => (await tick(pool)).orders === 10);
  expect(await driftOf(pool)).toEqual([]);
  expect(await reconcile(pool, caller)).toMatchObject({ apart: 0, totals: [], orders: 314 });
});

test("does not count uncounted orders of v1, which count once afterwards", async () => {
  await whileHeld(pool, "SELECT pg_current_xact_id()", async () => {
    await store(pool, someOrders(30, 5));
    await pool.query("UPDATE rollup_hour_drink SET orders = orders + 1");
    expect(await repairNow()).toMatchObject({ epoch: 2 });
    expect(await numberOf(pool, "SELECT sum(orders) FROM rollup_hour_drink")).toBe(244);
  });
  await until("they are counted", async () => (await tick(pool)).orders === 30);
  expect(await driftOf(pool)).toEqual([]);
});

test("does not change buckets whose orders retention has dropped", async () => {
  const extra = "UPDATE rollup_hour SET orders = orders + 1 WHERE bucket";
  await pool.query(`${extra} <= '${at(HOUR)}'`);
  const before = await rollups();
  await pool.query(`${extra} = '${at(HOUR + HOUR_MS)}'`);
  await pool.query("INSERT INTO dropped VALUES ('orders', $1)", [iso(HOUR)]);
  expect((await repairNow()).rows).toEqual({ rollup_hour: 1 });
  expect(await rollups()).toEqual(before);
});

describe("repairs under load", () => {
  /** Counts and stores everything twice, from several connections; `stop` resolves with the number of new orders. */
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
        countOrders(pool, orders, part),
        countOrders(pool, [...orders, ...orders.slice(9)], part),
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
      // these orders were new when they were stored
      keepOn(() => tick(pool).then(() => 0)),
    ];
    const stop = async (): Promise<number> => {
      going = false;
      return (await Promise.all(running)).reduce((sum, orders) => sum + orders, 0);
    };
    onTestFinished(async () => void (await stop()));
    return { stored: () => stored, stop };
  };
  /** Each rollup in turn; more rounds would make too many orders to compare. */
  const ROUNDS = KEYS.length + 2;
  /** With counting locked out: several rows at once would deadlock with it, and nothing here retries. */
  const damage = (sql: string) => pool.query(`BEGIN; LOCK TABLE applied IN EXCLUSIVE MODE; ${sql}; COMMIT`);
  const damageNow = async (round: number): Promise<void> => {
    const { rollup } = KEYS[round % KEYS.length] ?? { rollup: "" };
    const since = rollup === "rollup_day" ? Date.now() - DAY_MS : hourStart(Date.now());
    await damage(`DELETE FROM ${rollup} WHERE bucket >= '${iso(since)}'`);
  };

  test("lose nothing and count nothing twice in the hour that is being counted", async () => {
    const traffic = load();
    let repaired = 0;
    const storedBefore = traffic.stored();
    for (let round = 0; round < ROUNDS; round++) {
      await damageNow(round);
      const { epoch: raised } = await repairNow();
      if (raised !== null) repaired++;
      expect(await reconcile(pool, caller)).toMatchObject({ apart: 0, totals: [] });
    }
    expect(traffic.stored()).toBeGreaterThan(storedBefore);
    const accepted = await traffic.stop();
    await until("the orders of v1 are counted", async () => {
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

  test("find nothing to do after a concurrent one has repaired", async () => {
    const traffic = load();
    for (let round = 0; round < 3; round++) {
      await damage(`UPDATE rollup_day SET orders = orders + 1 WHERE bucket < '${at(HOUR)}'`);
      const epochs = await Promise.all([repairNow(), repairNow(), repairNow()]);
      expect(epochs.map((each) => each.epoch).filter((each) => each !== null)).toEqual([2 + round]);
    }
    await traffic.stop();
    expect(await reconcile(pool, caller)).toMatchObject({ apart: 0, totals: [] });
  });
});

test("rejects when a counting transaction does not end in time, with nothing changed", async () => {
  await pool.query("DELETE FROM rollup_minute");
  await whileHeld(pool, "LOCK TABLE applied IN ROW EXCLUSIVE MODE", () =>
    expect(repairNow()).rejects.toThrow("did not end within 5 s; nothing is changed"),
  );
  expect(await repairNow()).toMatchObject({ epoch: 2 });
});

describe("an interrupted repair", () => {
  test("changes nothing when its session ends, and counting continues", async () => {
    await pool.query("UPDATE rollup_hour SET orders = orders + 1; DELETE FROM rollup_minute");
    const before = [await rollups(), await version()];
    // it waits for the row of `meta` after it has rewritten its rows
    await whileHeld(pool, "UPDATE meta SET epoch = epoch", async () => {
      const repairing = repairNow();
      await untilLockWaiters(pool, 1);
      const counting = countOrders(pool, []);
      await untilLockWaiters(pool, 2);
      const killed = expect(repairing).rejects.toThrow(/terminat/);
      expect(await endLockWaiters(pool, "%epoch + 1%")).toBe(1);
      await killed;
      expect(await counting).toMatchObject({ orders: 0 });
    });
    expect([await rollups(), await version(), await epoch()]).toEqual([...before, 1]);
    expect(await repairNow()).toMatchObject({ epoch: 2 });
  });

  test("changes nothing when its caller aborts it", async () => {
    await pool.query("DELETE FROM rollup_minute");
    await whileHeld(pool, "LOCK TABLE applied IN ROW EXCLUSIVE MODE", async () => {
      const stop = new AbortController();
      const repairing = repair(pool, { ...caller, signal: stop.signal });
      await untilLockWaiters(pool, 1);
      stop.abort();
      await expect(repairing).rejects.toThrow(/terminated/);
      await untilLockWaiters(pool, 0);
    });
    expect(await epoch()).toBe(1);
    expect(await numberOf(pool, "SELECT count(*) FROM rollup_minute")).toBe(0);
  });
});
