import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readOptions } from "./options.ts";
import { openResults } from "./results.ts";
import type { RunResult } from "./run.ts";
import { faultsTable, modesTable, sectionOf } from "./table.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "coffee-rt-results-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

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

test("results grow run by run, and are gone on with or begun anew", () => {
  const file = join(folder, "new", "results.json");
  const first = openResults(file, true);
  first.add(run());
  first.add(run({ seed: 2 }));
  expect(JSON.parse(readFileSync(file, "utf8")).runs).toEqual([run(), run({ seed: 2 })]);
  const second = openResults(file, true);
  second.add(run({ seed: 3 }));
  expect(openResults(file, true).runs.map(({ seed }) => seed)).toEqual([1, 2, 3]);
  expect(openResults(file, false).runs).toEqual([]);
  writeFileSync(file, "{");
  expect(() => openResults(file, true)).toThrow(/results.json cannot be gone on with/);
});

test("the tables tell each mode's sums and each fault's worst recovery; what is not ok is never hidden", () => {
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
  expect(sectionOf(runs)).toContain("Seeds 1, 2.");
});

test("what is chosen is planned, with each seed", () => {
  const { planned, isWhole } = readOptions([
    "--mode",
    "v1,v2",
    "--fault",
    "kill-stream,kill-worker",
    "--seed",
    "7,8",
  ]);
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
  [["--mode", "v9"], /--mode: there is no "v9"; there are v1, v2, v3/],
  [["--fault", "flood"], /--fault: there is no "flood"; there are kill-api/],
  [["--mode", "v1", "--fault", "kill-kafka"], /--fault: none of these means anything to --mode/],
  [["--seed", "1,x"], /--seed is "x"; it has to be a whole number/],
  [["--seconds", "5"], /--seconds is "5"; it has to be a whole number of at least 10/],
  [["--at-once", "0"], /--at-once is "0"/],
])("%j is refused in a sentence", (args, message) => {
  expect(() => readOptions(args)).toThrow(message);
});
