/** The states of the page, each with the steps that produce it. The accessibility tests visit some of them too. */
import type { Page } from "playwright-core";

/** What a scene may do to the system, besides using the page. */
export type SceneSystem = {
  readonly url: string;
  /** Another API of the same system, with a catalogue of ten thousand stores; resolves with its URL. */
  startLargeApi(): Promise<string>;
  /** Pauses the worker processes (SIGSTOP). */
  stopWorkers(): void;
  resumeWorkers(): void;
};

export type Scene = {
  readonly name: string;
  /** Opens new pages at this path, instead of using those that have been open since the start. */
  readonly fresh?: string;
  /** One page at a time, because the scene measures time. */
  readonly isTimed?: true;
  /** Before any page is opened; resolves with the URL of the API when it is another one. */
  prepare?(system: SceneSystem): Promise<string | undefined> | undefined;
  /** Before a new page is loaded. */
  before?(page: Page): Promise<unknown>;
  act?(page: Page): Promise<unknown>;
  after?(system: SceneSystem): void;
};

const LONG_MS = 60_000;
const CONNECTED_MS = 4_000;

/** Until the order of every mode is shown. */
const untilAllShown = async (page: Page): Promise<void> => {
  for (const outcome of await page.locator("#tracks .outcome").all())
    await outcome.filter({ hasText: "shown here" }).waitFor({ timeout: LONG_MS });
};

/** Closes the WebSocket after a while, and every later one at once. */
const cut = async (page: Page): Promise<void> => {
  let isCut = false;
  await page.routeWebSocket(/dashboard/, (socket) => {
    if (isCut) return void socket.close();
    socket.connectToServer();
    setTimeout(() => {
      isCut = true;
      void socket.close();
    }, CONNECTED_MS);
  });
};

/** Taken first: a server is empty only once. */
export const EMPTY: Scene = { name: "empty" };

export const SCENES: readonly Scene[] = [
  {
    name: "live",
    isTimed: true,
    act: async (page) => {
      await page.locator("#send").click();
      await untilAllShown(page);
    },
  },
  {
    name: "load",
    act: async (page) => {
      await page.locator("#load-rate").fill("40");
      await page.locator("#load").click();
      await page.waitForTimeout(6_000);
    },
  },
  {
    name: "filtered",
    fresh: "?range=30d&show=revenue",
    act: async (page) => {
      await page.locator("#filter input").nth(2).check();
      await page.locator('#chip[data-phase="live"]').waitFor();
      await page.locator("#minutes-details summary").click();
      await page.waitForTimeout(2_000);
    },
  },
  {
    name: "loading",
    fresh: "",
    before: async (page) => {
      await page.routeWebSocket(/dashboard/, () => undefined);
      await page.route("**/api/s*", () => undefined);
    },
    act: (page) => page.waitForTimeout(500),
  },
  {
    name: "no-answer",
    fresh: "",
    before: (page) => page.routeWebSocket(/dashboard/, (socket) => void socket.close()),
    act: (page) => page.locator("#notice:not([hidden])").waitFor(),
  },
  {
    name: "disconnected",
    fresh: "",
    before: cut,
    act: async (page) => {
      await page.locator('#chip[data-phase="disconnected"]').waitFor({ timeout: LONG_MS });
      await page.route("**/api/sales*", (route) => route.abort());
      await page.locator('#range input[value="7d"]').check();
      await page.locator("#history-problem").waitFor();
    },
  },
  {
    name: "stale-and-refused",
    prepare: async (system) => {
      system.stopWorkers();
      return undefined;
    },
    act: async (page) => {
      await page.locator('#chip[data-phase="stale"]').waitFor({ timeout: LONG_MS });
      await page.locator("#load").click();
      await page.locator("#load-outcomes .trouble").first().waitFor({ timeout: LONG_MS });
      await page.waitForTimeout(1_500);
    },
    after: (system) => system.resumeWorkers(),
  },
  {
    name: "thousand-stores",
    fresh: "",
    prepare: (system) => system.startLargeApi(),
    act: async (page) => {
      await page.locator("#stores-more:not([hidden])").click();
      await page.waitForTimeout(1_500);
    },
  },
];
