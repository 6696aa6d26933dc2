/**
 * npm run screenshots: the whole system with a past and a present, and a picture of every state of its page in both
 * themes and four sizes. With `-- --readme` also those of the README; `--only live,load` takes some, `--settle 10` hurries.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Browser, Page } from "playwright-core";
import { catalogueFrom } from "#shared/domain/catalogue.ts";
import { modes as allModes } from "#shared/modes/all.ts";
import { findChromium, openChromium } from "../browser/chromium.ts";
import { buildPageIfStale } from "../browser/page-build.ts";
import { startDemo } from "../demo.ts";
import { type System, startSystem } from "../system/launcher.ts";
import { runProgram, switchesOf } from "../system/programs.ts";
import { stateFolder } from "../system/servers/data-dir.ts";
import { freePort } from "../system/servers/ports.ts";
import { fetchFonts } from "./fonts.ts";
import { sellThePast } from "./past.ts";
import { EMPTY, SCENES, type Scene, type Stage } from "./scenes.ts";

const root = join(import.meta.dirname, "../..");
const folder = join(stateFolder(root), "screenshots");
const THEMES = ["light", "dark"] as const;
const SIZES = {
  huge: { width: 1920, height: 1200 },
  wide: { width: 1440, height: 1720 },
  tablet: { width: 820, height: 1180 },
  phone: { width: 360, height: 780 },
} as const;
/** Paper below the last card of the README's picture. */
const BELOW_PX = 20;
/** Lag over this is refused, so that a picture can show a refusal. */
const ENV = { PAGE_ORDERS_PER_SECOND: "100", CURRENCY: "USD", MAX_LAG_ORDERS: "1200" };
/** The pace of two minutes fills its lane. */
const SETTLE_SECONDS = "100";
/** The rate of the past's sale falls by itself: by ten time constants it is nothing. */
const FORGET_MS = 100_000;
const API_STARTS_WITHIN_MS = 30_000;
const GREAT_STORES = 10_000;
const PAST_DAYS = 30;
const DEMO_PER_SECOND = 30;

const say = (line: string): void => console.log(line);
const log = say;
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
      page.on("pageerror", (error) => say(`the page failed: ${error.message}`));
      await before?.(page);
      views.push({ page, theme, size });
    }
  return views;
};

const picture = async (name: string, { page, theme, size }: View): Promise<void> => {
  await page.evaluate("window.scrollTo(0, 0)");
  await page.screenshot({ path: join(folder, `${name}-${size}-${theme}.png`), fullPage: true });
};

const catalogueFile = join(root, "services/order-api/catalogue.json");
const readCatalogue = (file: string) => catalogueFrom(JSON.parse(readFileSync(file, "utf8")));

const untilReady = async (url: string, logFile: string): Promise<void> => {
  const isReady = (): Promise<boolean> =>
    fetch(`${url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  for (const end = Date.now() + API_STARTS_WITHIN_MS; !(await isReady()); await sleep(200))
    if (Date.now() > end) throw new Error(`${url} is not ready; its log is ${logFile}`);
};

const stageOn = (system: System, dataDir: string, closers: (() => Promise<void>)[]): Stage => {
  const signal = (name: NodeJS.Signals): void => {
    for (const worker of system.workers) {
      const pid = worker.pid();
      if (pid !== undefined) process.kill(pid, name);
    }
  };
  const startGreatApi = async (): Promise<string> => {
    const file = join(dataDir, "great-catalogue.json");
    const { drinks } = readCatalogue(catalogueFile);
    const stores = Array.from(
      { length: GREAT_STORES },
      (_, index) => `store ${String(index + 1).padStart(5, "0")}`,
    );
    writeFileSync(file, JSON.stringify({ drinks, stores }));
    const port = await freePort();
    const env = {
      ...system.env,
      ...ENV,
      ...switchesOf(system.modes),
      PORT: String(port),
      CATALOGUE_FILE: file,
    };
    const logFile = join(dataDir, "great-api.log");
    const program = runProgram({
      name: "great-api",
      file: "services/order-api/main.ts",
      env,
      logFile,
      onLine: log,
    });
    closers.push(() => program.stop());
    const url = `http://127.0.0.1:${port}`;
    await untilReady(url, logFile);
    await sellThePast(url, system.modes, readCatalogue(file), Date.now(), 0);
    return url;
  };
  return {
    url: system.url,
    startGreatApi,
    stopWorkers: () => signal("SIGSTOP"),
    resumeWorkers: () => signal("SIGCONT"),
  };
};

