import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { keepRun, writeEnvironment } from "../run/result-files.ts";
import type { Run, Suite } from "../run/results.ts";
import { compare, compareSuites } from "./compare.ts";
import { kept, syntheticRun } from "./runs.fixture.ts";
import { syntheticSuite } from "./suite.fixture.ts";

const made = syntheticSuite();
const suiteOf = (runs: readonly Run[]): Suite => ({ env: made.env, runs: runs.map((run) => kept(run)) });

/** Runs at one point, with reply p99 as given. */
const runsWith = (...p99s: readonly number[]): Suite =>
  suiteOf(
    p99s.map((p99, index) => {
      const run = syntheticRun({ experiment: "E1", mode: "v2", rate: 50, repetition: index + 1 });
      return { ...run, ackMs: { ...run.ackMs, p99 } };
    }),
  );
const ackOf = (first: Suite, second: Suite) =>
  compare(first, second).find(({ figure }) => figure.startsWith("reply p99"));

test("a suite compared with itself shows no difference", () => {
  const comparisons = compare(made, made);
  expect(comparisons.length).toBeGreaterThan(100);
  expect(comparisons.filter(({ is }) => is !== "no difference shown")).toEqual([]);
  expect(comparisons.every(({ ratio }) => ratio === 1)).toBe(true);
});

test("lower is better, higher is worse, and overlapping values show no difference", () => {
  expect(ackOf(runsWith(10, 11, 11, 12), runsWith(5, 6, 6, 7))).toMatchObject({
    is: "better",
    ratio: 6 / 11,
    low: 5 / 12,
    high: 0.7,
  });
  expect(ackOf(runsWith(10, 11, 11, 12), runsWith(20, 21, 25, 30))?.is).toBe("worse");
  expect(ackOf(runsWith(10, 11, 11, 12), runsWith(9, 11, 12, 20))?.is).toBe("no difference shown");
});

test("three values each show no difference, and void runs are not compared", () => {
  expect(ackOf(runsWith(10, 11, 12), runsWith(100, 110, 120))?.is).toBe("no difference shown");
  expect(ackOf(runsWith(10, 11, 12, 13, 14), runsWith(100, 110, 120))?.is).toBe("no difference shown");
  const voided = suiteOf(runsWith(1, 1, 1).runs.map(({ run }) => ({ ...run, voids: ["lag"] })));
  expect(compare(runsWith(10, 11, 12), voided)).toEqual([]);
});

test("a capacity above the former failing rate is better, and the reverse is worse", () => {
  const search = (knee: number): Suite =>
    suiteOf(
      [knee / 2, knee, knee * 1.05, knee, knee, knee].map((rate, index) => {
        const run = syntheticRun({
          mode: "v2",
          rate: 100,
          repetition: index + 1,
          varied: { purpose: "step" },
        });
        return { ...run, load: { ...run.load, requestsPerSecond: rate }, backlogGrew: rate > knee };
      }),
    );
  const capacity = (first: number, second: number) => compare(search(first), search(second))[0];
  expect(capacity(1_000, 1_300)).toMatchObject({ is: "better", ratio: 1.3, by: "bounds of the search" });
  expect(capacity(1_300, 1_000)?.is).toBe("worse");
  expect(capacity(1_000, 1_040)?.is).toBe("no difference shown");
});

test("compares two folders, as a table", () => {
  const folder = mkdtempSync(join(tmpdir(), "coffee-rt-compare-"));
  const [first, second] = [runsWith(10, 11, 11, 12), runsWith(5, 6, 6, 7)].map((suite, index) => {
    const results = join(folder, String(index));
    writeEnvironment(results, suite.env);
    for (const { run } of suite.runs)
      keepRun(results, { run, seconds: [], output: null, logs: "", took: {} });
    return results;
  });
  const text = compareSuites(first ?? "", second ?? "");
  rmSync(folder, { recursive: true });
  expect(text).toMatch(
    /\| E1 v2, 50 requests\/s of 1 \| reply p99 \| 11\sms \| 6\sms \| 0\.545× \| 0\.417×–0\.7× \(min..max of 4\) \| better \|/,
  );
  expect(text).toContain("1 better, 0 worse, 5 no difference shown.");
});
