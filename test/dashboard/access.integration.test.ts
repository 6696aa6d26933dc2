/** The page of a server that requires tokens. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { until } from "../fresh.ts";
import { type System, startSystem } from "../system.ts";
import { folderForFile } from "../temporary.ts";
import { openVisits, test, untilLive, type Visits } from "./visits.ts";

const READER = "reader-0123456789abcdef";
const TILL = "till-0123456789abcdef";
const LIST = [
  { name: "page", token: READER, may: ["read", "write"] },
  { name: "till", token: TILL, may: ["write"] },
];

const tokensFile = join(folderForFile(), "tokens.json");
let system: System;
let visits: Visits;
beforeAll(async () => {
  await writeFile(tokensFile, JSON.stringify(LIST));
  [system, visits] = await Promise.all([
    startSystem({
      modes: ["v1"],
      env: { ACCESS: "tokens", TOKENS_FILE: tokensFile, PAGE_ORDERS_PER_SECOND: "10" },
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

test("asks for another token when that of an open page is removed", async () => {
  const { page, ...visit } = await visits.open(system.url);
  await page.locator("#access-token").fill(READER);
  await Promise.all([page.waitForEvent("load"), page.locator("#access button").click()]);
  await untilLive({ page, ...visit });
  await writeFile(tokensFile, JSON.stringify(LIST.filter(({ token }) => token !== READER)));
  await page.locator("#access").waitFor();
});
