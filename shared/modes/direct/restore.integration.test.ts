import { setTimeout as sleep } from "node:timers/promises";
import { beforeEach, expect, test } from "vitest";
import { numberOf } from "../../../dev/system/database.ts";
import { freshDatabase, poolOn, someOrders, until } from "../../../test/fresh.ts";
import { openPool, type Pool } from "../../store/pool.ts";
import { store, tick, whileHeld } from "../../store/store.fixture.ts";
import { adoptRestored, refuseRestored } from "./count-stored.ts";

const batch = { source: "v1", part: 0 };
let databaseUrl: string;
let pool: Pool;
beforeEach(async () => {
  databaseUrl = await freshDatabase();
  const opened = poolOn(databaseUrl);
  pool = opened;
  return () => opened.end();
});

/** Twenty orders counted, seven not, and then another cluster: its identifier differs and its ids start low. */
const restore = async (): Promise<void> => {
  await store(pool, someOrders(20));
  // transactions of other tests on this server hold the watermark back
  await until("they are counted", async () => (await tick(pool)).orders === 20);
  await store(pool, someOrders(7));
  const far = "(xid::text::numeric + 1000000000)::text::xid8";
  await pool.query(`UPDATE orders SET xid = ${far}`);
  const mark = far.replace("xid", "direct_watermark");
  await pool.query(`UPDATE meta SET system_identifier = 1, direct_watermark = ${mark}`);
};
const total = () => numberOf(pool, "SELECT coalesce(sum(orders), 0) FROM rollup_hour");
const refuse = async (): Promise<void> => {
  const client = await pool.connect();
  await refuseRestored(client).finally(() => client.release());
};

test("a restored database is not counted and accepts no orders until it is adopted", async () => {
  await restore();
  expect(await tick(pool)).toMatchObject({ orders: 0, restored: true });
  await expect(refuse()).rejects.toThrow(/restored/);
  expect(await total()).toBe(20);
});

test("adopting counts the uncounted orders once, raises the epoch, and new orders are counted", async () => {
  await restore();
  const [one, two] = await Promise.all([adoptRestored(pool, batch), adoptRestored(pool, batch)]);
  expect([one?.orders, two?.orders].filter((orders) => orders !== undefined)).toEqual([7]);
  expect([await total(), await numberOf(pool, "SELECT epoch FROM meta")]).toEqual([27, 2]);
  expect(await tick(pool)).toMatchObject({ orders: 0, restored: false });
  await store(pool, someOrders(5));
  await until("the new ones are counted", async () => (await tick(pool)).orders === 5);
  expect(await total()).toBe(32);
});

test("a database of this cluster is not adopted", async () => {
  expect(await adoptRestored(pool, batch)).toBeNull();
  await refuse();
});

test("adopting may take longer than the statement timeout of the worker's pool", async () => {
  await restore();
  const limits = { maxConnections: 1, statementTimeoutMs: 200, connectTimeoutMs: 60_000 };
  const hasty = openPool({ databaseUrl, program: "test", ...limits }, () => undefined);
  await whileHeld(pool, "LOCK TABLE orders IN ROW EXCLUSIVE MODE", async (storing) => {
    const adopting = adoptRestored(hasty, batch);
    // the 200 ms of a statement and the client's 500 ms more
    await sleep(1_000);
    await storing.query("ROLLBACK");
    expect(await adopting).toMatchObject({ orders: 7 });
  });
  await hasty.end();
  expect(await total()).toBe(27);
});
