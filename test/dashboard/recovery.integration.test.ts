/** The page recovers from failures of the server and its own pauses, and never counts an order twice. */
import { afterAll, beforeAll, expect, onTestFinished } from "vitest";
import { freePort } from "../../dev/system/servers/ports.ts";
import { until, variablesOf } from "../fresh.ts";
import { type Api, openProcesses } from "../processes.ts";
import { areModesOk } from "../requests.ts";
import { type System, startSystem } from "../system.ts";
import { openVisits, sendOrder, test, untilHourLasts, untilLive, type Visits } from "./visits.ts";

let system: System;
let visits: Visits;
beforeAll(async () => {
  [system, visits] = await Promise.all([startSystem({ modes: ["v1", "v2"] }), openVisits()]);
  await untilHourLasts();
});
afterAll(async () => {
  await visits.close();
  await system.close();
});

/** An API of the same system in a separate process that can be killed. */
const startApi = async (port: number, env: Record<string, string> = {}): Promise<Api> => {
  const processes = openProcesses({ ...variablesOf(system), PORT: String(port) });
  onTestFinished(processes.close);
  const api = await processes.startApi(["v1", "v2"], env);
  await until("the API is ready", () => areModesOk(api.url));
  return api;
};

test("reconnects after the server was killed and restarted, and counts no order twice", async () => {
  const port = await freePort();
  const api = await startApi(port);
  const visit = await visits.openLive(api.url);
  for (let i = 0; i < 5; i++) await sendOrder(system.url, "v2");
  await visit.untilOrders(5);
  await api.kill("SIGKILL");
  await visit.page.locator('#chip[data-phase="disconnected"]').waitFor();
  const notice = visit.page.locator("#notice");
  expect(await notice.textContent()).toMatch(/Disconnected since \d\d:\d\d:\d\d [AP]M/);
  // the figures stay, with their age
  expect(await visit.number("#hour-orders")).toBe(5);
  // a click on the filter does not hide the outage
  await visit.page.locator('#filter input[value="v2"]').check();
  expect(await visit.text("#chip-text")).toContain("Disconnected");
  expect(await notice.isVisible()).toBe(true);
  expect(await visit.text("#spoken")).toContain("Disconnected since");
  await visit.page.locator('#filter input[value="all"]').check();
  for (let i = 0; i < 7; i++) await sendOrder(system.url, "v1");
  await startApi(port, { CURRENCY: "EUR" });
  await untilLive(visit);
  await visit.untilOrders(12);
  expect(await visit.page.locator("#recent li").count()).toBe(12);
  await notice.waitFor({ state: "hidden" });
  expect(await visit.text("#spoken")).toBe("Live again");
  // the new process has other settings
  await until("the new currency is shown", async () => (await visit.text("#hour-revenue")).startsWith("€"));
});

test("a suspended tab shows the latest state when it resumes, and delays no other tab", async () => {
  const [slow, quick] = [await visits.open(system.url), await visits.open(system.url)];
  await Promise.all([untilLive(slow), untilLive(quick)]);
  const before = await quick.number("#hour-orders");
  // a synchronous request blocks the tab until the other one shows all orders
  const { promise: isShown, resolve: resume } = Promise.withResolvers<void>();
  await slow.page.route("**/blocking", (route) => isShown.then(() => route.fulfill({ body: "" })));
  const suspended = slow.page.evaluate(
    '{ const request = new XMLHttpRequest(); request.open("GET", "/blocking", false); request.send(); }',
  );
  for (let i = 0; i < 40; i++) await sendOrder(system.url, "v1");
  await quick.untilOrders(before + 40);
  resume();
  await suspended;
  await slow.untilOrders(before + 40);
  await untilLive(slow);
});

test("without a publisher the figures are shown as stale", async () => {
  const alone = await startSystem({ modes: ["v1"] });
  onTestFinished(alone.close);
  const visit = await visits.openLive(alone.url);
  await alone.board.kill();
  onTestFinished(() => alone.board.start());
  await visit.page.locator('#chip[data-phase="stale"]').waitFor();
  expect(await visit.text("#notice")).toContain("Nothing new since");
  await until("the cause is shown", async () =>
    (await visit.text("#notice")).includes("the board's Redis does not answer"),
  );
  expect(await visit.text("#rate")).toBe("–");
  await until("the mode shows it", async () => (await visit.text(".health")).includes("no counts since"));
});
