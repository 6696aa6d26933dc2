import { expect, test } from "vitest";
import { numberOf } from "../../dev/system/database.ts";
import { freshDatabase, poolOn, someOrders, until } from "../../test/fresh.ts";
import type { Board } from "../domain/board.ts";
import { MINUTE_MS } from "../domain/time.ts";
import { raiseEpoch, readBoard } from "./board-read.ts";
import { rankingIn } from "./ranking.ts";
import { countOrders, openEmptiedPool } from "./store.fixture.ts";

const pool = await openEmptiedPool(8);

const read = (previous: Board | null = null) => readBoard(pool, previous && rankingIn(previous), []);

test("a board's version never falls and agrees with its totals under four writers", async () => {
  let stopped = false;
  const BATCH = 3;
  const writer = async (part: number) => {
    for (let round = 0; !stopped; round++)
      await countOrders(pool, someOrders(BATCH, part * 1_000 + round), part);
  };
  const boards: Board[] = [];
  const reader = async () => {
    let last: Board | null = null;
    while (!stopped) {
      const board = await read(Math.random() < 0.5 ? last : null);
      expect(board.version).toBeGreaterThanOrEqual(last?.version ?? 0);
      expect(board.asOfUs).toBeGreaterThan(last?.asOfUs ?? 0);
      boards.push(board);
      last = board;
    }
  };
  const all = Promise.all([...[0, 1, 2, 3].map(writer), reader(), reader()]);
  const versionsRead = (): number => new Set(boards.map(({ version }) => version)).size;
  // a writer or reader that fails ends the wait too
  await Promise.race([until("boards of many versions", () => versionsRead() > 10, 120_000), all]);
  stopped = true;
  await all;
  const centsByVersion = new Map<number, number>();
  for (const { version, views, asOfUs, storesAsOfUs } of boards) {
    const minutes = views["all"]?.minutes ?? [];
    const orders = minutes.reduce((sum, [, n]) => sum + n, 0);
    const cents = minutes.reduce((sum, [, , c]) => sum + c, 0);
    // every batch was counted whole, so one snapshot can only show multiples
    expect([views["all"]?.orders ?? 0, orders]).toEqual([version * BATCH, version * BATCH]);
    // a second statement of the same snapshot
    const inStores = (views["all"]?.hourStores ?? []).reduce((sum, { orders: n }) => sum + n, 0);
    if (storesAsOfUs === asOfUs) expect(inStores).toBe(views["all"]?.hour.orders);
    expect(centsByVersion.get(version) ?? cents).toBe(cents);
    centsByVersion.set(version, cents);
  }
});

test("raises the epoch above the given one, and never lowers it", async () => {
  const epoch = () => numberOf(pool, "SELECT epoch FROM meta");
  await raiseEpoch(pool, 4);
  expect(await epoch()).toBe(5);
  const raised = await Promise.all([raiseEpoch(pool, 5), raiseEpoch(pool, 5)]);
  expect(raised.toSorted()).toEqual([false, true]);
  expect(await epoch()).toBe(6);
  await raiseEpoch(pool, 2);
  expect(await epoch()).toBe(6);
  expect((await read()).epoch).toBe(6);
});

test("rejects without a meta row with what to do, and releases its connection", async () => {
  const bare = poolOn(await freshDatabase(), 1);
  await bare.query("DELETE FROM meta");
  await expect(readBoard(bare, null, [])).rejects.toThrow("run the migrations");
  await expect(readBoard(bare, null, [])).rejects.toThrow("run the migrations");
  await bare.end();
});

const MAX_BYTES = 65_536;

test("keeps a board under 64 KiB with 10 000 stores, 30 drinks and a full hour in three modes", async () => {
  const now = Date.now();
  for (const [seed, source] of ["v1", "v2", "v3"].entries()) {
    const orders = someOrders(600, seed).map((order, index) => ({
      ...order,
      store: `Coffee house number ${index % 100} of the chain`,
      drink: `a drink of the season, number ${index % 30}`,
      eventTimeMs: now - (index % 60) * MINUTE_MS,
    }));
    await countOrders(pool, orders, 0, source);
  }
  await pool.query(
    `INSERT INTO rollup_hour_store (bucket, mode, store, shard, orders, revenue_cents)
     SELECT date_trunc('hour', now(), 'UTC'), mode, 'Coffee house number ' || n || ' of the chain', 1, 1e6 + n, 5e8
     FROM generate_series(1, 10000) AS n, unnest(ARRAY['v1', 'v2', 'v3']) AS mode`,
  );
  const board = await readBoard(pool, null, []);
  expect(board.views["all"]?.hourStores).toHaveLength(50);
  expect(board.views["all"]?.minutes.length).toBeGreaterThanOrEqual(59);
  expect(board.views["v3"]?.recent).toHaveLength(50);
  expect(Buffer.byteLength(JSON.stringify(board))).toBeLessThan(MAX_BYTES);
});
