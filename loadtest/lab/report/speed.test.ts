import { expect, test } from "vitest";
import { percentilesOf } from "../judge/statistics.ts";
import { figuresOf as overloadFigures } from "../measures/overload/overload.ts";
import type { KeptRun, Run, Suite } from "../run/results.ts";
import { syntheticRun } from "./runs.fixture.ts";
import { figuresTable, overloads, overloadTable, resultOf, speedFigures, survived } from "./speed.ts";
import { syntheticSuite } from "./suite.fixture.ts";

const kept = (run: Run): KeptRun => ({ run, id: run.point, seconds: () => [] });
const suiteOf = (...runs: readonly Run[]): Suite => ({ env: syntheticSuite().env, runs: runs.map(kept) });

const peak = (mode: string, rate: number, repetition: number, voids: readonly string[] = []): Run => ({
  ...syntheticRun({ experiment: "E14", mode, rate, varied: { purpose: "peak" } }),
  ...{ point: `${mode} 1-order peak by wrk`, repetition, voids },
});

test("compares a mode with its ceiling in the same repetition, and leaves out void runs", () => {
  const suite = suiteOf(
    ...[peak("null", 1_000, 1), peak("null", 2_000, 2), peak("null", 1_000, 3, ["stolen"])],
    ...[peak("v1", 800, 1), peak("v1", 1_000, 2), peak("v1", 990, 3)],
  );
  const figures = speedFigures(suite);
  expect(figures[0]?.values).toEqual([0.8, 0.5]);
  expect(figures.map(({ name }) => name)).toEqual(["v1, single orders / null baseline"]);
});

test("states whether the median meets its target", () => {
  const figure = { name: "v1 / null", values: [0.7, 0.81234, 0.9], target: { atLeast: 0.75 } };
  expect(resultOf(figure)).toEqual({
    ...{ name: "v1 / null", median: 0.812, min: 0.7, max: 0.9, target: 0.75, ok: true },
  });
  const memory = { name: "API", values: [160], target: { atMost: 150 }, unit: "MB" };
  expect(figuresTable([figure, memory], 3).split("\n").slice(2)).toEqual([
    "| v1 / null | 0.812 | 0.7 – 0.9 | ≥ 0.75 | ok |",
    "| API | 160 MB | 160 – 160 (1 of 3) | ≤ 150 | missed |",
  ]);
});

const MS_PER_REPLY = 10;
/** A second of overload, then two of normal load: `statusAt` and `latencyAt` by planned time. */
const replies = (statusAt: (ms: number) => number, latencyAt: (ms: number) => number) =>
  Array.from({ length: 300 }, (_, index) => index * MS_PER_REPLY).map((plannedMs) => ({
    plannedMs,
    sentMs: plannedMs,
    latencyMs: latencyAt(plannedMs),
    status: statusAt(plannedMs),
  }));

test("counts replies of an overload, and finds the first prompt second after it", () => {
  const figures = overloadFigures(
    replies(
      (ms) => (ms < 500 ? 201 : ms < 1_300 ? 503 : 201),
      (ms) => (ms < 1_600 ? 150 : 5),
    ),
    1,
  );
  expect(figures).toMatchObject({
    requests: { acknowledged: 50, refused: 50, unknown: 0 },
    ackMs: { p99: 150, count: 50 },
    varied: { offered: 100, refused: 50, refusedP99Ms: 150, recoverySeconds: 0.6 },
  });
  const never = overloadFigures(
    replies(
      () => 503,
      () => 5,
    ),
    1,
  );
  expect(never.varied["recoverySeconds"]).toBe("never");
});

const MEGABYTE = 2 ** 20;
const varied = {
  ...{ purpose: "overload", capacity: 20, offered: 100, refused: 80, refusedP99Ms: 12 },
  ...{ memoryBeforeBytes: 100 * MEGABYTE, memoryPeakBytes: 110 * MEGABYTE, recoverySeconds: 0.4 },
};
const overloadRun = (changed: Partial<Run> = {}): Run => ({
  ...syntheticRun({ experiment: "E18", mode: "v2", rate: 20 }),
  point: "v2 backend bound 1-order overload",
  varied,
  ledger: { iterations: 1_000, acknowledged: 200, refused: 800, unknown: 0 },
  ackMs: percentilesOf([40]),
  ...changed,
});

test.each([
  ["a request without a reply", { ledger: { ...overloadRun().ledger, unknown: 1 } }],
  ["a late acknowledgement", { ackMs: percentilesOf([501]) }],
  ["no recovery", { varied: { ...varied, recoverySeconds: "never" } }],
  ["a failed audit", { voids: ["audit: 1 orders lost"] }],
  ["memory that grows", { varied: { ...varied, memoryPeakBytes: 500 * MEGABYTE } }],
])("does not pass an overload with %s", (_what, changed) => {
  expect(survived(overloadRun())).toBe(true);
  expect(survived(overloadRun(changed))).toBe(false);
  const other = overloadRun({ ...changed, repetition: 2 });
  expect(overloadTable(suiteOf(overloadRun(), other))).toMatch(/ ok \|\n.*(NOT OK|VOID)/);
});

test("judges the last attempt at an overload", () => {
  const suite = suiteOf(overloadRun({ voids: ["the generator was late"] }), overloadRun({ attempt: 2 }));
  expect(overloads(suite).map(survived)).toEqual([true]);
});
