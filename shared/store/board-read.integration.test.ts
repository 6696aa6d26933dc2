import { describe, expect, test } from "vitest";
import { catalogue, someOrders } from "../../test/fresh.ts";
import { type Board, EMPTY_VIEW, recentIn } from "../domain/board.ts";
import type { Order } from "../domain/order.ts";
import { HOUR_MS, hourStart, MINUTE_MS } from "../domain/time.ts";
import { readBoard } from "./board-read.ts";
import { rankingIn, readRanking } from "./ranking.ts";
import { countOrders, openEmptiedPool } from "./store.fixture.ts";

const pool = await openEmptiedPool(8, "America/New_York");

const read = (previous: Board | null = null, pinned: readonly string[] = []) =>
  readBoard(pool, previous && rankingIn(previous), pinned);
const centsOf = (orders: readonly Order[]) => orders.reduce((sum, { priceCents }) => sum + priceCents, 0);
const hourNow = async () => (await read()).hourStartMs;
/** Sales of stores outside the catalogue, ranked by number: s001 sold most. */
const sellIn = async (hourMs: number, stores: number, mode = "v2") => {
  await pool.query(
    `INSERT INTO rollup_hour_store (bucket, mode, store, shard, orders, revenue_cents)
     SELECT to_timestamp($1::float8 / 1000), $2, 's' || lpad(n::text, 3, '0'), 0, 1000 - n, (1000 - n) * 300
     FROM generate_series(1, $3::integer) AS n`,
    [hourMs, mode, stores],
  );
};

