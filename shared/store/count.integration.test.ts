import { describe, expect, test } from "vitest";
import { driftOf, numberOf } from "../../dev/system/database.ts";
import { someOrders } from "../../test/fresh.ts";
import type { RecentOrder } from "../domain/board.ts";
import type { Order } from "../domain/order.ts";
import { randomFrom } from "../domain/random.ts";
import { messageOf } from "../wire/order-message.ts";
import { type Counted, countCarried } from "./count.ts";
import { countOrders, openEmptiedPool } from "./store.fixture.ts";

const pool = await openEmptiedPool(6);
const count = (orders: readonly Order[], part = 0, position = "1-0"): Promise<Counted> =>
  countOrders(pool, orders, part, "v2", position);
const { shuffled } = randomFrom(1);

/** Event times over four days, so that every rollup has several buckets. */
const overDays = (count: number, seed = 1): Order[] =>
  someOrders(count, seed, (index) =>
    new Date(Date.now() - index * 7 * 60_000 - index * 13_000).toISOString(),
  );

type Applied = {
  part: number;
  version: number;
  position: string;
  orders: number;
  duplicates: number;
  rate: number;
  recent: RecentOrder[];
};
const applied = async (part = 0): Promise<Applied | undefined> => {
  const { rows } = await pool.query<Applied>(
    `SELECT part, version::float8, position, orders::float8, duplicates::float8, rate, recent
     FROM applied WHERE source = 'v2' AND part = $1`,
    [part],
  );
  return rows[0];
};

describe("a batch", () => {
  test("is counted into every rollup", async () => {
    const orders = overDays(300);
    expect(await count(orders)).toMatchObject({ orders: 300, duplicates: 0 });
    expect(await driftOf(pool)).toEqual([]);
    const cents = orders.reduce((sum, { priceCents }) => sum + priceCents, 0);
    expect(await numberOf(pool, "SELECT sum(revenue_cents) FROM rollup_day")).toBe(cents);
  });

  test("counts each order once, also when it contains one twice", async () => {
    const orders = overDays(40);
    expect(await count([...orders, ...orders])).toMatchObject({ orders: 40, duplicates: 40 });
    expect(await count(shuffled(orders))).toMatchObject({ orders: 0, duplicates: 40, ages: [] });
    expect(await driftOf(pool)).toEqual([]);
    expect(await applied()).toMatchObject({ orders: 40, duplicates: 80 });
  });

  test("returns the time from which it is visible, by PostgreSQL's clock", async () => {
    const clock = "SELECT extract(epoch FROM clock_timestamp()) * 1000";
    const [before, startedAt] = [await numberOf(pool, clock), performance.now()];
    const { visibleFromMs } = await count(someOrders(5));
    const tookMs = performance.now() - startedAt;
    expect(visibleFromMs).toBeGreaterThan(before);
    // the time includes the round trip
    expect(visibleFromMs).toBeLessThanOrEqual((await numberOf(pool, clock)) + tookMs);
  });

  test("without orders changes nothing", async () => {
    expect(await count([])).toMatchObject({ orders: 0, duplicates: 0, ages: [] });
    expect(await applied()).toBeUndefined();
  });

  test("raises the version only when something was counted, and always moves the position", async () => {
    const [first, second] = [someOrders(5, 1), someOrders(5, 2)];
    await count(first, 3, "1-0");
    expect(await applied(3)).toMatchObject({ version: 1, position: "1-0" });
    await count(first, 3, "2-0");
    expect(await applied(3)).toMatchObject({ version: 1, position: "2-0" });
    await count([...first, ...second], 3, "3-0");
    expect(await applied(3)).toMatchObject({ version: 2, position: "3-0", orders: 10, duplicates: 10 });
  });
});

describe("every batch twice, shuffled, with duplicates, counted by four workers", () => {
  test.each([
    ["with a part each", (worker: number) => worker],
    ["with the same part", () => 0],
  ])("%s", async (_name, partOf) => {
    const orders = overDays(3_000);
    const batches = Array.from({ length: 20 }, (_, batch) =>
      orders.filter((_, index) => index % 20 === batch),
    );
    const storm = shuffled(batches.flatMap((batch) => [batch, [...batch, ...batch.slice(0, 20)]]));
    const results: Counted[] = [];
    await Promise.all(
      [0, 1, 2, 3].map(async (worker) => {
        for (const [index, batch] of storm.entries())
          if (index % 4 === worker) results.push(await count(shuffled(batch), partOf(worker), String(index)));
      }),
    );
    // a deadlock would have rejected: nothing here retries
    expect(results.reduce((sum, { orders: n }) => sum + n, 0)).toBe(3_000);
    expect(results.reduce((sum, { duplicates }) => sum + duplicates, 0)).toBe(3_000 + 20 * 20);
    expect(await numberOf(pool, "SELECT count(*) FROM orders")).toBe(3_000);
    expect(await driftOf(pool)).toEqual([]);
    expect(await numberOf(pool, "SELECT sum(orders) FROM applied")).toBe(3_000);
    expect(await numberOf(pool, "SELECT sum(version) FROM applied")).toBe(
      results.filter(({ orders: n }) => n > 0).length,
    );
  });
});

