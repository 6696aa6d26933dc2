import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { someOrders } from "../../test/fresh.ts";
import type { Order } from "../domain/order.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../domain/time.ts";
import { readSales, type SalesBucket, type SalesQuery, type SalesRow } from "./sales.ts";
import { countOrders, openTestPool } from "./store.fixture.ts";

const BUCKET_MS: Record<SalesBucket, number> = { minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS };
/** Names whose order differs by collation, with characters that a key or a pattern may misinterpret. */
const STORES = ["Zoo", "apple", "Äpfel", "éa", "a b", "a_b", "a%", "O'Hara", "日本"];
const DRINKS = ["latte", "Latte", "flat white", "|"];
const START_MS = Math.floor(Date.now() / DAY_MS) * DAY_MS - 3 * DAY_MS;
const END_MS = START_MS + 3 * DAY_MS;

const pool = await openTestPool(4, "America/New_York");
const fresh = await openTestPool(1);
const orders: (Order & { mode: string })[] = [];

beforeAll(async () => {
  for (const [batch, mode] of ["v2", "v3", "v2", "v4"].entries()) {
    const some = someOrders(250, batch).map((order, index) => ({
      ...order,
      store: STORES[(index * 7 + batch) % STORES.length] ?? "",
      drink: DRINKS[(index * 3) % DRINKS.length] ?? "",
      eventTimeMs: START_MS + ((index * 7_919 + batch * 104_729) % (3 * 24 * 60)) * MINUTE_MS + 59_999,
    }));
    await countOrders(pool, some, batch, mode);
    orders.push(...some.map((order) => ({ ...order, mode })));
  }
});

type Filter = Pick<SalesQuery, "mode" | "store" | "drink" | "days"> & { fromMs?: number; toMs?: number };
type Split = Pick<SalesQuery, "bucket" | "byStore" | "byDrink">;

const byCode = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const inOrder = (a: SalesRow, b: SalesRow): number =>
  a.bucketMs - b.bucketMs ||
  byCode(a.mode, b.mode) ||
  byCode(a.store ?? "", b.store ?? "") ||
  byCode(a.drink ?? "", b.drink ?? "");

/** The expected history, computed from the orders themselves. */
const recomputed = ({ bucket, byStore, byDrink }: Split, filter: Filter): SalesRow[] => {
  const rows = new Map<string, SalesRow>();
  for (const order of orders) {
    if (order.eventTimeMs < (filter.fromMs ?? START_MS) || order.eventTimeMs >= (filter.toMs ?? END_MS))
      continue;
    if (filter.mode !== undefined && order.mode !== filter.mode) continue;
    if (filter.store !== undefined && order.store !== filter.store) continue;
    if (filter.drink !== undefined && order.drink !== filter.drink) continue;
    const bucketMs = order.eventTimeMs - (order.eventTimeMs % BUCKET_MS[bucket]);
    const store = byStore ? order.store : null;
    const drink = byDrink ? order.drink : null;
    const key = JSON.stringify([bucketMs, order.mode, store, drink]);
    const sum = rows.get(key);
    const cents = (sum?.cents ?? 0) + order.priceCents;
    rows.set(key, { bucketMs, mode: order.mode, store, drink, orders: (sum?.orders ?? 0) + 1, cents });
  }
  return [...rows.values()].sort(inOrder);
};

