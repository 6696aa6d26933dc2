/** Numbers of nine digits stay on one line and inside of their cards, at every width, in locales that write them in other ways. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect } from "vitest";
import { modes } from "#shared/modes/all.ts";
import { until } from "../fresh.ts";
import { type System, startSystem } from "../system.ts";
import { openVisits, sendOrder, test, untilHourLasts, untilLive, type Visits } from "./visits.ts";

let system: System;
let visits: Visits;
beforeAll(async () => {
  [system, visits] = await Promise.all([
    startSystem({ env: { PAGE_ORDERS_PER_SECOND: "40", CURRENCY: "CHF" } }),
    openVisits(),
  ]);
  await untilHourLasts();
  for (const { name } of modes) await sendOrder(system.url, name);
});
afterAll(async () => {
  await visits.close();
  await system.close();
});

const WIDTHS = [320, 360, 421, 540, 721, 820, 1_024, 1_101, 1_280, 1_440, 1_920];
const LARGE = 123_456_789;
const SETTLES_WITHIN_MS = 60_000;
/** Members of the server's frames and replies that are shown as numbers. */
const NUMBERS = new Set(["revenue", "order_count", "orders", "rate", "lag", "price"]);

/** The same data with a large number wherever there is one. */
const enlarged = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(enlarged);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      NUMBERS.has(name) && typeof member === "number" ? LARGE : enlarged(member),
    ]),
  );
};

/** The real server's figures, enlarged on their way to the page. */
const enlarge = async (page: Page): Promise<void> => {
  await page.routeWebSocket(/dashboard/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((text) => socket.send(JSON.stringify(enlarged(JSON.parse(String(text))))));
  });
  await page.route("**/api/sales*", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: enlarged(await response.json()) });
  });
};

/** Texts with digits that are on several lines, or reach out of their card. It runs in the page, so it is no TypeScript. */
const BROKEN_NUMBERS = String.raw`(() => {
  const broken = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const card = node.parentElement.closest(".scroll, .segments, .card, .top, footer, section") ?? document.body;
    for (const match of node.textContent.matchAll(/[^\s\p{L}]*\p{Nd}[^ \n]*/gu)) {
      const range = document.createRange();
      range.setStart(node, match.index);
      range.setEnd(node, match.index + match[0].length);
      const boxes = [...range.getClientRects()].filter(({ width, height }) => width > 1 && height > 1);
      const where = (node.parentElement.className || node.parentElement.outerHTML.slice(0, 80)) + " " + match[0];
      const lines = new Set(boxes.map(({ top }) => Math.round(top / 4)));
      if (lines.size > 1) broken.push(where + " has " + lines.size + " lines");
      const { left, right } = card.getBoundingClientRect();
      for (const box of card.matches(".scroll, .segments") ? [] : boxes)
        if (box.left < left - 1 || box.right > right + 1)
          broken.push(where + " reaches out of its card, " + Math.round(box.left - left) + " to " + Math.round(box.right - right));
    }
  }
  // otherwise it would overlap its neighbour
  for (const figure of document.querySelectorAll(".figure, .mode dd"))
    if (figure.scrollWidth > figure.clientWidth + 1)
      broken.push(figure.textContent + " is " + (figure.scrollWidth - figure.clientWidth) + " px too wide");
  if (document.documentElement.scrollWidth > innerWidth) broken.push("the page scrolls sideways");
  return broken;
})()`;

/** They group and write digits in five ways, and put the currency before or after. */
test.each(["en-US", "de-CH", "hi-IN", "fr-FR", "ar-EG"])(
  "numbers of nine digits never break in %s",
  async (locale) => {
    const visit = await visits.open("about:blank", { locale });
    const { page } = visit;
    await enlarge(page);
    await page.goto(system.url);
    await untilLive(visit);
    const digitsOf = (text: string): number => [...text.matchAll(/\p{Nd}/gu)].length;
    await until("the figures are large", async () => digitsOf(await visit.text("#hour-revenue")) === 11);
    await until("the modes' figures are large", async () =>
      (await page.locator(".mode dd").allTextContents()).some((text) => digitsOf(text) >= 9),
    );
    await until("the history is shown", async () => /\p{Nd}/u.test(await visit.text("#history-summary")));
    for (const details of await page.locator("details summary").all()) await details.click();
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      // the charts follow the new width a moment later
      await expect
        .poll(() => page.evaluate(BROKEN_NUMBERS), { message: `${width} px`, timeout: SETTLES_WITHIN_MS })
        .toEqual([]);
    }
  },
);
