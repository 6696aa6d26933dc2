/** The states of the page, each with what brings it about. */
import type { Page } from "playwright-core";

/** What a scene may do to the system besides using the page. */
export type Stage = {
  readonly url: string;
  /** Another API of the same system, with a catalogue of ten thousand stores. */
  startGreatApi(): Promise<string>;
  /** Stops the workers where they stand, and lets them go on. */
  stopWorkers(): void;
  resumeWorkers(): void;
};

export type Scene = {
  readonly name: string;
  /** On fresh pages instead of those that have been open since the beginning, under this path. */
  readonly fresh?: string;
  /** One page after the other. */
  readonly isTimed?: true;
  /** Before any page. */
  set?(stage: Stage): Promise<string | undefined> | undefined;
  /** Before a fresh page is loaded. */
  before?(page: Page): Promise<unknown>;
  act?(page: Page): Promise<unknown>;
  after?(stage: Stage): void;
};

const LONG_MS = 60_000;
const CONNECTED_MS = 4_000;
const untilShownHere = (page: Page): Promise<void> =>
  page.locator("#tracks .told", { hasText: "shown here" }).nth(2).waitFor({ timeout: LONG_MS });

/** Connected for a while, and then no more. */
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

/** In this order: a server is empty once. */
export const EMPTY: Scene = { name: "empty" };

export const SCENES: readonly Scene[] = [
  {
    name: "live",
    isTimed: true,
    act: async (page) => {
      await page.locator("#send").click();
      await untilShownHere(page);
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
    fresh: "?mode=v2&range=30d&show=revenue",
    act: async (page) => {
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
    set: async (stage) => {
      stage.stopWorkers();
      return undefined;
    },
    act: async (page) => {
      await page.locator('#chip[data-phase="stale"]').waitFor({ timeout: LONG_MS });
      await page.locator("#load").click();
      await page.locator("#load-outcomes .trouble").first().waitFor({ timeout: LONG_MS });
      await page.waitForTimeout(1_500);
    },
    after: (stage) => stage.resumeWorkers(),
  },
  {
    name: "thousand-stores",
    fresh: "",
    set: (stage) => stage.startGreatApi(),
    act: async (page) => {
      await page.locator("#stores-more:not([hidden])").click();
      await page.waitForTimeout(1_500);
    },
  },
];
