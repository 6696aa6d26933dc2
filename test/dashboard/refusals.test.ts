/** What the page does when the server does not want, or has more than it shows. */
import { afterAll, beforeAll, expect } from "vitest";
import { until } from "../fresh.ts";
import { type System, startSystem } from "../system.ts";
import { openVisits, test, untilLive, type Visits } from "./chromium.ts";

let quiet: System;
let full: System;
let visits: Visits;
beforeAll(async () => {
  [quiet, full, visits] = await Promise.all([
    startSystem({ modes: ["v1"] }),
    startSystem({
      modes: ["v2"],
      workers: false,
      env: { MAX_LAG_ORDERS: "5", PAGE_ORDERS_PER_SECOND: "40" },
    }),
    openVisits(),
  ]);
}, 300_000);
afterAll(async () => {
  await visits.close();
  await Promise.all([quiet.close(), full.close()]);
});

test("a server that takes no made-up orders has no buttons for them, and says why", async () => {
  const visit = await visits.open(quiet.url);
  await untilLive(visit);
  for (const id of ["send", "load", "load-rate"])
    expect([id, await visit.page.locator(`#${id}`).isDisabled()]).toEqual([id, true]);
  expect(await visit.text("#journey-text")).toContain("PAGE_ORDERS_PER_SECOND");
  // nobody said which currency it is
  expect(await visit.text("#hour-revenue")).toBe("0.00");
  await visit.context.close();
});

test("where nobody has published a figure, nothing is called zero", async () => {
  const visit = await visits.open(full.url);
  await visit.page.locator('#chip[data-phase="stale"]').waitFor();
  const figures = ["#hour-revenue", "#hour-orders", "#rate"].map((selector) => visit.text(selector));
  expect(await Promise.all(figures)).toEqual(["–", "–", "–"]);
  expect(await visit.text("#drinks-empty")).toBe("Not known.");
  expect(await visit.text("#minutes-summary")).toBe("What was sold in this time is not known.");
  expect(await visit.text("#notice-title")).toBe("No figures yet");
  await until("the cause is told", async () => (await visit.text("#notice")).includes("no worker publishes"));
  await visit.context.close();
});

test("an order that nobody counts is not given up in silence, and the focus stays on its button", async () => {
  const visit = await visits.open(full.url);
  await visit.page.locator("#send:enabled").click();
  await until("it is taken", async () =>
    (await visit.text("#tracks .told")).startsWith("Acknowledged (queued)"),
  );
  expect(await visit.page.evaluate("document.activeElement.id")).toBe("send");
  await until(
    "it is told to wait",
    async () => (await visit.text("#tracks .told")).includes("it is kept, and waits"),
    40_000,
  );
  await visit.context.close();
}, 60_000);

test("a reply that says nobody knows is told as a doubt, not as a refusal", async () => {
  const visit = await visits.open(full.url);
  await visit.page.route("**/api/v2/order", (route) =>
    route.fulfill({
      status: 503,
      contentType: "application/problem+json",
      body: JSON.stringify({ type: "outcome-unknown", detail: "the backend did not confirm in time" }),
    }),
  );
  await visit.page.locator("#send:enabled").click();
  await until("the doubt is told", async () =>
    (await visit.text("#tracks .told")).startsWith(
      "The backend did not confirm in time. It may have been taken",
    ),
  );
  await visit.context.close();
});

test("a refused load and a refused order are told in the server's words", async () => {
  const visit = await visits.open(full.url);
  await visit.page.locator("#load:enabled").click();
  await until("it is refused", async () =>
    (await visit.text("#load-outcomes")).includes("Too many orders wait to be counted; not taken."),
  );
  await visit.page.locator("#load").click();
  await visit.page.locator("#send:enabled").click();
  await until("it is refused too", async () => (await visit.text("#tracks .told")).includes("not taken."));
  await until("the lane says so", async () =>
    (await visit.text(".health")).startsWith("Refuses orders since"),
  );
  await visit.context.close();
});
