import { Value } from "typebox/value";
import { expect, test } from "vitest";
import type { Board, View } from "../domain/board.ts";
import { type Dashboard, dashboardOf, type ModeStatus } from "../domain/dashboard.ts";
import { dashboardReply } from "./dashboard.ts";

const hour = Date.UTC(2026, 0, 15, 10);
const now = hour + 90_250;
const statuses: Record<string, ModeStatus> = {
  v1: { lagOrders: 0, oldestPendingMs: 0.25, health: "ok" },
  v2: { lagOrders: 12, oldestPendingMs: 90, health: "lagging" },
  v3: { lagOrders: null, oldestPendingMs: null, health: "unavailable" },
};
const names = Array.from({ length: 60 }, (_, index) => `name ${index}`);
const view: View = {
  orders: 1_000,
  ratePerSecond: 1 / 3,
  freshnessMs: 12.5,
  hour: { orders: 60, cents: 27_001 },
  hourDrinks: names.map((name, index) => ({ name, orders: 60 - index, cents: 451 })),
  hourStores: names.slice(0, 50).map((name) => ({ name, orders: 1, cents: 450 })),
  topDrinks: names.slice(0, 5),
  minutes: [[hour, 60, 27_001]],
  recent: names.slice(0, 50).map((name) => ({
    id: name,
    drink: name,
    store: name,
    cents: 1,
    eventTimeMs: hour,
    acceptedAtMs: now,
  })),
};
const board: Board = {
  epoch: 0,
  version: 3,
  asOfUs: now * 1_000 + 7,
  storesAsOfUs: now * 1_000,
  hourStartMs: hour,
  views: { all: view, v1: { ...view, freshnessMs: null } },
};

const dashboards: [string, Dashboard][] = [
  ["before the first board", dashboardOf(null, "all", statuses, now)],
  ["of all modes", dashboardOf(board, "all", statuses, now)],
  ["of one mode", dashboardOf(board, "v1", statuses, now)],
  ["of a mode without counted orders", dashboardOf(board, "v2", statuses, now)],
  ["an hour later", dashboardOf(board, "all", statuses, now + 3_600_000)],
  ["without modes", dashboardOf(board, "all", {}, now)],
];

test.each(dashboards)("a dashboard %s matches its published schema, also as JSON", (_, dashboard) => {
  expect([...Value.Errors(dashboardReply, dashboard)]).toEqual([]);
  expect(Value.Check(dashboardReply, JSON.parse(JSON.stringify(dashboard)))).toBe(true);
});

test("the schema has every member, and rejects a dashboard without one", () => {
  const [, dashboard] = dashboards[1] ?? expect.fail("a dashboard");
  expect(Object.keys(dashboard).sort()).toEqual(Object.keys(dashboardReply.properties).sort());
  for (const member of Object.keys(dashboard))
    expect(Value.Check(dashboardReply, { ...dashboard, [member]: undefined }), member).toBe(false);
  expect(Value.Check(dashboardReply, { ...dashboard, modes: { v1: {} } })).toBe(false);
});
