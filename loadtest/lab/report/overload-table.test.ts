import { expect, test } from "vitest";
import { percentilesOf } from "../judge/statistics.ts";
import { figuresOf as overloadFigures } from "../measures/overload/overload.ts";
import type { KeptRun, Run, Suite } from "../run/results.ts";
import { overloads, overloadTable, survived } from "./overload-table.ts";
import { syntheticRun } from "./runs.fixture.ts";
import { syntheticSuite } from "./suite.fixture.ts";

const kept = (run: Run): KeptRun => ({ run, id: run.point, seconds: () => [] });
const suiteOf = (...runs: readonly Run[]): Suite => ({ env: syntheticSuite().env, runs: runs.map(kept) });

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
