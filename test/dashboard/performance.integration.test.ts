/** The budgets of the page: compressed size, first paint on a slow device, and memory over time. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { CDPSession } from "playwright-core";
import { afterAll, beforeAll, expect } from "vitest";
import { until } from "../fresh.ts";
import { type System, startSystem } from "../system.ts";
import { openVisits, sendOrder, test, untilLive, type Visits } from "./visits.ts";

const MOST_COMPRESSED_BYTES = 150_000;
const FIRST_PAINT_MS = 1_000;
/**
 * The time of the loop below on a slow device, such as an old phone: six times that of a server. Chromium is throttled to
 * it; less when other processes already slow this machine down.
 */
const SLOW_LOOP_MS = 430;
const LOOP = `(() => {
  const startedAt = performance.now();
  let x = 0;
  for (let i = 0; i < 10_000_000; i++) x = (x * 31 + i) | 0;
  return x === 0.5 ? 0 : performance.now() - startedAt;
})()`;
const ORDER_EVERY_MS = 40;
/** Ten minutes: PAGE_WATCH_SECONDS=600. */
const WATCH_SECONDS = Number(process.env["PAGE_WATCH_SECONDS"] ?? 0);

const IS_LONG = WATCH_SECONDS >= 300;
const FILL_SECONDS = IS_LONG ? 120 : 0;
/** The server sends up to ten a second; a busy machine takes longer for as many. */
const FILL_FRAMES = 60;
const FRAMES_PER_MEASUREMENT = 30;
const MEASUREMENTS = 5;
const MOST_BYTES_A_MINUTE = 100_000;

let system: System;
let visits: Visits;
beforeAll(async () => {
  [system, visits] = await Promise.all([startSystem({ modes: ["v1", "v2"] }), openVisits()]);
});
afterAll(async () => {
  await visits.close();
  await system.close();
});

test("the whole page is under 150 KB compressed", () => {
  const dist = join(import.meta.dirname, "../../services/dashboard/dist");
  const files = readdirSync(dist, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const bytes = (ending: string): number =>
    files
      .filter(({ name }) => name.endsWith(ending))
      .reduce((sum, { parentPath, name }) => sum + readFileSync(join(parentPath, name)).length, 0);
  expect(files.filter(({ name }) => name.endsWith(".js.gz")).length).toBeGreaterThan(0);
  expect(bytes(".gz")).toBeLessThan(MOST_COMPRESSED_BYTES);
  expect(bytes(".br")).toBeLessThan(bytes(".gz"));
});

/** The first paint as a part of the budget; a machine that is busier than the slow device has as much more time. */
const paintRatio = async (): Promise<number> => {
  // a new context: nothing is cached
  const visit = await visits.open("about:blank", { width: 360, height: 740 });
  const session = await visit.context.newCDPSession(visit.page);
  const loopMs = await visit.page.evaluate<number>(LOOP);
  await session.send("Emulation.setCPUThrottlingRate", { rate: Math.max(1, SLOW_LOOP_MS / loopMs) });
  await visit.page.goto(system.url);
  const paint = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0";
  await until("the page is painted", async () => (await visit.page.evaluate<number>(paint)) > 0);
  const paintMs = await visit.page.evaluate<number>(paint);
  await visit.context.close();
  console.log(`first paint after ${Math.round(paintMs)} ms, the loop took ${Math.round(loopMs)} ms`);
  return paintMs / FIRST_PAINT_MS / Math.max(1, loopMs / SLOW_LOOP_MS);
};

test("on a slow device the first paint comes within a second", async () => {
  let best = Number.POSITIVE_INFINITY;
  // other tests on this machine can only delay it
  for (let attempt = 0; attempt < 5 && best >= 1; attempt++) best = Math.min(best, await paintRatio());
  expect(best).toBeLessThan(1);
});

type Measurement = { readonly heap: number; readonly nodes: number; readonly listeners: number };

const measure = async (session: CDPSession): Promise<Measurement> => {
  await session.send("HeapProfiler.collectGarbage");
  const { metrics } = await session.send("Performance.getMetrics");
  const of = (name: string): number => metrics.find((metric) => metric.name === name)?.value ?? 0;
  return { heap: of("JSHeapUsedSize"), nodes: of("Nodes"), listeners: of("JSEventListeners") };
};

/** Sends orders for so long, and until the condition holds. */
const stream = async (forMs: number, isEnough: () => boolean): Promise<void> => {
  for (const end = Date.now() + forMs; Date.now() < end || !isEnough(); )
    await Promise.all([sendOrder(system.url, "v2"), sleep(ORDER_EVERY_MS)]);
};

/** Bytes per minute, by linear regression. */
const slopeOf = (measurements: readonly Measurement[], minutesBetween: number): number => {
  const middle = (measurements.length - 1) / 2;
  const sumOf = (each: (heap: number, index: number) => number): number =>
    measurements.reduce((sum, { heap }, index) => sum + each(heap, index), 0);
  const rise = sumOf((heap, index) => (index - middle) * heap);
  const run = sumOf((_heap, index) => (index - middle) ** 2);
  return rise / run / minutesBetween;
};

test("at ten frames per second memory does not grow, with open tables", async () => {
  const visit = await visits.open("about:blank");
  let frames = 0;
  visit.page.on("websocket", (socket) => socket.on("framereceived", () => frames++));
  await visit.page.goto(system.url);
  await untilLive(visit);
  for (const table of ["#minutes-details", "#modes-details"])
    await visit.page.locator(`${table} summary`).click();
  const session = await visit.context.newCDPSession(visit.page);
  await session.send("Performance.enable");
  const streamFrames = (forMs: number, count: number): Promise<void> => {
    const before = frames;
    return stream(forMs, () => frames - before >= count);
  };
  // until lists are full and code is compiled
  await streamFrames(FILL_SECONDS * 1_000, FILL_FRAMES);
  const measurements = [await measure(session)];
  const startedMs = performance.now();
  for (let i = 1; i < MEASUREMENTS; i++) {
    await streamFrames((WATCH_SECONDS * 1_000) / (MEASUREMENTS - 1), FRAMES_PER_MEASUREMENT);
    measurements.push(await measure(session));
  }
  const minutes = (performance.now() - startedMs) / 60_000;
  const slope = slopeOf(measurements, minutes / (MEASUREMENTS - 1));
  console.log("memory", JSON.stringify({ measurements, slope, minutes }));
  const [first, last] = [measurements[0], measurements.at(-1)];
  if (first === undefined || last === undefined) throw new Error("no measurements");
  // a short run finds only large leaks, ten minutes find slow ones
  if (IS_LONG) expect(slope).toBeLessThan(MOST_BYTES_A_MINUTE);
  else expect(last.heap - first.heap).toBeLessThan(1_200_000);
  expect(last.nodes - first.nodes).toBeLessThan(300);
  expect(last.listeners - first.listeners).toBeLessThan(20);
});