describe("the figures", () => {
  test("are all zero for an empty database", async () => {
    const board = await read();
    expect(board).toMatchObject({
      epoch: 1,
      version: 0,
      storesAsOfUs: board.asOfUs,
      hourStartMs: hourStart(Date.now()),
    });
    expect(board.views).toEqual({ all: EMPTY_VIEW });
    expect(Math.abs(board.asOfUs / 1000 - Date.now())).toBeLessThan(120_000);
  });

  test("are those of each mode, and the sums for `all`", async () => {
    const now = hourStart(Date.now());
    const at = (orders: readonly Order[]) => orders.map((order) => ({ ...order, eventTimeMs: now }));
    const [v2, v3] = [at(someOrders(120, 1)), at(someOrders(80, 2))];
    await countOrders(pool, v2.slice(0, 60), 0);
    await countOrders(pool, v2.slice(60), 1);
    await countOrders(pool, v3, 0, "v3");
    const board = await read();
    const { views, version } = board;
    expect(version).toBe(3);
    expect(Object.keys(views).sort()).toEqual(["all", "v2", "v3"]);
    for (const [name, orders] of [
      ["v2", v2],
      ["v3", v3],
      ["all", [...v2, ...v3]],
    ] as const) {
      const view = views[name];
      const totals = { orders: orders.length, cents: centsOf(orders) };
      expect(view?.orders).toBe(orders.length);
      expect(view?.hour).toEqual(totals);
      expect(view?.minutes).toEqual([[now, totals.orders, totals.cents]]);
      for (const list of [view?.hourDrinks ?? [], view?.hourStores ?? []]) {
        expect(list.reduce((sum, { orders: n }) => sum + n, 0)).toBe(totals.orders);
        expect(list.reduce((sum, { cents }) => sum + cents, 0)).toBe(totals.cents);
        expect(list.map(({ orders: n }) => n)).toEqual(list.map(({ orders: n }) => n).sort((a, b) => b - a));
      }
      const latte = orders.filter(({ drink }) => drink === "latte");
      expect(view?.hourDrinks.find((drink) => drink.name === "latte")).toEqual({
        name: "latte",
        orders: latte.length,
        cents: centsOf(latte),
      });
      expect(view?.topDrinks).toEqual(view?.hourDrinks.slice(0, 5).map((drink) => drink.name));
      const newest = [...orders].sort((a, b) => b.acceptedAtMs - a.acceptedAtMs || (a.id < b.id ? 1 : -1));
      const recent = name === "all" ? recentIn(board) : view?.recent;
      expect(recent?.map(({ id }) => id)).toEqual(newest.slice(0, 50).map(({ id }) => id));
      expect(view?.freshnessMs).toBeGreaterThanOrEqual(0);
      expect(view?.ratePerSecond).toBeGreaterThan(0);
      expect(view?.ratePerSecond).toBeLessThanOrEqual(orders.length / 10);
    }
  });

  test("contain the freshness of the newest batch, whichever part counted it", async () => {
    for (const part of [0, 1]) await countOrders(pool, someOrders(2), part);
    await pool.query(
      "UPDATE applied SET freshness_ms = 900 - 800 * part, updated_at = now() - make_interval(secs => 10 - 5 * part)",
    );
    expect((await read()).views["v2"]?.freshnessMs).toBe(100);
  });

  test("contain the last 60 minutes, oldest first, and no future ones", async () => {
    const nowMs = Date.now();
    const minutes = [-61, -59, -30, 0, 3].map((minute) => nowMs + minute * MINUTE_MS);
    await countOrders(
      pool,
      someOrders(5).map((order, index) => ({ ...order, eventTimeMs: minutes[index] ?? 0 })),
    );
    const { views } = await read();
    const starts = [1, 2, 3].map((index) => (minutes[index] ?? 0) - ((minutes[index] ?? 0) % MINUTE_MS));
    expect(views["all"]?.minutes.map(([start]) => start)).toEqual(starts);
    expect(views["all"]?.orders).toBe(5);
  });

  test("rank the drinks of 30 days, without the day before and tomorrow", async () => {
    await pool.query(
      `INSERT INTO rollup_day (bucket, mode, drink, shard, orders, revenue_cents)
       SELECT date_trunc('day', now(), 'UTC') + make_interval(hours => 24 * ago), 'v2', drink, 0, n, n * 100
       FROM (VALUES (-30, 'before', 900), (-29, 'first', 5), (-1, 'yesterday', 4), (0, 'today', 3), (1, 'tomorrow', 900))
         AS d (ago, drink, n)`,
    );
    await countOrders(
      pool,
      someOrders(1).map((order) => ({ ...order, drink: "now" })),
    );
    expect((await read()).views["v2"]?.topDrinks).toEqual(["first", "yesterday", "today", "now"]);
  });

  test("have no freshness and a decaying rate for an idle source, however long it was idle", async () => {
    await countOrders(pool, someOrders(100));
    const rate = (await read()).views["v2"]?.ratePerSecond ?? 0;
    expect(rate).toBeGreaterThan(0);
    await pool.query("UPDATE applied SET updated_at = now() - interval '20 seconds'");
    expect((await read()).views["v2"]?.ratePerSecond).toBeLessThan(rate / 5);
    for (const idle of ["61 seconds", "3 hours", "9 years", "-3 hours", "-9 years"]) {
      await pool.query("UPDATE applied SET updated_at = now() - $1::interval", [idle]);
      const view = (await read()).views["v2"];
      if (!idle.startsWith("-")) expect(view).toMatchObject({ freshnessMs: null, orders: 100 });
      expect(view?.ratePerSecond, idle).toBeLessThanOrEqual(10);
    }
  });
});

describe("the hour", () => {
  test("contains no orders of the previous one", async () => {
    const hour = await hourNow();
    const orders = someOrders(4).map((order, index) => ({
      ...order,
      eventTimeMs: index === 0 ? hour : hour - 1 - index,
    }));
    await countOrders(pool, orders);
    const view = (await read()).views["all"];
    expect(view?.hour).toEqual({ orders: 1, cents: orders[0]?.priceCents });
    expect(view?.hourDrinks).toHaveLength(1);
    expect(view?.hourStores).toHaveLength(1);
    expect(view?.orders).toBe(4);
  });

  test("does not reuse the store ranking of the previous one", async () => {
    await sellIn(await hourNow(), 3);
    await countOrders(pool, someOrders(1));
    const board = await read();
    const earlier = { ...board, hourStartMs: board.hourStartMs - HOUR_MS };
    await pool.query("DELETE FROM rollup_hour_store WHERE store LIKE 's%' AND length(store) = 4");
    const turned = await read(earlier);
    expect(turned.views["all"]?.hourStores).toHaveLength(1);
    expect(turned.storesAsOfUs).toBe(turned.asOfUs);
  });
});