describe("recent", () => {
  const at = (orders: readonly Order[], startMs: number): Order[] =>
    orders.map((order, index) => ({ ...order, acceptedAtMs: startMs + index }));
  const newest = (orders: readonly Order[]): string[] =>
    [...orders]
      .sort((a, b) => b.acceptedAtMs - a.acceptedAtMs)
      .slice(0, 50)
      .map(({ id }) => id);
  const recentIds = async (): Promise<string[]> => (await applied())?.recent.map(({ id }) => id) ?? [];

  test("contains the 50 latest accepted orders of several batches, latest first", async () => {
    const now = Date.now();
    const third = at(someOrders(7, 3), now);
    const batches = [at(someOrders(30, 1), now - 3_000), at(someOrders(30, 2), now - 2_000), third];
    for (const batch of batches) await count(shuffled(batch));
    expect(await recentIds()).toEqual(newest(batches.flat()));
    const last = third.at(-1);
    expect((await applied())?.recent[0]).toEqual({
      id: last?.id,
      drink: last?.drink,
      store: last?.store,
      cents: last?.priceCents,
      eventTimeMs: last?.eventTimeMs,
      acceptedAtMs: last?.acceptedAtMs,
    });
  });

  test("is not overwritten by a late batch", async () => {
    const now = Date.now();
    const [fresh, late] = [at(someOrders(40, 1), now), at(someOrders(200, 2), now - 60_000)];
    await count(fresh);
    await count(late);
    expect(await recentIds()).toEqual(newest([...fresh, ...late]));
  });
});

describe("clocks", () => {
  test("returns ages that add up to the counted orders", async () => {
    const now = Date.now();
    const orders = someOrders(100).map((order, index) => ({
      ...order,
      acceptedAtMs: now - (index % 7) * 500,
    }));
    const { ages } = await count([...orders, ...orders.slice(0, 30)]);
    expect(ages.reduce((sum, { orders: n }) => sum + n, 0)).toBe(100);
    expect(Math.max(...ages.map(({ ms }) => ms))).toBeGreaterThanOrEqual(3_000);
    expect(Math.min(...ages.map(({ ms }) => ms))).toBeLessThan(3_000 + Date.now() - now);
  });

  test.each([
    "1000-01-01T00:00:00Z",
    "4700-01-01 00:00:00Z BC",
    "9999-12-31T23:59:59Z",
    "290000-01-01 00:00:00Z",
  ])("counts orders accepted at %s", async (acceptedAt) => {
    const messages = JSON.stringify(
      someOrders(2).map((order) => ({ ...messageOf(order), accepted_at: acceptedAt })),
    );
    const counted = await countCarried(pool, { source: "v2", part: 0, position: "1-0", messages });
    expect(counted.orders).toBe(2);
    expect(counted.ages.every(({ ms }) => ms >= 0)).toBe(true);
    expect(await count(someOrders(3))).toMatchObject({ orders: 3 });
  });

  test.each(["- interval '3 hours'", "- interval '9 years'", "+ interval '3 hours'", "+ interval '9 years'"])(
    "counts a batch, with a plausible rate, after one that was counted at now %s",
    async (offset) => {
      await count(someOrders(100, 1));
      // repeated, because a rate that decays each time could leave a double's range
      for (let round = 0; round < 20; round++) {
        await pool.query(`UPDATE applied SET updated_at = now() ${offset}`);
        expect(await count([])).toMatchObject({ orders: 0 });
        const repeated = someOrders(1, 2);
        await count([...repeated, ...repeated]);
      }
      await pool.query(`UPDATE applied SET updated_at = now() ${offset}`);
      expect(await count(someOrders(50, 3))).toMatchObject({ orders: 50 });
      const rate = (await applied())?.rate ?? Number.NaN;
      expect(rate).toBeGreaterThanOrEqual(5);
      expect(rate).toBeLessThan(20);
    },
  );
});
