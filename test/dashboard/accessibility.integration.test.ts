/** Accessibility: axe in both themes and three sizes, keyboard, reduced motion, contrast themes. */
import axe from "axe-core";
import { afterAll, beforeAll, expect } from "vitest";
import { SCENES } from "../../dev/screenshots/scenes.ts";
import { until } from "../fresh.ts";
import { type System, startSystem } from "../system.ts";
import { openVisits, sendOrder, test, type Visit, type Visits } from "./visits.ts";

let system: System;
/** Accepts orders, but has no worker. */
let uncounted: System;
let visits: Visits;
beforeAll(async () => {
  [system, uncounted, visits] = await Promise.all([
    startSystem({ modes: ["v1", "v2"], env: { PAGE_ORDERS_PER_SECOND: "40" } }),
    startSystem({ modes: ["v1"], workers: false }),
    openVisits(),
  ]);
  for (let i = 0; i < 8; i++) await sendOrder(system.url, i % 2 ? "v1" : "v2");
});
afterAll(async () => {
  await visits.close();
  await Promise.all([system.close(), uncounted.close()]);
});

type Violation = { readonly id: string; readonly help: string; readonly nodes: readonly { html: string }[] };

/** Of all rules in the light theme, and of the rules for colours in the dark one. */
const violations = async ({ page }: Visit): Promise<string[]> => {
  await page.evaluate(axe.source);
  const found: string[] = [];
  for (const [colorScheme, rules] of [
    ["light", "{}"],
    ["dark", "{ runOnly: ['color-contrast', 'link-in-text-block'] }"],
  ] as const) {
    await page.emulateMedia({ colorScheme });
    const run = `axe.run(document, ${rules}).then(({ violations }) => violations)`;
    for (const { id, help, nodes } of await page.evaluate<Violation[]>(run))
      found.push(`${colorScheme}: ${id}: ${help}: ${nodes.map(({ html }) => html).join(" ")}`);
  }
  return found;
};

const SIZES = {
  phone: { width: 360, height: 740 },
  tablet: { width: 820, height: 1180 },
  wide: { width: 1920, height: 1080 },
};
/** The states of the screenshots that need no change of the system. */
const STATES = SCENES.filter(({ fresh, prepare }) => fresh !== undefined && prepare === undefined);

test.each(Object.entries(SIZES))(
  "axe finds nothing on a %s screen, and nothing overflows",
  async (_, size) => {
    const visit = await visits.openLive(system.url, size);
    await visit.page.locator("#send:enabled").click();
    await until("the orders are shown", async () => {
      const outcomes = await visit.page.locator("#tracks .outcome").allTextContents();
      return outcomes.every((text) => text.includes("shown here"));
    });
    for (const details of await visit.page.locator("details").all()) await details.locator("summary").click();
    expect(await violations(visit)).toEqual([]);
    const overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
    expect(await visit.page.evaluate(overflow)).toBeLessThanOrEqual(0);
  },
);

test.each(STATES)("axe finds nothing in the state $name", async (scene) => {
  const visit = await visits.open("about:blank");
  await scene.before?.(visit.page);
  await visit.page.goto(`${system.url}/${scene.fresh}`);
  await scene.act?.(visit.page);
  expect(await violations(visit)).toEqual([]);
});

test("axe finds nothing without a worker", async () => {
  const visit = await visits.open(uncounted.url);
  await visit.page.locator('#chip[data-phase="stale"]').waitFor();
  await visit.page.locator("#notice:not([hidden])").waitFor();
  expect(await violations(visit)).toEqual([]);
});

test("the theme follows the system until one is chosen, which is stored", async () => {
  const visit = await visits.open(system.url, { theme: "dark" });
  const paper = (): Promise<string> =>
    visit.page.evaluate("getComputedStyle(document.documentElement).backgroundColor");
  const dark = await paper();
  await visit.page.locator("#theme").click();
  const light = await paper();
  expect(light).not.toBe(dark);
  await visit.page.reload();
  expect([await paper(), await visit.text("#theme-words")]).toEqual([light, "Theme: light"]);
  await visit.page.locator("#theme").click();
  expect(await paper()).toBe(dark);
});

test("every control can be reached and used by keyboard", async () => {
  const visit = await visits.openLive(system.url);
  const { keyboard } = visit.page;
  const focused = (): Promise<string> =>
    visit.page.evaluate(
      "document.activeElement.id || document.activeElement.name || document.activeElement.textContent",
    );
  const reached = new Set<string>();
  for (let i = 0; i < 30; i++) {
    await keyboard.press("Tab");
    reached.add(await focused());
  }
  for (const each of ["Skip to the figures", "mode", "theme", "show", "send", "load", "load-rate", "range"])
    expect([...reached]).toContain(each);
  await visit.page.locator('#filter input[value="all"]').focus();
  await keyboard.press("ArrowRight");
  await until("the arrow key chose v1", () => visit.page.url().includes("mode=v1"));
});

test("without motion when the system asks for less", async () => {
  const visit = await visits.openLive(system.url, { reducedMotion: true });
  await sendOrder(system.url, "v1");
  await until("the order is shown", async () => (await visit.page.locator("#recent li").count()) > 0);
  expect(await visit.page.evaluate("document.getAnimations().length")).toBe(0);
});

test("a contrast theme keeps the shapes of modes and the choice visible", async () => {
  const visit = await visits.openLive(system.url, { forcedColors: true });
  const styleOf = (selector: string, property: string): Promise<string> =>
    visit.page.evaluate(`getComputedStyle(document.querySelector('${selector}')).${property}`);
  const paper = await styleOf("html", "backgroundColor");
  expect(await styleOf(".mode .shape", "forcedColorAdjust")).toBe("none");
  expect(await styleOf(".mode .shape", "backgroundColor")).not.toBe(paper);
  expect(await styleOf("#filter input:checked + span", "borderTopColor")).not.toBe(paper);
});