describe("stores", () => {
  const names = (board: Board, view = "all") => board.views[view]?.hourStores.map(({ name }) => name) ?? [];
  const numbered = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, index) => `s${String(from + index).padStart(3, "0")}`);

  test("are the 50 with the most orders, and the pinned ones at any rank", async () => {
    await sellIn(await hourNow(), 70);
    // makes the source known, as a real batch does
    await countOrders(
      pool,
      someOrders(1).map((order) => ({ ...order, eventTimeMs: order.eventTimeMs - 3 * HOUR_MS })),
    );
    expect(names(await read())).toEqual(numbered(1, 50));
    const pinned = await read(null, ["s065", "s002", "nowhere"]);
    expect(names(pinned)).toEqual([...numbered(1, 50), "s065"]);
    expect(names(pinned, "v2")).toEqual([...numbered(1, 50), "s065"]);
    expect(pinned.views["all"]?.hourStores.at(-1)).toEqual({ name: "s065", orders: 935, cents: 935 * 300 });
  });

  test("are ranked by mode for a mode, and by the sum for all", async () => {
    const hour = await hourNow();
    await sellIn(hour, 2, "v2");
    await pool.query(
      `INSERT INTO rollup_hour_store (bucket, mode, store, shard, orders, revenue_cents) VALUES
       (to_timestamp($1::float8 / 1000), 'v3', 's002', 0, 5, 500), (to_timestamp($1::float8 / 1000), 'v3', 's002', 1, 7, 700)`,
      [hour],
    );
    for (const [part, mode] of ["v2", "v3"].entries())
      await countOrders(
        pool,
        someOrders(1, part).map((order) => ({ ...order, eventTimeMs: order.eventTimeMs - 3 * HOUR_MS })),
        0,
        mode,
      );
    const board = await read();
    expect(names(board, "v2")).toEqual(["s001", "s002"]);
    expect(board.views["v3"]?.hourStores).toEqual([{ name: "s002", orders: 12, cents: 1_200 }]);
    expect(board.views["all"]?.hourStores[0]).toEqual({
      name: "s002",
      orders: 1_010,
      cents: 998 * 300 + 1_200,
    });
  });

  test("may come from an earlier ranking, while pinned stores and totals are read every time", async () => {
    const [store, pinned] = [catalogue.stores[0] ?? "", catalogue.stores[1] ?? ""];
    const sell = async (seed: number) => {
      const hour = await hourNow();
      const orders = someOrders(20, seed).map((order, index) => ({
        ...order,
        store: index % 2 ? store : pinned,
        eventTimeMs: hour,
      }));
      await countOrders(pool, orders);
    };
    const ordersOf = (board: Board, name: string) =>
      board.views["all"]?.hourStores.find((each) => each.name === name)?.orders;
    await sell(1);
    const first = await read(null, [pinned]);
    await sell(2);
    const recent = { ...first, storesAsOfUs: (await read()).asOfUs - 500_000 };
    const second = await read(recent, [pinned]);
    expect(second.storesAsOfUs).toBe(recent.storesAsOfUs);
    expect([ordersOf(second, store), ordersOf(second, pinned)]).toEqual([10, 20]);
    expect(second.views["all"]?.hour.orders).toBe(40);
    const ranking = await readRanking(pool);
    const third = await readBoard(pool, ranking, [pinned]);
    expect(third.storesAsOfUs).toBe(ranking.asOfUs);
    expect([ordersOf(third, store), ordersOf(third, pinned)]).toEqual([20, 20]);
    // a ranking of another hour or epoch, or from a clock ahead, is not used
    for (const other of [
      { ...second, hourStartMs: second.hourStartMs - HOUR_MS },
      { ...second, epoch: 7 },
      { ...second, storesAsOfUs: third.asOfUs + 60_000_000 },
    ])
      expect(ordersOf(await read(other, [pinned]), store)).toBe(20);
  });
});
