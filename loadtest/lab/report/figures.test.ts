import { expect, test } from "vitest";
import type { Run, Suite } from "../run/results.ts";
import { costsOf, cpuPerThousand, halfOf, memoryBytes } from "./costs.ts";
import { boundsOf, capacitiesOf, reachOf, timesOf } from "./figures.ts";
import { kept, MODELS, syntheticRun } from "./runs.fixture.ts";
import { syntheticSuite } from "./suite.fixture.ts";

const suite = syntheticSuite();
const suiteOf = (runs: readonly Run[]): Suite => ({ env: suite.env, runs: runs.map((run) => kept(run)) });

test("replays every search of the suite from its runs, near the capacity of the model", () => {
  const capacities = capacitiesOf(suite, "E2");
  expect(capacities).toHaveLength(10);
  for (const capacity of capacities) {
    const knee = (MODELS[capacity.mode]?.knee[capacity.ordersPerRequest] ?? 0) * capacity.ordersPerRequest;
    const { low, high } = boundsOf(capacity, "interactive");
    expect(capacity.found.interactive.isConfirmed).toBe(true);
    expect(low).toBeLessThan(knee * 1.02);
    expect(low).toBeGreaterThan(knee * 0.6);
    expect(high).toBeGreaterThan(low);
    expect(capacity.bottleneck).not.toBe("not found");
  }
});

test("ignores runs that are not part of the search", () => {
  const half = syntheticRun({ mode: "v2", rate: 5, varied: { purpose: "half" }, errorShare: 1 });
  const before = capacitiesOf(suite, "E2").map(({ found }) => found);
  const after = capacitiesOf({ ...suite, runs: [kept(half), ...suite.runs] }, "E2").map(({ found }) => found);
  expect(after).toEqual(before);
});

test("does not count the generator's CPU and memory as a cost", () => {
  const run = syntheticRun({ mode: "v2", rate: 100, ordersPerRequest: 10, seconds: 10 });
  const resource = { cpuSeconds: 2, peakRssBytes: 5, cores: 2 };
  const counted = {
    ...run,
    ackMs: { ...run.ackMs, count: 100 },
    resources: { postgres: resource, k6: resource },
  };
  expect(cpuPerThousand(counted)).toBe(2);
  expect(memoryBytes(counted)).toBe(5);
  expect(cpuPerThousand({ ...counted, ackMs: { ...run.ackMs, count: 0 } })).toBeNull();
});

test("takes half of a capacity from the nearest runs, and from none that are far", () => {
  const capacity = capacitiesOf(suite, "E2").find(
    ({ mode, ordersPerRequest }) => mode === "v2" && ordersPerRequest === 1,
  );
  if (!capacity) throw new Error("no search of v2");
  const { rate } = capacity.found.interactive;
  const at = (share: number, p99: number): Run => {
    const run = syntheticRun({ mode: "v2", rate: Math.round(rate * share) });
    return { ...run, ackMs: { ...run.ackMs, p99 } };
  };
  expect(halfOf(suiteOf([at(0.45, 7), at(0.51, 9), at(0.7, 1)]), capacity)?.ackP99).toBe(9);
  expect(halfOf(suiteOf([at(0.3, 7), at(0.7, 1)]), capacity)).toBeNull();
});

test("a reach is between the highest rate that held and the first that failed; void runs do not count", () => {
  const at = (rate: number, changed: Partial<Run> = {}): Run => ({
    ...syntheticRun({ mode: "v2", rate }),
    ...changed,
  });
  const runs = [
    at(100),
    at(200),
    at(300, { errorShare: 0.5 }),
    at(400),
    at(150, { errorShare: 0.009, voids: ["lag"] }),
  ];
  expect(reachOf(runs)).toEqual({ low: 200, high: 300 });
  // except with far too many errors
  expect(reachOf([...runs, at(150, { errorShare: 0.011, voids: ["lag"] })])?.high).toBe(150);
  // reply times of a closed loop meet or miss no objective
  expect(reachOf([...runs, at(150, { errorShare: 0.5, varied: { purpose: "peak" } })])?.high).toBe(300);
  expect(reachOf([at(100)])).toEqual({ low: 100, high: Number.POSITIVE_INFINITY });
  expect(reachOf([at(100, { voids: ["lag"] })])).toBeNull();
  expect(timesOf({ low: 200, high: 300 }, { low: 100, high: 120 })).toEqual({
    low: 200 / 120,
    ratio: 2,
    high: 3,
  });
});

test("a cost that was measured once has the spread of those that were repeated", () => {
  const run = (rate: number, cpuSeconds: number, repetition = 1): Run => {
    const made = syntheticRun({ mode: "v1", rate, repetition });
    return {
      ...made,
      ackMs: { ...made.ackMs, count: 1_000 },
      resources: { all: { cpuSeconds, peakRssBytes: 1, cores: 2 } },
    };
  };
  const costs = costsOf(suiteOf([run(100, 2), run(200, 1, 1), run(200, 1.25, 2)]), "v1", 1, "interactive");
  expect(costs.map(({ ordersPerSecond, cost }) => [ordersPerSecond, cost])).toEqual([
    [100, 2],
    [200, 1.125],
  ]);
  const [once] = costs;
  expect(once?.interval.high).toBeCloseTo(2 * 1.125);
  expect(once?.interval.low).toBeCloseTo(2 / 1.125);
});
