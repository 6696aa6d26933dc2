/** The page in a real Chromium, on a real API. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { test as anyTest, expect, inject } from "vitest";
import type { Dashboard } from "#shared/domain/dashboard.ts";
import { HOUR_MS } from "#shared/domain/time.ts";
import { buildPageIfStale } from "../../dev/build-dashboard.ts";
import { type Chromium, openChromium } from "../../dev/screenshots/browser.ts";

export type Visit = {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the page complained of: errors, and what its policy refused. */
  readonly complaints: readonly string[];
  text(selector: string): Promise<string>;
  /** Of a figure as it stands there. */
  number(selector: string): Promise<number>;
};

export type Visits = {
  open(url: string, how?: How): Promise<Visit>;
  close(): Promise<void>;
};
export type How = {
  readonly theme?: "light" | "dark";
  readonly width?: number;
  readonly height?: number;
  readonly reducedMotion?: boolean;
  /** As a system's contrast theme has it. */
  readonly forcedColors?: boolean;
};

const found = inject("chromium");

/** Left out where there is no browser, as test/setup.ts says. */
export const test = anyTest.skipIf(found === null);

export const openVisits = async (): Promise<Visits> => {
  const [browser] = await Promise.all([openFound(found), buildPageIfStale()]);
  return { open: (url, how = {}) => visit(browser, url, how), close: () => browser.close() };
};

const openFound = (binary: Chromium | null): Promise<Browser> => {
  if (binary === null) throw new Error("there is no Chromium here");
  return openChromium(binary);
};

const visit = async (browser: Browser, url: string, how: How): Promise<Visit> => {
  const context = await browser.newContext({
    locale: "en-US",
    timezoneId: "America/New_York",
    colorScheme: how.theme ?? "light",
    reducedMotion: how.reducedMotion ? "reduce" : "no-preference",
    forcedColors: how.forcedColors ? "active" : "none",
    viewport: { width: how.width ?? 1280, height: how.height ?? 900 },
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  await page.goto(url);
  const text = async (selector: string): Promise<string> =>
    (await page.locator(selector).textContent()) ?? "";
  return {
    page,
    context,
    complaints,
    text,
    number: async (selector) => Number((await text(selector)).replaceAll(/[^\d.-]/g, "")),
  };
};

/** Longer than the tests of one file take. */
const TESTS_TAKE_MS = 120_000;

/** What an hour has sold is counted in these tests: it must not turn meanwhile. */
export const untilHourLasts = async (): Promise<void> => {
  const leftMs = HOUR_MS - (Date.now() % HOUR_MS);
  if (leftMs < TESTS_TAKE_MS) await sleep(leftMs);
};

export const untilLive = async ({ page }: Visit): Promise<void> => {
  await page.locator('#chip[data-phase="live"]').waitFor({ timeout: 20_000 });
};

export const sendOrder = async (url: string, mode: string, more: object = {}): Promise<string> => {
  const response = await fetch(`${url}/api/${mode}/order`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ drink: "latte", store: "uptown", price: 4.5, ...more }),
  });
  const { id } = (await response.json()) as { id: string };
  expect([201, 202]).toContain(response.status);
  return id;
};

export const dashboardOf = async (url: string, mode = "all"): Promise<Dashboard> =>
  (await (await fetch(`${url}/api/dashboard?mode=${mode}`)).json()) as Dashboard;
