import { expect, test } from "vitest";
import { lastHour } from "./minutes.ts";

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

test("sixty minutes, the last one running, and those without orders too", () => {
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

test("minutes after a board that nobody renews are not known, and its own is not over", () => {
  const bars = lastHour({ ...HOUR, as_of: "2026-01-15T09:57:20.000Z", stale: true });
  expect(bars.slice(-4).map(({ isKnown, isRunning }) => [isKnown, isRunning])).toEqual([
    [true, true],
    [false, false],
    [false, false],
    [false, false],
  ]);
  expect(lastHour({ ...HOUR, as_of: null, stale: true }).some(({ isKnown }) => isKnown)).toBe(false);
});
