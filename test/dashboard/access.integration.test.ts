/** The page of a server that requires tokens. */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect } from "vitest";
import { until } from "../fresh.ts";
import { type System, startSystem } from "../system.ts";
import { openVisits, test, untilLive, type Visits } from "./visits.ts";

const READER = "reader-0123456789abcdef";
const TILL = "till-0123456789abcdef";
const LIST = [
  { name: "page", token: READER, may: ["read", "write"] },
  { name: "till", token: TILL, may: ["write"] },
];

let system: System;
let visits: Visits;
beforeAll(async () => {
  [system, visits] = await Promise.all([
    startSystem({
      modes: ["v1"],
      env: { ACCESS: "tokens", TOKENS: JSON.stringify(LIST), PAGE_ORDERS_PER_SECOND: "10" },
    }),
    openVisits(),
  ]);
});
afterAll(async () => {
  await visits.close();
  await system.close();
});

test("asks for a token, keeps it, sends it everywhere, and forgets it", async () => {
  const { page, text, untilOrders, ...visit } = await visits.open(system.url);
  const use = async (token: string): Promise<void> => {
    await page.locator("#access-token").fill(token);
    await Promise.all([page.waitForEvent("load"), page.locator("#access button").click()]);
  };
  await page.locator("#access").waitFor();
  await use(TILL);
  await page.locator("#access").waitFor();
  expect(await text("#access-title")).toContain("does not accept the token");
  await use(READER);
  await untilLive({ page, text, untilOrders, ...visit });
  expect(await page.locator("#access").isVisible()).toBe(false);

  await page.locator("#send:enabled").click();
  await untilOrders(1);
  await page.reload();
  await untilOrders(1);
  const [download] = await Promise.all([page.waitForEvent("download"), page.locator("#history-csv").click()]);
  expect(await readFile(await download.path(), "utf8")).toContain("bucket,mode");

  await Promise.all([page.waitForEvent("load"), page.locator("#access-forget").click()]);
  await page.locator("#access").waitFor();
  await until("no figure is shown", async () => (await text("#hour-orders")) === "–");
});
