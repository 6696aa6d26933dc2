/**
 * npm run screenshots: starts the whole system with sales of the past and the present, and takes a screenshot of every
 * state of its page, in both themes and four sizes. `-- --readme` also takes those of the README; `--only live,load`
 * takes some scenes; `--settle 10` waits less before the first one.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Browser, Page } from "playwright-core";
import { modes } from "#shared/modes/all.ts";
import { buildPageIfStale } from "../build-dashboard.ts";
import { startDemo } from "../demo.ts";
import { startSystem } from "../system/launcher.ts";
import { stateFolder } from "../system/servers/data-dir.ts";
import { fetchFonts, findChromium, openChromium } from "./browser.ts";
import { EMPTY, SCENES, type Scene, type SceneSystem } from "./scenes.ts";
import { readCatalogue, sceneSystem, sellHistory } from "./system.ts";

const root = join(import.meta.dirname, "../..");
const folder = join(stateFolder(root), "screenshots");
const catalogueFile = join(root, "services/order-api/catalogue.json");
const THEMES = ["light", "dark"] as const;
const SIZES = {
  huge: { width: 1920, height: 1200 },
  wide: { width: 1440, height: 1720 },
  tablet: { width: 820, height: 1180 },
  phone: { width: 360, height: 780 },
} as const;
/** Space below the last card of the README's screenshot. */
const BELOW_PX = 20;
/** The API rejects orders above this lag, so that a screenshot can show a rejection. */
const ENV = { PAGE_ORDERS_PER_SECOND: "100", CURRENCY: "USD", MAX_LAG_ORDERS: "1200" };
/** The lines of each mode cover two minutes. */
const SETTLE_SECONDS = "100";
/** Ten time constants of the server's weighted rate: the orders of the past no longer count in it. */
const RATE_DECAY_MS = 100_000;
const HISTORY_DAYS = 30;
const DEMO_PER_SECOND = 30;
/** Eight pages that draw ten times a second are slow on a busy machine. */
const ACTION_WITHIN_MS = 300_000;

const log = (line: string): void => console.log(line);
const { values } = parseArgs({
  options: {
    readme: { type: "boolean", default: false },
    only: { type: "string" },
    settle: { type: "string", default: SETTLE_SECONDS },
  },
});

type View = { readonly page: Page; readonly theme: string; readonly size: string };

const openViews = async (browser: Browser, before?: (page: Page) => Promise<unknown>): Promise<View[]> => {
  const views: View[] = [];
  for (const theme of THEMES)
    for (const [size, viewport] of Object.entries(SIZES)) {
      const context = await browser.newContext({
        colorScheme: theme,
        viewport,
        locale: "en-US",
        timezoneId: "America/New_York",
        deviceScaleFactor: size === "phone" ? 2 : 1,
      });
      const page = await context.newPage();
      page.setDefaultTimeout(ACTION_WITHIN_MS);
      page.on("pageerror", (error) => log(`page error: ${error.message}`));
      await before?.(page);
      views.push({ page, theme, size });
    }
  return views;
};

const takeScreenshot = async (name: string, { page, theme, size }: View): Promise<void> => {
  await page.evaluate("window.scrollTo(0, 0)");
  await page.screenshot({ path: join(folder, `${name}-${size}-${theme}.png`), fullPage: true });
};

const play = async (
  scene: Scene,
  browser: Browser,
  open: readonly View[],
  system: SceneSystem,
): Promise<void> => {
  const url = (await scene.prepare?.(system)) ?? system.url;
  const isFresh = scene.fresh !== undefined;
  const views = isFresh ? await openViews(browser, scene.before) : open;
  try {
    const take = async (view: View): Promise<void> => {
      if (isFresh) await view.page.goto(`${url}/${scene.fresh}`);
      await scene.act?.(view.page);
      await takeScreenshot(scene.name, view);
    };
    // eight pages at once would slow each other down
    if (scene.isTimed) for (const view of views) await take(view);
    else await Promise.all(views.map(take));
    log(`screenshots of ${scene.name} taken`);
  } finally {
    scene.after?.(system);
    if (isFresh) await Promise.all(views.map(({ page }) => page.context().close()));
  }
};

/** The README's screenshots show the page down to the end of the comparison of modes, not half of a section. */
const takeForReadme = async (views: readonly View[]): Promise<void> => {
  for (const { page, theme } of views.filter(({ size }) => size === "wide")) {
    await page.evaluate("window.scrollTo(0, 0)");
    const box = await page.locator('section[aria-labelledby="modes-title"]').boundingBox();
    if (box === null) throw new Error("the page has no section #modes-title");
    const { width, height } = SIZES.wide;
    await page.setViewportSize({ width, height: Math.ceil(box.y + box.height + BELOW_PX) });
    await page.screenshot({ path: join(root, "docs", `dashboard-${theme}.png`) });
    await page.setViewportSize({ width, height });
  }
};

const main = async (): Promise<void> => {
  mkdirSync(folder, { recursive: true });
  await fetchFonts(log);
  await buildPageIfStale();
  // not a private folder: started by root, the servers run as another user
  const dataDir = join(stateFolder(root), `screenshots-data-${process.pid}`);
  const closers: (() => Promise<void>)[] = [async () => rmSync(dataDir, { recursive: true, force: true })];
  const stopping = new AbortController();
  try {
    const browser = await openChromium(await findChromium(log));
    closers.push(() => browser.close());
    const system = await startSystem({
      modes: modes.map(({ name }) => name),
      dataDir,
      env: ENV,
      onLine: log,
    });
    closers.push(() => system.stop());
    const views = await openViews(browser);
    await Promise.all(views.map(({ page }) => page.goto(system.url)));
    await sleep(3_000);
    for (const view of views) await takeScreenshot(EMPTY.name, view);
    const catalogue = readCatalogue(catalogueFile);
    await sellHistory(system.url, system.modes, catalogue, Date.now(), HISTORY_DAYS);
    const demo = startDemo({
      url: system.url,
      modes: system.modes,
      catalogue,
      ordersPerSecond: DEMO_PER_SECOND,
      signal: stopping.signal,
    });
    closers.push(() => demo.done);
    closers.push(async () => stopping.abort());
    await sleep(RATE_DECAY_MS);
    await Promise.all(views.map(({ page }) => page.reload()));
    await sleep(Number(values.settle) * 1_000);
    for (const scene of SCENES) {
      if (values.only !== undefined && !values.only.split(",").includes(scene.name)) continue;
      await play(scene, browser, views, sceneSystem(system, catalogueFile, ENV));
      if (scene.name === "live" && values.readme) await takeForReadme(views);
    }
  } finally {
    for (let close = closers.pop(); close; close = closers.pop()) await close();
  }
  log(`screenshots written to ${folder}`);
};

await main();
process.exit(0);
