/** The page shows the server's figures: at once, as they change, for one mode, and for the past. */
import { afterAll, beforeAll, expect } from "vitest";
import { modes } from "#shared/modes/all.ts";
import { until } from "../fresh.ts";
import { dashboardOf, statusOf } from "../requests.ts";
import { type System, startSystem } from "../system.ts";
import { openVisits, sendOrder, test, untilHourLasts, untilLive, type Visits } from "./visits.ts";

let system: System;
let visits: Visits;
beforeAll(async () => {
  [system, visits] = await Promise.all([
    startSystem({ env: { PAGE_ORDERS_PER_SECOND: "40", CURRENCY: "USD" } }),
    openVisits(),
  ]);
  await untilHourLasts();
});
afterAll(async () => {
  await visits.close();
  await system.close();
});

test("shows no orders, one order, and many as the server has them, without console errors", async () => {
  const visit = await visits.openLive(system.url);
  expect(await visit.text("#hour-hint")).toContain("No orders yet in this hour");
  await sendOrder(system.url, "v1");
  await until("the order is shown", async () => (await visit.page.locator("#recent li").count()) === 1);
  expect(await visit.text("#recent li .price")).toBe("$4.50");
  for (let i = 0; i < 30; i++) await sendOrder(system.url, modes[i % modes.length]?.name ?? "");
  await visit.untilOrders(31);
  const { current_hour, top5_drinks } = await dashboardOf(system.url);
  expect(await visit.text("#hour-revenue")).toBe("$139.50");
  expect(current_hour?.revenue).toBe(139.5);
  expect(await visit.text("#hour-average")).toBe("$4.50");
  expect(await visit.page.locator("#month-drinks li").count()).toBe(top5_drinks.length);
  const sold = await visit.page.locator("#recent time").first().getAttribute("title");
  expect(sold).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);
  expect(await visit.text("#chip-text")).toMatch(/^Live · data \d+\.\d\ss old$/);
  expect(visit.consoleErrors).toEqual([]);
});

test("the filter shows one mode, is kept in the address, and the comparison keeps all modes", async () => {
  const visit = await visits.openLive(system.url);
  await visit.page.locator('#filter input[value="v2"]').check();
  const { current_hour } = await dashboardOf(system.url, "?mode=v2");
  await until(
    "only v2 is shown",
    async () => (await visit.number("#hour-orders")) === current_hour?.order_count,
  );
  expect(visit.page.url()).toContain("?mode=v2");
  expect(await visit.page.locator(".mode").count()).toBe(modes.length);
  await visit.page.reload();
  await untilLive(visit);
  await until(
    "only v2 is shown again",
    async () => (await visit.number("#hour-orders")) === current_hour?.order_count,
  );
  expect(await visit.page.locator('#filter input[value="v2"]').isChecked()).toBe(true);
});

test("ignores a mode in the address that does not run", async () => {
  const visit = await visits.open(`${system.url}/?mode=v9`);
  await until("all modes are shown", async () => (await visit.number("#hour-orders")) > 0);
  expect(visit.page.url()).not.toContain("v9");
});

test("the history has every range as a chart and a table, and shows errors", async () => {
  const visit = await visits.open(system.url);
  const orders = (await dashboardOf(system.url)).current_hour?.order_count;
  await until("the history is loaded", async () =>
    (await visit.text("#history-summary")).startsWith(`${orders} orders`),
  );
  await visit.page.locator("#history-details summary").click();
  for (const [range, rows] of [
    ["3h", 180],
    ["7d", 168],
    ["30d", 30],
    ["1y", 365],
  ] as const) {
    await visit.page.locator(`#range input[value="${range}"]`).check();
    const count = (): Promise<number> => visit.page.locator("#history-details tbody tr").count();
    await until(`${range} has ${rows} rows`, async () => (await count()) === rows);
  }
  await visit.page.route("**/api/sales*", (route) =>
    route.fulfill({
      status: 503,
      contentType: "application/problem+json",
      body: JSON.stringify({ detail: "PostgreSQL does not answer" }),
    }),
  );
  await visit.page.locator('#range input[value="24h"]').check();
  const problem = visit.page.locator("#history-problem");
  await problem.waitFor();
  // nothing of the previous range is shown for this one
  expect(await visit.text("#history-summary")).toBe("Nothing to show.");
  expect(await visit.page.locator("#history-details tbody tr").count()).toBe(0);
  expect(await problem.textContent()).toContain("The history cannot be read: PostgreSQL does not answer.");
  await visit.page.unroute("**/api/sales*");
  await visit.page.locator("#history-retry").click();
  await problem.waitFor({ state: "hidden" });
});

test("one order through each mode is timed until it is shown", async () => {
  const visit = await visits.openLive(system.url);
  const before = await visit.number("#hour-orders");
  await visit.page.locator("#send").click();
  const outcomes = visit.page.locator("#tracks .outcome");
  await until(
    "all are shown",
    async () =>
      (await outcomes.allTextContents()).filter((text) => text.includes("counted and shown here after"))
        .length === modes.length,
  );
  const texts = await outcomes.allTextContents();
  for (const [index, { accepts }] of modes.entries())
    expect(texts[index]).toContain(`Acknowledged (${accepts})`);
  await visit.untilOrders(before + modes.length);
  expect(await visit.page.locator("#send").isEnabled()).toBe(true);
  expect(visit.consoleErrors).toEqual([]);
});

test("a small load is bounded, counted exactly, and can be stopped", async () => {
  const visit = await visits.openLive(system.url);
  const before = await visit.number("#hour-orders");
  expect(await visit.page.locator("#load-rate").getAttribute("max")).toBe("40");
  await visit.page.locator("#load").click();
  await until("the load has started", async () => (await visit.number("#hour-orders")) > before + 60);
  await visit.page.locator("#load").click();
  const outcomes = visit.page.locator("#load-outcomes li");
  const accepted = async (): Promise<number> =>
    (await outcomes.allTextContents()).reduce(
      (sum, text) => sum + Number(/(\d+) accepted/.exec(text)?.[1]),
      0,
    );
  await until(
    "all accepted orders are shown",
    async () => (await visit.number("#hour-orders")) === before + (await accepted()),
  );
  expect(await outcomes.count()).toBe(modes.length);
});

test("the previous hour is that of the chosen mode", async () => {
  const timestamp = new Date(Date.now() - 3_600_000).toISOString();
  for (const mode of ["v1", "v2"]) {
    const id = await sendOrder(system.url, mode, { timestamp });
    await until(
      `the order of ${mode} is counted`,
      async () => (await statusOf(system.url, id)).status === "counted",
    );
  }
  const visit = await visits.open(`${system.url}/?mode=v2`);
  await until("v2's is shown", async () => (await visit.text("#hour-before")) === "$4.50");
  await visit.page.locator('#filter input[value="all"]').check();
  await until("that of both modes is shown", async () => (await visit.text("#hour-before")) === "$9.00");
});
