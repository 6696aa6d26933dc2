import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { freshDatabase, poolOn, someOrders, until } from "../../../test/fresh.ts";
import { openPool, type Pool } from "../../store/pool.ts";
import { encodeOrders } from "../../wire/order-message.ts";
import { adoptRestored, countStored, refuseRestored } from "./count-stored.ts";
import { storeOrders } from "./stored-orders.ts";

const batch = { source: "v1", part: 0 };
let databaseUrl: string;
let pool: Pool;
afterEach(() => pool.end());

/** Twenty orders counted, seven not, and then another cluster: its identifier differs and its ids start low. */
const restoredDatabase = async (): Promise<void> => {
  databaseUrl = await freshDatabase();
  pool = poolOn(databaseUrl);
  await storeOrders(pool, "v1", encodeOrders(someOrders(20)));
  // other tests' transactions on this server hold the watermark back for a moment
  await until("they are counted", async () => (await countStored(pool, batch)).orders === 20);
  await storeOrders(pool, "v1", encodeOrders(someOrders(7)));
  const far = "(xid::text::numeric + 1000000000)::text::xid8";
  await pool.query(`UPDATE orders SET xid = ${far}`);
  const mark = far.replace("xid", "direct_watermark");
  await pool.query(`UPDATE meta SET system_identifier = 1, direct_watermark = ${mark}`);
};
const total = async (): Promise<number> =>
  Number((await pool.query("SELECT coalesce(sum(orders), 0) AS n FROM rollup_hour")).rows[0]?.n);

test("a restored database is not counted and not written to until it is adopted", async () => {
  await restoredDatabase();
  expect(await countStored(pool, batch)).toMatchObject({ orders: 0, restored: true });
  const client = await pool.connect();
  try {
    await expect(refuseRestored(client)).rejects.toThrow(/restored/);
  } finally {
    client.release();
  }
  expect(await total()).toBe(20);
});

test("adopting counts the rest once, raises the epoch, and lets new orders count", async () => {
  await restoredDatabase();
  const [one, two] = await Promise.all([adoptRestored(pool, batch), adoptRestored(pool, batch)]);
  expect([one?.orders, two?.orders].filter((orders) => orders !== undefined)).toEqual([7]);
  expect(await total()).toBe(27);
  expect((await pool.query("SELECT epoch::int FROM meta")).rows).toEqual([{ epoch: 2 }]);
  expect(await countStored(pool, batch)).toMatchObject({ orders: 0, restored: false });
  await storeOrders(pool, "v1", encodeOrders(someOrders(5)));
  await until("the new ones are counted", async () => (await countStored(pool, batch)).orders === 5);
  expect(await total()).toBe(32);
});

test("a database of this cluster is left alone", async () => {
  pool = poolOn(await freshDatabase());
  expect(await adoptRestored(pool, batch)).toBeNull();
  const client = await pool.connect();
  await refuseRestored(client);
  client.release();
});

test("adopting takes as long as it takes, whatever the timeout of the worker's pool", async () => {
  await restoredDatabase();
  const hasty = openPool(
    {
      databaseUrl,
      program: "test",
      maxConnections: 1,
      statementTimeoutMs: 200,
      connectTimeoutMs: 2_000,
    },
    () => undefined,
  );
  const storing = await pool.connect();
  try {
    await storing.query("BEGIN; LOCK TABLE orders IN ROW EXCLUSIVE MODE");
    const adopting = adoptRestored(hasty, batch);
    // the statement's 200 ms and the client's half second more
    await sleep(1_000);
    await storing.query("ROLLBACK");
    expect(await adopting).toMatchObject({ orders: 7 });
  } finally {
    storing.release();
    await hasty.end();
  }
  expect(await total()).toBe(27);
});
