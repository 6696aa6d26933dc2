import { parse } from "csv-parse/sync";
import { expect, test } from "vitest";
import { iso } from "#shared/domain/time.ts";
import { csvOf, prefersCsv } from "./routes/sales.ts";

const bucketMs = Date.UTC(2026, 0, 15, 10);
const ROW = { bucketMs, mode: "v1", store: "uptown", drink: "latte", cents: 1_205 };

test("another parser reads every name back; only formulas are marked", async () => {
  const names = ["uptown", 'a "b"', "a,b", "line\r\nline", "\ufeffx", "日本", "'quoted'", " =1"];
  const formulas = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"];
  const rows = [...names, ...formulas].map((store) => ({ ...ROW, store, drink: null, orders: 3 }));
  const [header, ...read] = parse(await csvOf(rows, iso)) as string[][];
  expect(header).toEqual(["bucket", "mode", "store", "drink", "orders", "revenue"]);
  const stores = [...names, ...formulas.map((name) => `'${name}`)];
  expect(read).toEqual(stores.map((store) => ["2026-01-15T10:00:00.000Z", "v1", store, "", "3", "12.05"]));
});

test("many rows are one document, and the event loop is not blocked meanwhile", async () => {
  const rows = Array.from({ length: 2_500 }, (_, orders) => ({ ...ROW, orders }));
  let turns = 0;
  const others = setInterval(() => turns++, 0);
  const read = parse(await csvOf(rows, iso)) as string[][];
  clearInterval(others);
  expect(turns).toBeGreaterThan(0);
  expect(read.map((line) => line[4])).toEqual(["orders", ...rows.map(({ orders }) => String(orders))]);
});

test.each([
  [undefined, false],
  ["*/*", false],
  ["application/json", false],
  ["text/html,application/xhtml+xml,*/*;q=0.8", false],
  ["text/csv", true],
  ["Text/CSV; charset=utf-8", true],
  ["text/*", true],
  ["text/csv;q=0.5, application/json", false],
  ["text/csv, application/json;q=0.5", true],
  ["text/csv;q=0, */*", false],
])("Accept: %s prefers CSV: %s", (accept, expected) => {
  expect(prefersCsv(accept)).toBe(expected);
});
