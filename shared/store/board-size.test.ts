import { afterAll, beforeAll, expect, test } from "vitest";
import { freshDatabase, poolOn, someOrders } from "../../test/fresh.ts";
import { MINUTE_MS } from "../domain/time.ts";
import { encodeOrders } from "../wire/order-message.ts";
import { readBoard } from "./board-read.ts";
import { countCarried } from "./count.ts";
import type { Pool } from "./pool.ts";

const MOST_BYTES = 65_536;

let pool: Pool;
beforeAll(async () => {
  pool = poolOn(await freshDatabase());
});
afterAll(() => pool.end());

test("with 10 000 stores, 30 drinks and a full hour in three modes a board stays under 64 KiB", async () => {
  const now = Date.now();
  for (const [seed, source] of ["v1", "v2", "v3"].entries()) {
    const orders = someOrders(600, seed).map((order, index) => ({
      ...order,
      store: `Coffee house number ${index % 100} of the chain`,
      drink: `a drink of the season, number ${index % 30}`,
      eventTimeMs: now - (index % 60) * MINUTE_MS,
    }));
    await countCarried(pool, { source, part: 0, position: "1", messages: encodeOrders(orders) });
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
  expect(Buffer.byteLength(JSON.stringify(board))).toBeLessThan(MOST_BYTES);
});
