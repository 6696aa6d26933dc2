import { expect, test } from "vitest";
import { kept, syntheticRun } from "../report/runs.fixture.ts";
import { syntheticSuite } from "../report/suite.fixture.ts";
import type { Run, Suite } from "../run/results.ts";
import {
  capacityIn,
  ceilingIn,
  generatorCeiling,
  isCalibrated,
  peakRateOf,
  searchSettings,
} from "./known-rates.ts";

const { env } = syntheticSuite();
const suiteOf = (...runs: readonly Run[]): Suite => ({ env, runs: runs.map((run) => kept(run)) });
const peak = (mode: string, rate: number, ordersPerRequest = 1): Run =>
  syntheticRun({ mode, rate, ordersPerRequest, varied: { purpose: "peak" } });
const nullAt = (rate: number, share: number, ordersPerRequest = 1): Run => {
  const run = syntheticRun({
    mode: "null",
    rate,
    ordersPerRequest,
    experiment: "E0",
    seconds: 10,
    varied: { purpose: "calibrate" },
  });
  const k6 = { cpuSeconds: share * 10, peakRssBytes: 1, cores: 1 };
  const ackMs = { ...run.ackMs, p99: 5 };
  return {
    ...run,
    ackMs,
    backlogGrew: false,
    errorShare: 0,
    resources: { "order-api": { ...k6, cores: 2 }, k6 },
  };
};

test("a capacity that was searched is taken, else what a closed loop reached lets expect it", () => {
  const capacityOf = capacityIn(syntheticSuite());
  expect(capacityOf("v2", 1)).toBeGreaterThan(2_300);
  expect(capacityOf("v2", 10)).toBeGreaterThan(9_000);
  // larger requests are taken to carry as many orders as those of ten
  expect(capacityOf("v2", 100)).toBe(capacityOf("v2", 10));
  expect(capacityIn(suiteOf(peak("v2", 1_000, 10)))("v2", 10)).toBe(6_000);
  expect(capacityIn(suiteOf())("v2", 10)).toBeNull();
});

test("the best peak counts, a void one and one of other settings do not", () => {
  const void_ = { ...peak("v2", 9_000), voids: ["refused"] };
  const other = { ...peak("v2", 9_000), settings: { "stream: appendfsync": "no" } };
  expect(peakRateOf(suiteOf(peak("v2", 900), peak("v2", 1_000), void_, other), "v2", 1)).toBe(1_000);
  expect(peakRateOf(suiteOf(), "v2", 1)).toBeNull();
});

const byNode = (run: Run): Run => ({ ...run, load: { ...run.load, generator: "node" } });

test("takes the generator's ceiling from its busiest run on the null route", () => {
  const [slow, fast, full] = [nullAt(300, 0.33), nullAt(600, 0.33), nullAt(1_100, 0.6)].map(byNode) as [
    Run,
    Run,
    Run,
  ];
  expect(ceilingIn(suiteOf(slow, fast), 1)).toBe(1_200);
  expect(ceilingIn(suiteOf(), 1)).toBeNull();
  expect([isCalibrated(suiteOf(fast), 1), isCalibrated(suiteOf(fast, full), 1)]).toEqual([false, true]);
  expect([generatorCeiling(suiteOf(fast), 1), generatorCeiling(suiteOf(), 1)]).toEqual([1_200, null]);
  // a run by k6 is about k6
  expect(ceilingIn(suiteOf(nullAt(600, 0.33)), 1)).toBeNull();
});

test("starts a search at half of the peak, and never above the ceiling", () => {
  const suite = suiteOf(byNode(nullAt(600, 0.33)), peak("v1", 1_000), peak("v2", 9_000));
  expect(searchSettings(suite, "v1", 1)).toMatchObject({ startRate: 500, ceilingRate: 1_200 });
  expect(searchSettings(suite, "v2", 1).startRate).toBe(1_200);
  expect(searchSettings(suite, "null", 1).startRate).toBe(1_200);
});

test("searches modes up to what the generator sends in requests of this size", () => {
  const suite = suiteOf(byNode(nullAt(8_000, 0.66)), nullAt(500, 0.66, 10));
  expect(searchSettings(suite, "v2", 1).ceilingRate).toBe(8_000);
  expect(searchSettings(suite, "v2", 10).ceilingRate).toBe(Number.POSITIVE_INFINITY);
  expect(searchSettings(suite, "null", 1).startRate).toBe(8_000);
});

test("ignores refused requests, which are cheap to send", () => {
  const refused = { ...byNode(nullAt(20_000, 0.5)), errorShare: 0.2 };
  expect(ceilingIn(suiteOf(byNode(nullAt(8_000, 0.66)), refused), 1)).toBe(8_000);
});

test("starts below the rate at which the null route failed before its generator", () => {
  const held = byNode(nullAt(4_000, 0.19));
  const refused = { ...byNode(nullAt(13_000, 0.4)), errorShare: 0.01 };
  expect(isCalibrated(suiteOf(held), 1)).toBe(false);
  expect(isCalibrated(suiteOf(held, refused), 1)).toBe(true);
  const { startRate, ceilingRate } = searchSettings(suiteOf(held, refused), "null", 1);
  expect(startRate).toBe(Math.round(13_000 / Math.sqrt(1.46)));
  expect(ceilingRate).toBe(13_894);
});