const paged = async (split: Split, filter: Filter, limit: number): Promise<SalesRow[]> => {
  const rows: SalesRow[] = [];
  for (let after: SalesQuery["after"]; ; ) {
    const page = await readSales(pool, { fromMs: START_MS, toMs: END_MS, ...filter, ...split, limit, after });
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
  ["an unknown mode", { mode: "v9" }],
  ["a day in the middle", { fromMs: START_MS + DAY_MS, toMs: START_MS + 2 * DAY_MS }],
];

const SPLITS: Split[] = (["minute", "hour", "day"] as const).flatMap((bucket) =>
  [false, true].flatMap((byStore) =>
    [false, true].flatMap((byDrink) =>
      bucket === "minute" && (byStore || byDrink) ? [] : [{ bucket, byStore, byDrink }],
    ),
  ),
);
const HOURS: Split = { bucket: "hour", byStore: true, byDrink: true };
const DAYS: Split = { bucket: "day", byStore: true, byDrink: true };

describe.each(SPLITS)("by $bucket, of each store: $byStore, of each drink: $byDrink", (split) => {
  const filters = FILTERS.filter(
    ([, { store, drink }]) =>
      (split.byStore || store === undefined) && (split.byDrink || drink === undefined),
  );
  test.each(filters)(
    "filtered by %s, returns the recomputed rows in order, in one page and in many",
    async (_, filter) => {
      const expected = recomputed(split, filter);
      expect(await paged(split, filter, 100_000)).toEqual(expected);
      expect(await paged(split, filter, 37)).toEqual(expected);
    },
  );
});

describe("days of a zone", () => {
  // two of the three days have another length than 24 hours
  const starts = [
    START_MS - 2 * HOUR_MS,
    START_MS + 21 * HOUR_MS,
    START_MS + 46 * HOUR_MS,
    START_MS + 70 * HOUR_MS,
  ];
  const [fromMs = 0, toMs = 0] = [starts[0], starts.at(-1)];
  const startOf = (ms: number): number => starts.findLast((start) => start <= ms) ?? expect.fail("a day");
  const recomputedIn = (split: Split, filter: Filter): SalesRow[] => {
    const rows = new Map<string, SalesRow>();
    for (const { bucketMs, ...row } of recomputed(
      { ...split, bucket: "hour" },
      { ...filter, fromMs, toMs },
    )) {
      const key = JSON.stringify([startOf(bucketMs), row.mode, row.store, row.drink]);
      const sum = rows.get(key);
      const [sold, cents] = [row.orders + (sum?.orders ?? 0), row.cents + (sum?.cents ?? 0)];
      rows.set(key, { ...row, bucketMs: startOf(bucketMs), orders: sold, cents });
    }
    return [...rows.values()].sort(inOrder);
  };
  const splits = SPLITS.filter(({ bucket }) => bucket === "day");

  test.each(splits)(
    "by store: $byStore, by drink: $byDrink, are sums of their hours, in any pages",
    async (split) => {
      for (const filter of [{}, { mode: "v2" }, ...(split.byDrink ? [{ drink: "Latte" }] : [])]) {
        const expected = recomputedIn(split, filter);
        expect(expected.length).toBeGreaterThan(2);
        for (const limit of [100_000, 7, 1])
          expect(await paged(split, { ...filter, fromMs, toMs, days: starts }, limit)).toEqual(expected);
      }
    },
  );
});

test("returns every row in pages of one, also where only the last part of the key differs", async () => {
  const filter = { store: "Zoo", toMs: START_MS + DAY_MS };
  const expected = recomputed(DAYS, filter);
  expect(expected.length).toBeGreaterThan(4);
  expect(await paged(DAYS, filter, 1)).toEqual(expected);
});

test("includes the first bucket and excludes the one after the last", async () => {
  const whole = recomputed(HOURS, {});
  const [fromMs, toMs] = [START_MS + 5 * HOUR_MS, START_MS + 9 * HOUR_MS];
  const rows = await paged(HOURS, { fromMs, toMs }, 1_000);
  expect(rows).toEqual(whole.filter(({ bucketMs }) => bucketMs >= fromMs && bucketMs < toMs));
  expect(new Set(rows.map(({ bucketMs }) => bucketMs))).toEqual(
    new Set([fromMs, fromMs + HOUR_MS, fromMs + 2 * HOUR_MS, fromMs + 3 * HOUR_MS]),
  );
});

test("returns the whole range for a cursor before the first bucket", async () => {
  const filter = { fromMs: START_MS + DAY_MS };
  for (const split of [HOURS, DAYS])
    expect(
      await readSales(pool, {
        ...split,
        ...filter,
        toMs: END_MS,
        limit: 100_000,
        after: [START_MS, "zz", "zz", ""],
      }),
    ).toEqual(recomputed(split, filter));
});

test("reads little more than the page contains, however many rows there are", async () => {
  const [stores, drinks, rows] = [1_000, 5, 10];
  const filled = `SELECT $1::timestamptz + h * interval '1 hour', 'v2', 'store ' || s, 'drink ' || d, shard, 1, 450
    FROM generate_series(0, 23) h, generate_series(1, $2::int) s, generate_series(1, $3::int) d, generate_series(0, 1) shard`;
  const day = new Date(START_MS);
  await fresh.query(`INSERT INTO rollup_hour ${filled}`, [day, stores, drinks]);
  await fresh.query(`INSERT INTO rollup_hour_store SELECT bucket, mode, store, shard, sum(orders), sum(revenue_cents)
    FROM rollup_hour GROUP BY bucket, mode, store, shard`);
  await fresh.query("INSERT INTO rollup_day VALUES ($1, 'v2', 'drink 1', 0, 1, 450)", [day]);
  await fresh.query("ANALYZE");
  const rowsRead = async (): Promise<number> => {
    const { rows: read } = await fresh.query<{ rows: number }>(
      `SELECT sum(coalesce(idx_tup_fetch, 0) + seq_tup_read)::int AS rows FROM pg_stat_xact_user_tables
       WHERE relname LIKE 'rollup_hour%'`,
    );
    return read[0]?.rows ?? expect.fail("a count");
  };
  const readBy = async (query: Split & Filter): Promise<number> => {
    await fresh.query("BEGIN");
    const before = await rowsRead();
    const range = { fromMs: START_MS, toMs: START_MS + DAY_MS };
    const after = [START_MS, "v2", "store 500", "drink 2"] as const;
    expect(await readSales(fresh, { ...range, ...query, limit: rows, after })).not.toEqual([]);
    const read = (await rowsRead()) - before;
    await fresh.query("COMMIT");
    return read;
  };
  const stored = { byStore: true, byDrink: false };
  // two shards, and one more row to find the end of the last group
  expect(await readBy(HOURS)).toBeLessThanOrEqual(2 * rows + 2);
  expect(await readBy({ bucket: "hour", ...stored })).toBeLessThanOrEqual(2 * rows + 2);
  expect(await readBy({ ...HOURS, store: "store 700" })).toBeLessThanOrEqual(24 * 2 * drinks);
  expect(await readBy(DAYS)).toBeLessThanOrEqual(24 * (2 * rows + 2));
  expect(await readBy({ bucket: "day", ...stored })).toBeLessThanOrEqual(24 * (2 * rows + 2));
  expect(await readBy({ ...DAYS, store: "store 700" })).toBeLessThanOrEqual(24 * 2 * drinks);
});

test("repeats and omits no row when orders are counted between pages", async () => {
  let part = 10;
  let stop = false;
  const write = async (): Promise<void> => {
    for (let seed = 100; !stop; seed++) {
      const some = someOrders(20, seed).map((order, index) => ({
        ...order,
        store: `${STORES[(index + seed) % STORES.length]}${index % 2 ? "" : "!"}`,
        eventTimeMs: START_MS + ((seed * 31 + index * 17) % 72) * HOUR_MS,
      }));
      await countOrders(pool, some, part++);
      orders.push(...some.map((order) => ({ ...order, mode: "v2" })));
    }
  };
  const key = ({ bucketMs, mode, store, drink }: SalesRow): string =>
    JSON.stringify([bucketMs, mode, store, drink]);
  const writing = write();
  try {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...SPLITS), fc.integer({ min: 20, max: 200 }), async (split, size) => {
        const before = recomputed(split, {});
        const seen = new Map<string, SalesRow>();
        for (const row of await paged(split, {}, size)) {
          expect(seen.has(key(row))).toBe(false);
          seen.set(key(row), row);
        }
        for (const row of before) expect(seen.get(key(row))?.orders).toBeGreaterThanOrEqual(row.orders);
      }),
      { numRuns: 20 },
    );
  } finally {
    stop = true;
    await writing;
  }
  for (const split of SPLITS) expect(await paged(split, {}, 500)).toEqual(recomputed(split, {}));
});