const play = async (scene: Scene, browser: Browser, open: readonly View[], stage: Stage): Promise<void> => {
  const url = (await scene.set?.(stage)) ?? stage.url;
  const isFresh = scene.fresh !== undefined;
  const views = isFresh ? await openViews(browser, scene.before) : open;
  try {
    const take = async (view: View): Promise<void> => {
      if (isFresh) await view.page.goto(`${url}/${scene.fresh}`);
      await scene.act?.(view.page);
      await picture(scene.name, view);
    };
    // what is timed is not to be timed four times at once
    if (scene.isTimed) for (const view of views) await take(view);
    else await Promise.all(views.map(take));
    say(`${scene.name} is taken`);
  } finally {
    scene.after?.(stage);
    if (isFresh) await Promise.all(views.map(({ page }) => page.context().close()));
  }
};

/** What the README opens with: the page down to the end of the race, since half of a section looks like a mistake. */
const pictureForReadme = async (views: readonly View[]): Promise<void> => {
  for (const { page, theme } of views.filter(({ size }) => size === "wide")) {
    await page.evaluate("window.scrollTo(0, 0)");
    const box = await page.locator('section[aria-labelledby="race-title"]').boundingBox();
    if (box === null) throw new Error("the page has no race");
    const { width, height } = SIZES.wide;
    await page.setViewportSize({ width, height: Math.ceil(box.y + box.height + BELOW_PX) });
    await page.screenshot({ path: join(root, "docs", `dashboard-${theme}.png`) });
    await page.setViewportSize({ width, height });
  }
};

const main = async (): Promise<void> => {
  mkdirSync(folder, { recursive: true });
  await fetchFonts(say);
  await buildPageIfStale();
  // not a private one: as root the servers are another user's
  const dataDir = join(stateFolder(root), `screenshots-data-${process.pid}`);
  const closers: (() => Promise<void>)[] = [async () => rmSync(dataDir, { recursive: true, force: true })];
  const stopping = new AbortController();
  try {
    const browser = await openChromium(await findChromium(say));
    closers.push(() => browser.close());
    const system = await startSystem({
      modes: allModes.map(({ name }) => name),
      dataDir,
      env: ENV,
      onLine: log,
    });
    closers.push(() => system.stop());
    const stage = stageOn(system, dataDir, closers);
    const views = await openViews(browser);
    await Promise.all(views.map(({ page }) => page.goto(system.url)));
    await sleep(3_000);
    for (const view of views) await picture(EMPTY.name, view);
    const catalogue = readCatalogue(catalogueFile);
    await sellThePast(system.url, system.modes, catalogue, Date.now(), PAST_DAYS);
    const demo = startDemo({
      url: system.url,
      modes: system.modes,
      catalogue,
      ordersPerSecond: DEMO_PER_SECOND,
      signal: stopping.signal,
    });
    closers.push(() => demo.done);
    closers.push(async () => stopping.abort());
    await sleep(FORGET_MS);
    await Promise.all(views.map(({ page }) => page.reload()));
    await sleep(Number(values.settle) * 1_000);
    for (const scene of SCENES) {
      if (values.only !== undefined && !values.only.split(",").includes(scene.name)) continue;
      await play(scene, browser, views, stage);
      if (scene.name === "live" && values.readme) await pictureForReadme(views);
    }
  } finally {
    for (let close = closers.pop(); close; close = closers.pop()) await close();
  }
  say(`the pictures are in ${folder}`);
};

await main();
process.exit(0);
