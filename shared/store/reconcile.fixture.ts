/** For the tests of reconcile and repair: counted orders of two modes, and every kind of damage to their rollups. */
import { emptied } from "../../dev/system/database.ts";
import { someOrders, until } from "../../test/fresh.ts";
import type { Order } from "../domain/order.ts";
import { DAY_MS, HOUR_MS, hourStart, iso, MINUTE_MS } from "../domain/time.ts";
import type { Pool } from "./pool.ts";
import { countOrders, store, tick } from "./store.fixture.ts";
import type { Caller } from "./transaction.ts";

export const caller: Caller = { longestMs: 20_000, signal: new AbortController().signal };

export const at = (ms: number): string => iso(ms).replace(".000Z", "Z");
const BEFORE_YESTERDAY_MS = Date.now() - 2 * DAY_MS;
/** Two days ago, so that no test counts into it by accident. */
export const DAY = BEFORE_YESTERDAY_MS - (BEFORE_YESTERDAY_MS % DAY_MS);
/** The damaged hour: one that does not start with the day. */
export const HOUR = DAY + 12 * HOUR_MS;

/** Orders of a drink that no other orders have, so that a test knows all their figures. */
export const affogati = (n: number, ms: number): Order[] =>
  someOrders(n, 7, () => iso(ms)).map((order) => ({
    ...order,
    store: "uptown",
    drink: "affogato",
    priceCents: 900,
  }));

/** Five affogati uptown at half past, and 200 orders of v2 over eight days and 40 of v1. */
export const sold = async (pool: Pool): Promise<void> => {
  await emptied(pool);
  await pool.query("DELETE FROM dropped; UPDATE meta SET epoch = 1");
  const spread = someOrders(200, 1, (index) => iso(Date.now() - index * HOUR_MS)).filter(
    ({ eventTimeMs }) => hourStart(eventTimeMs) !== HOUR,
  );
  await countOrders(pool, spread.slice(0, 120), 0);
  await countOrders(pool, spread.slice(100), 1);
  await countOrders(pool, affogati(5, HOUR + 30 * MINUTE_MS), 0);
  await store(pool, someOrders(40, 2));
  // transactions of other tests on this server hold the watermark back
  let counted = 0;
  await until("the orders of v1 are counted", async () => {
    counted += (await tick(pool)).orders;
    return counted === 40;
  });
};

const FIVE = { orders: 5, cents: 4_500 };
type Key = { rollup: string; bucket: string; store: string | null; drink: string | null };
/** The row of each rollup that contains the five affogati. */
export const KEYS: readonly Key[] = [
  { rollup: "rollup_minute", bucket: at(HOUR + 30 * MINUTE_MS), store: null, drink: null },
  { rollup: "rollup_hour", bucket: at(HOUR), store: "uptown", drink: "affogato" },
  { rollup: "rollup_hour_store", bucket: at(HOUR), store: "uptown", drink: null },
  { rollup: "rollup_hour_drink", bucket: at(HOUR), store: null, drink: "affogato" },
  { rollup: "rollup_day", bucket: at(DAY), store: null, drink: "affogato" },
];

const where = ({ bucket, store: s, drink }: Key): string =>
  `bucket = '${bucket}' AND mode = 'v2'${s === null ? "" : ` AND store = '${s}'`}${drink === null ? "" : ` AND drink = '${drink}'`}`;
const columns = ({ store: s, drink }: Key): string =>
  `mode${s === null ? "" : ", store"}${drink === null ? "" : ", drink"}`;

/** A kind of damage, and the differences that reconcile finds after it. */
type Damage = {
  readonly name: string;
  readonly sql: (key: Key) => string;
  readonly found: (key: Key) => readonly object[];
};
const row = (key: Key, more: object): object => ({ ...key, mode: "v2", want: FIVE, have: FIVE, ...more });
const update = (name: string, set: string, found: Damage["found"]): Damage => ({
  name,
  sql: (key) => `UPDATE ${key.rollup} SET ${set} WHERE ${where(key)}`,
  found,
});
const copy = (key: Key, mode: string, figures: string): string =>
  `INSERT INTO ${key.rollup} (bucket, ${columns(key)}, shard, orders, revenue_cents)
   SELECT bucket, ${columns(key).replace("mode", mode)}, ${figures} FROM ${key.rollup} WHERE ${where(key)}`;

export const DAMAGES: readonly Damage[] = [
  update("with other orders", "orders = orders + 1", (key) => [
    row(key, { have: { orders: 6, cents: 4_500 } }),
  ]),
  update("with other revenue", "revenue_cents = revenue_cents - 1", (key) => [
    row(key, { have: { orders: 5, cents: 4_499 } }),
  ]),
  update("in the wrong bucket", "bucket = bucket + interval '7 seconds'", (key) => [
    row(key, { have: null }),
    row(key, { bucket: at(Date.parse(key.bucket) + 7_000), want: null }),
  ]),
  update("of the wrong mode", "mode = 'v3'", (key) => [
    row(key, { have: null }),
    row(key, { mode: "v3", want: null }),
  ]),
  {
    name: "that is missing",
    sql: (key) => `DELETE FROM ${key.rollup} WHERE ${where(key)}`,
    found: (key) => [row(key, { have: null })],
  },
  {
    name: "that is duplicated in another shard",
    sql: (key) => copy(key, "mode", "9, orders, revenue_cents"),
    found: (key) => [row(key, { have: { orders: 10, cents: 9_000 } })],
  },
  {
    name: "that is extra, without orders",
    sql: (key) => copy(key, "'v9'", "0, 0, 0"),
    found: (key) => [row(key, { mode: "v9", want: null, have: { orders: 0, cents: 0 } })],
  },
];
