import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { folderForTest } from "../../test/temporary.ts";
import { faults } from "./faults.ts";
import { readOptions } from "./options.ts";
import { faultsTable, modesTable, openResults, summaryOf } from "./results.ts";
import type { RunResult } from "./run.ts";

const run = (more: Partial<RunResult> = {}): RunResult => ({
  mode: "v2",
  fault: "kill-worker",
  seed: 1,
  ok: true,
  sent: 1_010,
  acknowledged: 1_000,
  lost: 0,
  countedTwice: 0,
  recoverySeconds: 1.5,
  warmUp: null,
  lateP99Ms: 5,
  problems: [],
  ...more,
});

test("results grow with each run, and are resumed or replaced", () => {
  const file = join(folderForTest(), "new", "results.json");
  const first = openResults(file, true);
  first.add(run());
  first.add(run({ seed: 2 }));
  expect(JSON.parse(readFileSync(file, "utf8")).runs).toEqual([run(), run({ seed: 2 })]);
  const second = openResults(file, true);
  second.add(run({ seed: 3 }));
  expect(openResults(file, true).runs.map(({ seed }) => seed)).toEqual([1, 2, 3]);
  expect(openResults(file, false).runs).toEqual([]);
  writeFileSync(file, "{");
  expect(() => openResults(file, true)).toThrow(/results.json cannot be resumed/);
});

test("the tables show the sums of each mode and the worst recovery of each fault, and every failure", () => {
  const runs = [
    run(),
    run({ seed: 2, recoverySeconds: 4 }),
    run({ fault: "kill-stream" }),
    run({ mode: "v3", recoverySeconds: 9 }),
    run({ mode: "v3", seed: 2, ok: false, lost: 2, recoverySeconds: null }),
  ];
  expect(modesTable(runs).split("\n").slice(2)).toEqual([
    "| v2 | 2 of 2 | 3 | 3,000 | 0 | 0 | 4.0 s |",
    "| v3 | 0 of 1 | 2 | 2,000 | 2 | 0 | NOT OK |",
    "| all | 2 of 3 | 5 | 5,000 | 2 | 0 | NOT OK |",
  ]);
  expect(faultsTable(runs).split("\n")).toEqual([
    "| fault | v2 | v3 |",
    "| --- | --- | --- |",
    "| kill-worker | 4.0 s | NOT OK |",
    "| kill-stream | 1.5 s |  |",
  ]);
  expect(summaryOf(runs)).toContain("Seeds 1, 2.");
});

test("plans the chosen faults with each seed", () => {
  const args = "--mode v1,v2 --fault kill-stream,kill-worker --seed 7,8";
  const { planned, isWhole } = readOptions(args.split(" "));
  expect(isWhole).toBe(false);
  expect(planned.map(({ mode, fault, seed }) => `${mode} ${fault.name} ${seed}`)).toEqual([
    "v1 kill-worker 7",
    "v2 kill-worker 7",
    "v2 kill-stream 7",
    "v1 kill-worker 8",
    "v2 kill-worker 8",
    "v2 kill-stream 8",
  ]);
  const whole = readOptions([]);
  expect(whole.isWhole).toBe(true);
  for (const mode of ["v1", "v2", "v3"])
    expect(whole.planned.filter((each) => each.mode === mode).length).toBeGreaterThan(20);
});

test.each([
  [["--mode", "v9"], /--mode: unknown "v9", expected some of v1, v2, v3/],
  [["--fault", "flood"], /--fault: unknown "flood", similar are /],
  [["--mode", "v1", "--fault", "kill-kafka"], /--fault: none of these applies to --mode/],
  [["--seed", "1,x"], /--seed: expected a whole number of at least 0, got "x"/],
  [["--seconds", "5"], /--seconds: expected a whole number of at least 10, got "5"/],
  [["--at-once", "0"], /--at-once: expected .* got "0"/],
])("rejects %j with the reason", (args, message) => {
  expect(() => readOptions(args)).toThrow(message);
});

test("plans at least the 206 runs of the three modes, with unique names", () => {
  expect(readOptions([]).planned.length).toBeGreaterThanOrEqual(206);
  expect(new Set(faults.map(({ name }) => name)).size).toBe(faults.length);
});
