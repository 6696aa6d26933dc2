/** The page when the server rejects its orders, or no worker counts them. */
import { afterAll, beforeAll, expect } from "vitest";
import { TIMEOUT_MS } from "../../services/dashboard/src/timed-orders.ts";
import { until } from "../fresh.ts";
import { type System, startSystem } from "../system.ts";
import { openVisits, test, type Visits } from "./visits.ts";

/** Accepts no orders from its page. */
let closed: System;
/** Has no worker, and rejects orders above a small backlog. */
let full: System;
let visits: Visits;
beforeAll(async () => {
  [closed, full, visits] = await Promise.all([
    startSystem({ modes: ["v1"] }),
    startSystem({
      modes: ["v2"],
      workers: false,
      env: { MAX_LAG_ORDERS: "5", PAGE_ORDERS_PER_SECOND: "40" },
    }),
    openVisits(),
  ]);
});
afterAll(async () => {
  await visits.close();
  await Promise.all([closed.close(), full.close()]);
});

test("a server that accepts no orders from its page disables the buttons and says why", async () => {
  const visit = await visits.openLive(closed.url);
  for (const id of ["send", "load", "load-rate"])
    expect([id, await visit.page.locator(`#${id}`).isDisabled()]).toEqual([id, true]);
  expect(await visit.text("#send-text")).toContain("PAGE_ORDERS_PER_SECOND");
  // no currency is configured
  expect(await visit.text("#hour-revenue")).toBe("0.00");
});

test("without a published board figures are unknown, not zero", async () => {
  const visit = await visits.open(full.url);
  await visit.page.locator('#chip[data-phase="stale"]').waitFor();
  const figures = ["#hour-revenue", "#hour-orders", "#rate"].map((selector) => visit.text(selector));
  expect(await Promise.all(figures)).toEqual(["–", "–", "–"]);
  expect(await visit.text("#drinks-empty")).toBe("Unknown.");
  expect(await visit.text("#minutes-summary")).toBe("Sales in this period are unknown.");
  expect(await visit.text("#notice-title")).toBe("No figures yet");
  await until("the cause is shown", async () =>
    (await visit.text("#notice")).includes("no worker publishes"),
  );
});

test("an order that is not counted times out with a reason, and the button keeps the focus", async () => {
  const visit = await visits.open("about:blank");
  await visit.page.clock.install();
  await visit.page.goto(full.url);
  await visit.page.locator("#send:enabled").click();
  await until("the order is acknowledged", async () =>
    (await visit.text("#tracks .outcome")).startsWith("Acknowledged (queued)"),
  );
  expect(await visit.page.evaluate("document.activeElement.id")).toBe("send");
  await visit.page.clock.fastForward(TIMEOUT_MS);
  await until("it times out", async () => (await visit.text("#tracks .outcome")).includes("but not lost"));
});

test("an unknown outcome is shown as a doubt, not as a rejection", async () => {
  const visit = await visits.open(full.url);
  await visit.page.route("**/api/v2/order", (route) =>
    route.fulfill({
      status: 503,
      contentType: "application/problem+json",
      body: JSON.stringify({ type: "outcome-unknown", detail: "the backend did not confirm in time" }),
    }),
  );
  await visit.page.locator("#send:enabled").click();
  await until("the doubt is shown", async () =>
    (await visit.text("#tracks .outcome")).startsWith(
      "The backend did not confirm in time. It may have been accepted",
    ),
  );
});

test("a rejected load and a rejected order show the server's reason", async () => {
  const visit = await visits.open(full.url);
  await visit.page.locator("#load:enabled").click();
  await until("the load is rejected", async () =>
    (await visit.text("#load-outcomes")).includes("Too many orders wait to be counted; not taken."),
  );
  await visit.page.locator("#load").click();
  await visit.page.locator("#send:enabled").click();
  await until("the order is rejected", async () =>
    (await visit.text("#tracks .outcome")).includes("not taken."),
  );
  await until("the mode shows it", async () =>
    (await visit.text(".health")).startsWith("Rejects orders since"),
  );
});
