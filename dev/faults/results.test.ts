import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readOptions } from "./options.ts";
import { openResults } from "./results.ts";
import type { RunResult } from "./run.ts";
import { tableOf, writeInto } from "./table.ts";

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

test("a line of the table sums the runs of a fault and mode, and tells the worst of them", () => {
  const runs = [
    run(),
    run({ seed: 2, recoverySeconds: 4 }),
    run({ mode: "v3", ok: false, lost: 2, recoverySeconds: null }),
  ];
  expect(tableOf(runs).split("\n").slice(2)).toEqual([
    "| kill-worker | v2 | 2 | 2,000 | 0 | 0 | 4.0 | ok |",
    "| kill-worker | v3 | 1 | 1,000 | 2 | 0 | never | 1 NOT OK |",
    "| all |  | 3 | 3,000 | 2 | 0 | never | 1 NOT OK |",
  ]);
});

test("a table is put between the marks of a page, as often as one likes", () => {
  const page = join(folder, "page.md");
  writeFileSync(page, "before\n<!-- faults:begin -->\nold\n<!-- faults:end -->\nafter\n");
  for (const table of ["one", "two"]) writeInto(page, table);
  expect(readFileSync(page, "utf8")).toBe(
    "before\n<!-- faults:begin -->\n\ntwo\n\n<!-- faults:end -->\nafter\n",
  );
  writeFileSync(page, "no marks");
  expect(() => writeInto(page, "one")).toThrow(/has no <!-- faults:begin -->/);
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
