/** Opens the page in Chromium. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { test as anyTest, expect, inject, onTestFinished } from "vitest";
import { HOUR_MS } from "#shared/domain/time.ts";
import { buildPageIfStale } from "../../dev/build-dashboard.ts";
import { type Chromium, openChromium } from "../../dev/screenshots/browser.ts";
import { waitUntil } from "../../dev/system/wait.ts";
import { LATTE, postOrder } from "../requests.ts";

export type Visit = {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors and warnings of the page's console, those of its content security policy included. */
  readonly consoleErrors: readonly string[];
  text(selector: string): Promise<string>;
  /** A figure as a number. */
  number(selector: string): Promise<number>;
  /** Waits until the page shows so many orders of the hour. */
  untilOrders(orders: number): Promise<void>;
};

export type Visits = {
  /** The visit ends with the current test. */
  open(url: string, options?: VisitOptions): Promise<Visit>;
  /** Resolves when the page is live. */
  openLive(url: string, options?: VisitOptions): Promise<Visit>;
  close(): Promise<void>;
};
export type VisitOptions = {
  readonly theme?: "light" | "dark";
  readonly locale?: string;
  readonly width?: number;
  readonly height?: number;
  readonly reducedMotion?: boolean;
  /** A contrast theme of the system. */
  readonly forcedColors?: boolean;
};

/** For states that the page reaches within seconds on an idle machine. */
const PATIENCE_MS = 120_000;

const found = inject("chromium");

/** Skipped where Chromium is not available (test/setup.ts). */
export const test = anyTest.skipIf(found === null);

export const openVisits = async (): Promise<Visits> => {
  const [browser] = await Promise.all([openFound(found), buildPageIfStale()]);
  const open: Visits["open"] = (url, options = {}) => visit(browser, url, options);
  return {
    open,
    openLive: async (url, options) => {
      const opened = await open(url, options);
      await untilLive(opened);
      return opened;
    },
    close: () => browser.close(),
  };
};

const openFound = (binary: Chromium | null): Promise<Browser> => {
  if (binary === null) throw new Error("Chromium is not available");
  return openChromium(binary);
};

const visit = async (browser: Browser, url: string, options: VisitOptions): Promise<Visit> => {
  const context = await browser.newContext({
    locale: options.locale ?? "en-US",
    timezoneId: "America/New_York",
    colorScheme: options.theme ?? "light",
    reducedMotion: options.reducedMotion ? "reduce" : "no-preference",
    forcedColors: options.forcedColors ? "active" : "none",
    viewport: { width: options.width ?? 1280, height: options.height ?? 900 },
  });
  context.setDefaultTimeout(PATIENCE_MS);
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const consoleErrors: string[] = [];
  page.on("pageerror", (error) => consoleErrors.push(error.message));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) consoleErrors.push(message.text());
  });
  await page.goto(url);
  const text = async (selector: string): Promise<string> =>
    (await page.locator(selector).textContent()) ?? "";
  const number = async (selector: string): Promise<number> =>
    Number((await text(selector)).replaceAll(/[^\d.-]/g, ""));
  const untilOrders = (orders: number): Promise<void> =>
    waitUntil(`the page shows ${orders} orders`, async () => (await number("#hour-orders")) === orders);
  return { page, context, consoleErrors, text, number, untilOrders };
};

/** More than the tests of one file need. */
const TESTS_TAKE_MS = 120_000;

/** These tests count the sales of the current hour, so it must not end meanwhile. */
export const untilHourLasts = async (): Promise<void> => {
  const leftMs = HOUR_MS - (Date.now() % HOUR_MS);
  if (leftMs < TESTS_TAKE_MS) await sleep(leftMs);
};

export const untilLive = async ({ page }: Visit): Promise<void> => {
  await page.locator('#chip[data-phase="live"]').waitFor({ timeout: PATIENCE_MS });
};

export const sendOrder = async (url: string, mode: string, more: object = {}): Promise<string> => {
  const response = await postOrder(url, mode, { ...LATTE, ...more });
  const { id } = (await response.json()) as { id: string };
  expect([201, 202]).toContain(response.status);
  return id;
};
