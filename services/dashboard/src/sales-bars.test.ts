import { expect, test } from "vitest";
import { formatsFor } from "./format.ts";
import {
  barsOf,
  barsSummary,
  lastHour,
  RANGES,
  rangeNamed,
  type SalesPage,
  salesPath,
} from "./sales-bars.ts";

const nowMs = Date.parse("2026-01-15T10:20:30Z");
const named = (name: string) => rangeNamed(name) ?? expect.fail(`no range ${name}`);

test("a range ends with the current bucket", () => {
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

test("sums modes to the cent, and includes hours without sales", () => {
  const bars = barsOf(page([row(8, "v1", 1, 0.1), row(8, "v2", 2, 0.2), row(10, "v1", 3, 12.3)]), nowMs);
  expect(bars.map(({ orders, revenue, isRunning }) => [orders, revenue, isRunning])).toEqual([
    [3, 0.3, false],
    [0, 0, false],
    [3, 12.3, true],
  ]);
});

test("ignores a row outside the range", () => {
  expect(barsOf(page([row(12, "v1", 1, 1)]), nowMs).every(({ orders }) => orders === 0)).toBe(true);
});

const HOUR = {
  server_timestamp: "2026-01-15T10:00:30.000Z",
  as_of: "2026-01-15T09:59:59.900Z",
  stale: false,
  minutes: [
    { minute: "2026-01-15T09:00:00.000Z", orders: 9, revenue: 9 },
    { minute: "2026-01-15T09:01:00.000Z", orders: 2, revenue: 9.5 },
    { minute: "2026-01-15T10:00:00.000Z", orders: 1, revenue: 4.5 },
  ],
};

test("the last hour has sixty minutes: those without orders, and the running one", () => {
  const bars = lastHour(HOUR);
  expect(bars).toHaveLength(60);
  expect(bars[0]).toEqual({
    startMs: Date.parse("2026-01-15T09:01:00Z"),
    orders: 2,
    revenue: 9.5,
    isRunning: false,
    isKnown: true,
  });
  expect(bars.at(-1)).toMatchObject({ orders: 1, revenue: 4.5, isRunning: true });
  expect(bars.reduce((sum, { orders }) => sum + orders, 0)).toBe(3);
});

test("minutes after a stale board are unknown, and its own is still running", () => {
  const bars = lastHour({ ...HOUR, as_of: "2026-01-15T09:57:20.000Z", stale: true });
  expect(bars.slice(-4).map(({ isKnown, isRunning }) => [isKnown, isRunning])).toEqual([
    [true, true],
    [false, false],
    [false, false],
    [false, false],
  ]);
  expect(lastHour({ ...HOUR, as_of: null, stale: true }).some(({ isKnown }) => isKnown)).toBe(false);
});

const formats = formatsFor({ locale: "en-US", timeZone: "UTC", currency: "USD" });

test("the summary has the total and the maximum", () => {
  const bars = [1, 5, 2].map((orders, index) => ({
    startMs: index,
    orders,
    revenue: orders * 0.1,
    isRunning: false,
    isKnown: true,
  }));
  const named = (startMs: number): string => `bar ${startMs}`;
  expect(barsSummary(bars, "orders", formats, named)).toBe("8 orders in total, at most 5 orders at bar 1.");
  expect(barsSummary(bars, "revenue", formats, named)).toBe("$0.80 in total, at most $0.50 at bar 1.");
  const none = bars.map((bar) => ({ ...bar, orders: 0 }));
  expect(barsSummary(none, "orders", formats, named)).toBe("No sales in this period.");
  const unknown = bars.map((bar, index) => ({ ...bar, isKnown: index === 0 }));
  expect(barsSummary(unknown, "orders", formats, named)).toBe(
    "1 order in total, at most 1 order at bar 0. Unknown from bar 1 on.",
  );
  expect(barsSummary([], "orders", formats, named)).toBe("Sales in this period are unknown.");
});
