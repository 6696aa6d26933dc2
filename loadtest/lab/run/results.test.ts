import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { madeUpRun } from "../report/runs.fixture.ts";
import { madeUpSuite } from "../report/suite.fixture.ts";
import { folderOf, readSuite, type Second, writeEnvironment, writeRun } from "./results.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "coffee-rt-results-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const { env } = madeUpSuite();
const second: Second = {
  ...{ t: 0, sent: 9, acknowledged: 9, refused: 0, ackP50: 1, ackP99: 2, freshP50: null, freshP99: null },
  ...{ lagOrders: 3, cpu: { "order-api": 0.4 }, rss: { "order-api": 1e8 } },
};

test("what is written is read again, by experiment and time", () => {
  const later = madeUpRun({ mode: "v1", rate: 100, startedAt: "2026-01-05T03:00:00.000Z" });
  const runs = [
    madeUpRun({ experiment: "E10", mode: "v2", rate: 50 }),
    later,
    madeUpRun({ mode: "v2", rate: 1_600, startedAt: "2026-01-05T02:00:00.000Z", voids: ["lag"] }),
  ];
  writeEnvironment(folder, env);
  for (const run of runs) writeRun(folder, run, run === later ? [second, { ...second, t: 1 }] : []);
  const suite = readSuite(folder);
  expect(suite.env).toEqual(env);
  expect(suite.runs.map(({ run }) => run)).toEqual([runs[2], runs[1], runs[0]]);
  expect(suite.runs.map((kept) => kept.seconds().length)).toEqual([0, 2, 0]);
  expect(suite.runs[1]?.seconds()[0]).toEqual(second);
});

test("a folder is named by what was run, and an attempt is kept beside the one before", () => {
  const run = madeUpRun({ mode: "v2", rate: 1_600 });
  expect(folderOf(run)).toBe(join("E2", "v2", "1-order-1600-s-1"));
  expect(folderOf({ ...run, repetition: 2, attempt: 3 })).toBe(
    join("E2", "v2", "1-order-1600-s-2-attempt-3"),
  );
  expect(folderOf({ ...run, point: "../../v2" })).toBe(join("E2", "v2", "..-..-v2-1"));
});

test("what was interrupted is left out, and an unknown format is not read as a known one", () => {
  writeEnvironment(folder, env);
  mkdirSync(join(folder, "E2", "v2", "half"), { recursive: true });
  writeFileSync(join(folder, "E2", "v2", "half", "seconds.json"), "[");
  expect(readSuite(folder).runs).toEqual([]);
  writeFileSync(join(folder, "env.json"), '{"format":2}');
  expect(() => readSuite(folder)).toThrow("format 2");
});
