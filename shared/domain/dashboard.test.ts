import { expect, test } from "vitest";
import type { Board, View } from "./board.ts";
import { type Dashboard, dashboardOf, isStale, type ModeStatus, STALE_AFTER_MS } from "./dashboard.ts";
import { HOUR_MS, iso, MINUTE_MS } from "./time.ts";

const hour = Date.UTC(2026, 0, 15, 10);
const now = hour + 30 * MINUTE_MS + 1_234;
const ok: ModeStatus = { lagOrders: 7, oldestPendingMs: 90, health: "ok" };
const down: ModeStatus = { lagOrders: null, oldestPendingMs: null, health: "unavailable" };
const statuses = { v1: ok, v2: ok, v3: down };

const view: View = {
  orders: 1_000,
  ratePerSecond: 12.3456,
  freshnessMs: 87,
  hour: { orders: 9, cents: 4_050 },
  hourDrinks: [
    { name: "tea", orders: 1, cents: 300 },
    { name: "mocha", orders: 2, cents: 950 },
    { name: "latte", orders: 2, cents: 900 },
    { name: "cortado", orders: 2, cents: 800 },
    { name: "americano", orders: 1, cents: 350 },
    { name: "espresso", orders: 1, cents: 275 },
  ],
  hourStores: [{ name: "uptown", orders: 9, cents: 4_050 }],
  topDrinks: ["latte", "tea"],
  minutes: [[hour, 9, 4_050]],
  recent: [{ id: "a", drink: "latte", store: "uptown", cents: 450, eventTimeMs: hour, acceptedAtMs: now }],
};
const boardWith = (more: Partial<View> = {}, asOfMs = now): Board => ({
  epoch: 2,
  version: 41,
  asOfUs: asOfMs * 1_000,
  storesAsOfUs: asOfMs * 1_000,
  hourStartMs: hour,
  views: { all: { ...view, recent: [], ...more }, v1: { ...view, orders: 400, ...more } },
});

const nothing = { orders: 0, rate: 0, lag: null, oldest_pending_ms: null, freshness_ms: null };
const zeros = {
  current_hour: null,
  top5_drinks: [],
  recent_orders: [],
  hour_drinks: [],
  hour_stores: [],
  minutes: [],
  rate: 0,
} satisfies Partial<Dashboard>;

test("has the figures of the board", () => {
  expect(dashboardOf(boardWith(), "all", statuses, now)).toEqual({
    current_hour: {
      hour: 10,
      top_drinks: ["cortado", "latte", "mocha", "americano", "espresso"],
      revenue: 40.5,
      order_count: 9,
    },
    top5_drinks: ["latte", "tea"],
    recent_orders: [{ id: "a", drink: "latte", store: "uptown", price: 4.5, timestamp: iso(hour) }],
    server_timestamp: iso(now),
    mode: "all",
    version: 41,
    epoch: 2,
    as_of: iso(now),
    stale: false,
    hour_start: iso(hour),
    hour_drinks: view.hourDrinks.map(({ name, orders, cents }) => ({
      drink: name,
      orders,
      revenue: cents / 100,
    })),
    hour_stores: [{ store: "uptown", orders: 9, revenue: 40.5 }],
    minutes: [{ minute: iso(hour), orders: 9, revenue: 40.5 }],
    rate: 12.35,
    modes: {
      v1: { orders: 400, rate: 12.35, lag: 7, oldest_pending_ms: 90, freshness_ms: 87, health: "ok" },
      v2: { ...nothing, lag: 7, oldest_pending_ms: 90, health: "ok" },
      v3: { ...nothing, health: "unavailable" },
    },
  });
});

test("is zero, unknown and stale before the first board", () => {
  expect(dashboardOf(null, "all", statuses, now)).toMatchObject({
    ...zeros,
    version: 0,
    epoch: 0,
    as_of: null,
    stale: true,
    hour_start: iso(hour),
    server_timestamp: iso(now),
  });
});

test("has zeros for a mode or name that the board does not have", () => {
  for (const filter of ["v2", "v9", "constructor", "toString", "__proto__"])
    expect(dashboardOf(boardWith(), filter, statuses, now)).toMatchObject({
      ...zeros,
      mode: filter,
      version: 41,
      stale: false,
    });
});

test("has no current hour without orders", () => {
  const quiet = { hour: { orders: 0, cents: 0 }, hourDrinks: [], hourStores: [] };
  const dashboard = dashboardOf(boardWith(quiet), "all", statuses, now);
  expect(dashboard).toMatchObject({ current_hour: null, top5_drinks: ["latte", "tea"] });
});

test("drops the hour's figures when the hour of the board is over, and keeps the rest", () => {
  const board = boardWith({}, hour + HOUR_MS - 1);
  const last = dashboardOf(board, "all", statuses, hour + HOUR_MS - 1);
  expect(last).toMatchObject({ current_hour: { hour: 10, order_count: 9 }, hour_start: iso(hour) });
  const next = dashboardOf(board, "all", statuses, hour + HOUR_MS);
  expect(next).toMatchObject({
    current_hour: null,
    hour_drinks: [],
    hour_stores: [],
    hour_start: iso(hour + HOUR_MS),
    stale: false,
    top5_drinks: ["latte", "tea"],
  });
  expect(next.recent_orders).toHaveLength(1);
  // the same hour of the next day is another hour
  expect(dashboardOf(board, "all", statuses, now + 24 * HOUR_MS).current_hour).toBeNull();
});

test("is stale when the board is more than five seconds old", () => {
  expect(STALE_AFTER_MS).toBe(5_000);
  const board = boardWith({}, now - 5_000);
  expect(isStale(board, now)).toBe(false);
  expect(isStale(board, now + 1)).toBe(true);
  expect(dashboardOf(board, "all", statuses, now + 1).stale).toBe(true);
  expect(isStale(null, now)).toBe(true);
});

test("contains the last sixty minutes only", () => {
  const minute = now - (now % MINUTE_MS);
  const at = (ago: number) => [minute - ago * MINUTE_MS, ago + 1, 450] as const;
  const board = boardWith({ minutes: [at(61), at(60), at(59), at(1), at(0)] });
  const shown = dashboardOf(board, "all", statuses, now).minutes;
  expect(shown).toEqual([
    { minute: iso(minute - 59 * MINUTE_MS), orders: 60, revenue: 4.5 },
    { minute: iso(minute - MINUTE_MS), orders: 2, revenue: 4.5 },
    { minute: iso(minute), orders: 1, revenue: 4.5 },
  ]);
  const later = dashboardOf(board, "all", statuses, now + MINUTE_MS).minutes;
  expect(later[0]?.minute).toBe(iso(minute - MINUTE_MS));
});
