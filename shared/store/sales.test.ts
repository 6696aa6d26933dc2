import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freshDatabase, poolOn, someOrders } from "../../test/fresh.ts";
import type { Order } from "../domain/order.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../domain/time.ts";
import { encodeOrders } from "../wire/order-message.ts";
import { countCarried } from "./count.ts";
import type { Pool } from "./pool.ts";
import { readSales, type SalesBucket, type SalesQuery, type SalesRow } from "./sales.ts";

const BUCKET_MS: Record<SalesBucket, number> = { minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS };
/** Names whose order differs by collation, and that hold what a key or a pattern might stumble over. */
const STORES = ["Zoo", "apple", "Äpfel", "éa", "a b", "a_b", "a%", "O'Hara", "日本"];
const DRINKS = ["latte", "Latte", "flat white", "|"];
const START_MS = Math.floor(Date.now() / DAY_MS) * DAY_MS - 3 * DAY_MS;
const END_MS = START_MS + 3 * DAY_MS;

let pool: Pool;
const orders: (Order & { mode: string })[] = [];

beforeAll(async () => {
  pool = poolOn(await freshDatabase());
  // a server elsewhere: buckets stay UTC
  await pool.query(
    `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET timezone = ''America/New_York''', current_database()); END $$`,
  );
  const database = pool.options.connectionString ?? "";
  await pool.end();
  pool = poolOn(database);
  for (const [batch, mode] of ["v2", "v3", "v2", "v4"].entries()) {
    const some = someOrders(250, batch).map((order, index) => ({
      ...order,
      store: STORES[(index * 7 + batch) % STORES.length] ?? "",
      drink: DRINKS[(index * 3) % DRINKS.length] ?? "",
      eventTimeMs: START_MS + ((index * 7_919 + batch * 104_729) % (3 * 24 * 60)) * MINUTE_MS + 59_999,
    }));
    await countCarried(pool, { source: mode, part: batch, position: "1", messages: encodeOrders(some) });
    orders.push(...some.map((order) => ({ ...order, mode })));
  }
});
afterAll(() => pool.end());

type Filter = Pick<SalesQuery, "mode" | "store" | "drink"> & { fromMs?: number; toMs?: number };

const byCode = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** What the history must be, from the orders themselves. */
const recomputed = (bucket: SalesBucket, filter: Filter): SalesRow[] => {
  const rows = new Map<string, SalesRow>();
  for (const order of orders) {
    if (order.eventTimeMs < (filter.fromMs ?? START_MS) || order.eventTimeMs >= (filter.toMs ?? END_MS))
      continue;
    if (filter.mode !== undefined && order.mode !== filter.mode) continue;
    if (filter.store !== undefined && order.store !== filter.store) continue;
    if (filter.drink !== undefined && order.drink !== filter.drink) continue;
    const bucketMs = order.eventTimeMs - (order.eventTimeMs % BUCKET_MS[bucket]);
    const [store, drink] = bucket === "minute" ? [null, null] : [order.store, order.drink];
    const key = JSON.stringify([bucketMs, order.mode, store, drink]);
    const sum = rows.get(key);
    const cents = (sum?.cents ?? 0) + order.priceCents;
    rows.set(key, { bucketMs, mode: order.mode, store, drink, orders: (sum?.orders ?? 0) + 1, cents });
  }
  return [...rows.values()].sort(
    (a, b) =>
      a.bucketMs - b.bucketMs ||
      byCode(a.mode, b.mode) ||
      byCode(a.store ?? "", b.store ?? "") ||
      byCode(a.drink ?? "", b.drink ?? ""),
  );
};

const paged = async (bucket: SalesBucket, filter: Filter, limit: number): Promise<SalesRow[]> => {
  const rows: SalesRow[] = [];
  for (let after: SalesQuery["after"]; ; ) {
    const page = await readSales(pool, { fromMs: START_MS, toMs: END_MS, ...filter, bucket, limit, after });
    expect(page.length).toBeLessThanOrEqual(limit);
    rows.push(...page);
    const last = page.at(-1);
    if (page.length < limit || !last) return rows;
    after = [last.bucketMs, last.mode, last.store ?? "", last.drink ?? ""];
  }
};

const FILTERS: [string, Filter][] = [
  ["nothing", {}],
  ["a mode", { mode: "v2" }],
  ["a drink", { drink: "Latte" }],
  ["a store", { store: "a_b" }],
  ["a store with a quote, and a mode", { store: "O'Hara", mode: "v3" }],
  ["all three", { mode: "v4", store: "日本", drink: "|" }],
  ["what is not there", { mode: "v9" }],
  ["a day in the middle", { fromMs: START_MS + DAY_MS, toMs: START_MS + 2 * DAY_MS }],
];

describe.each<SalesBucket>(["hour", "day"])("by %s", (bucket) => {
  test.each(FILTERS)(
    "filtered by %s: equal to a recomputation, in order, in one page and in many",
    async (_, filter) => {
      const expected = recomputed(bucket, filter);
      expect(await paged(bucket, filter, 100_000)).toEqual(expected);
      expect(await paged(bucket, filter, 37)).toEqual(expected);
    },
  );
});

describe("by minute", () => {
  const filters = FILTERS.filter(([, filter]) => filter.store === undefined && filter.drink === undefined);
  test.each(filters)("filtered by %s", async (_, filter) => {
    const expected = recomputed("minute", filter);
    expect(await paged("minute", filter, 100_000)).toEqual(expected);
    expect(await paged("minute", filter, 37)).toEqual(expected);
  });
});

test("pages of one row meet, also where everything but the last part of the key is equal", async () => {
  const filter = { store: "Zoo", toMs: START_MS + DAY_MS };
  const expected = recomputed("day", filter);
  expect(expected.length).toBeGreaterThan(4);
  expect(await paged("day", filter, 1)).toEqual(expected);
});

test("the first bucket is in, the one after the last is not", async () => {
  const whole = recomputed("hour", {});
  const [fromMs, toMs] = [START_MS + 5 * HOUR_MS, START_MS + 9 * HOUR_MS];
  const rows = await paged("hour", { fromMs, toMs }, 1_000);
  expect(rows).toEqual(whole.filter(({ bucketMs }) => bucketMs >= fromMs && bucketMs < toMs));
  expect(new Set(rows.map(({ bucketMs }) => bucketMs))).toEqual(
    new Set([fromMs, fromMs + HOUR_MS, fromMs + 2 * HOUR_MS, fromMs + 3 * HOUR_MS]),
  );
});

test("rows that come while pages are read neither repeat nor hide the others", async () => {
  const before = recomputed("hour", { mode: "v2" });
  const first = await readSales(pool, {
    bucket: "hour",
    fromMs: START_MS,
    toMs: END_MS,
    mode: "v2",
    limit: 50,
  });
  const more = someOrders(50, 77).map((order, index) => ({
    ...order,
    store: "zz-new",
    eventTimeMs: START_MS + index * HOUR_MS,
  }));
  await countCarried(pool, { source: "v2", part: 9, position: "1", messages: encodeOrders(more) });
  orders.push(...more.map((order) => ({ ...order, mode: "v2" })));
  const last = first.at(-1);
  const rest = await readSales(pool, {
    bucket: "hour",
    fromMs: START_MS,
    toMs: END_MS,
    mode: "v2",
    limit: 100_000,
    after: [last?.bucketMs ?? 0, last?.mode ?? "", last?.store ?? "", last?.drink ?? ""],
  });
  expect([...first, ...rest].filter(({ store }) => store !== "zz-new")).toEqual(before);
});
