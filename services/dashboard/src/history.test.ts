import { expect, test } from "vitest";
import { barsOf, RANGES, rangeNamed, type SalesPage, salesPath } from "./history.ts";

const nowMs = Date.parse("2026-01-15T10:20:30Z");
const named = (name: string) => rangeNamed(name) ?? expect.fail(`no range ${name}`);

test("a range ends with the bucket of now and holds as many as it says", () => {
  for (const range of RANGES) {
    const query = new URL(salesPath(range, "v2", nowMs), "http://x/").searchParams;
    const [from, to] = ["from", "to"].map((name) => Date.parse(query.get(name) ?? ""));
    expect([range.name, query.get("mode"), query.get("by")]).toEqual([range.name, "v2", "none"]);
    expect(to).toBeGreaterThan(nowMs);
    expect(from).toBeLessThan(nowMs);
  }
  expect(salesPath(named("24h"), "all", nowMs)).toContain("from=2026-01-14T11%3A00%3A00.000Z");
});

const page = (rows: SalesPage["rows"]): SalesPage => ({
  bucket: "hour",
  from: "2026-01-15T08:00:00.000Z",
  to: "2026-01-15T11:00:00.000Z",
  rows,
  next: null,
});
const row = (hour: number, mode: string, orders: number, revenue: number): SalesPage["rows"][number] => ({
  bucket: `2026-01-15T${String(hour).padStart(2, "0")}:00:00.000Z`,
  mode,
  store: null,
  drink: null,
  orders,
  revenue,
});

test("modes are summed to the cent, and hours without sales are there", () => {
  const bars = barsOf(page([row(8, "v1", 1, 0.1), row(8, "v2", 2, 0.2), row(10, "v1", 3, 12.3)]), nowMs);
  expect(bars.map(({ orders, revenue, isRunning }) => [orders, revenue, isRunning])).toEqual([
    [3, 0.3, false],
    [0, 0, false],
    [3, 12.3, true],
  ]);
});

test("a row outside of the range is left out", () => {
  expect(barsOf(page([row(12, "v1", 1, 1)]), nowMs).every(({ orders }) => orders === 0)).toBe(true);
});
