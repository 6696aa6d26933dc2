import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../../test/fresh.ts";
import { type System, startSystem } from "../../test/system.ts";

type Sales = {
  rows: {
    bucket: string;
    mode: string;
    store: string | null;
    drink: string | null;
    orders: number;
    revenue: number;
  }[];
  next: string | null;
};

let system: System;
beforeAll(async () => {
  system = await startSystem({ modes: ["v1", "v2"] });
  const day = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
  for (const mode of ["v1", "v2"])
    for (const [store, drink, time] of [
      ["uptown", "latte", "09:10"],
      ["uptown", "latte", "09:50"],
      ["uptown", "tea", "10:00"],
      ["central", "latte", "10:30"],
    ])
      await fetch(`${system.url}/api/${mode}/order`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ store, drink, price: "4.10", timestamp: `${day}T${time}:00Z` }),
      });
  await until("eight are counted", async () => total(await sales("")) === 8);
});
afterAll(() => system.close());

const get = (query: string): Promise<Response> => {
  const from = new Date(Date.now() - 2 * 86_400_000).toISOString();
  return fetch(`${system.url}/api/sales?from=${from}&${query}`);
};
const sales = async (query: string): Promise<Sales> => (await (await get(query)).json()) as Sales;
const total = ({ rows }: Sales): number => rows.reduce((sum, row) => sum + row.orders, 0);

test("hours by mode, store and drink, to the cent", async () => {
  const { rows, next } = await sales("bucket=hour&mode=v1");
  expect(next).toBeNull();
  expect(rows.map(({ bucket, ...row }) => ({ hour: bucket.slice(11, 16), ...row }))).toEqual([
    { hour: "09:00", mode: "v1", store: "uptown", drink: "latte", orders: 2, revenue: 8.2 },
    { hour: "10:00", mode: "v1", store: "central", drink: "latte", orders: 1, revenue: 4.1 },
    { hour: "10:00", mode: "v1", store: "uptown", drink: "tea", orders: 1, revenue: 4.1 },
  ]);
});

test("days sum hours; minutes have no stores; filters hold", async () => {
  expect((await sales("bucket=day&mode=v2&store=uptown&drink=latte")).rows).toMatchObject([
    { orders: 2, revenue: 8.2 },
  ]);
  expect((await sales("bucket=minute&mode=v2")).rows).toMatchObject(
    Array.from({ length: 4 }, () => ({ store: null, drink: null, orders: 1, revenue: 4.1 })),
  );
  expect(total(await sales("mode=all&drink=tea"))).toBe(2);
});

test("pages meet without a gap or an overlap", async () => {
  const whole = await sales("bucket=hour");
  const pieces: Sales["rows"] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page: Sales = await sales(`bucket=hour&limit=2${cursor ? `&cursor=${cursor}` : ""}`);
    expect(page.rows.length).toBeLessThanOrEqual(2);
    pieces.push(...page.rows);
    cursor = page.next;
  }
  expect(pieces).toEqual(whole.rows);
});

test.each([
  ["bucket=week", "bucket"],
  ["limit=0", "limit"],
  ["limit=99999", "limit"],
  ["cursor=%7B", "cursor"],
  ["mode=v9", "mode"],
  ["bucket=minute&store=uptown", "bucket"],
  ["to=2001-01-01T00:00:00Z", "to"],
  ["to=2026-02-30T00:00:00Z", "to"],
  ["bukcet=day", "bukcet"],
])("%s is refused by its field", async (query, field) => {
  const response = await get(query);
  expect(response.status).toBe(422);
  const { errors } = (await response.json()) as { errors: { field: string }[] };
  expect(errors.map((error) => error.field)).toEqual([field]);
});
