import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openFigures, openLines } from "./figures.ts";

const folder = mkdtempSync(join(tmpdir(), "coffee-rt-figures-"));
afterAll(() => rmSync(folder, { recursive: true }));

const p99 = { figure: "order_latency", stat: "p(99)", endsRun: true } as const;

test("reports percentiles by nearest rank, and an objective as missed exactly when its percentile is above the limit", () => {
  const figures = openFigures();
  expect(figures.isMissed({ ...p99, most: 0 })).toBe(false);
  for (let ms = 1; ms <= 250; ms++) {
    figures.orderLatency.add((ms * 7) % 251);
    const reached = figures.values().metrics["order_latency"]?.values["p(99)"] ?? 0;
    expect(figures.isMissed({ ...p99, most: reached })).toBe(false);
    expect(figures.isMissed({ ...p99, most: reached - 0.5 })).toBe(true);
  }
  const values = figures.values().metrics["order_latency"]?.values;
  expect(values).toMatchObject({ min: 1, med: 125, "p(99)": 248, max: 250, count: 250 });
});

test("reports rates and counts, and ignores objectives of figures that it has not", () => {
  const figures = openFigures();
  for (const isFailed of [true, false, false, false]) figures.ordersFailed.add(isFailed);
  figures.freshnessMissed.add(2);
  figures.iterationsOf("orders").add(7);
  expect(figures.values().metrics).toMatchObject({
    orders_failed: { values: { rate: 0.25 } },
    freshness_missed: { values: { count: 2 } },
    "iterations{scenario:orders}": { values: { count: 7 } },
  });
  const failed = { figure: "orders_failed", stat: "rate", endsRun: false } as const;
  expect([figures.isMissed({ ...failed, most: 0.2 }), figures.isMissed({ ...failed, most: 0.25 })]).toEqual([
    true,
    false,
  ]);
  const dropped = { figure: "dropped_iterations{scenario:orders}", stat: "count", endsRun: true } as const;
  expect(figures.isMissed({ ...dropped, most: 0 })).toBe(false);
});

test("writes every line by the time that it is closed", () => {
  const file = join(folder, "lines.txt");
  const lines = openLines(file);
  lines.add("one");
  lines.add("two");
  lines.close();
  expect(readFileSync(file, "utf8")).toBe("one\ntwo\n");
  openLines(null).add("nowhere");
});
