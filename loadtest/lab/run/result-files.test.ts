import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { syntheticRun } from "../report/runs.fixture.ts";
import { syntheticSuite } from "../report/suite.fixture.ts";
import {
  type Found,
  folderFor,
  keepRun,
  openSuite,
  readSuite,
  runId,
  samplesText,
  type Wanted,
  writeEnvironment,
} from "./result-files.ts";
import type { Run, Second } from "./results.ts";

const { env } = syntheticSuite();
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "coffee-rt-results-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const second: Second = {
  ...{ t: 0, sent: 9, acknowledged: 9, refused: 0, ackP50: 1, ackP99: 2, freshP50: null, freshP99: null },
  ...{ lagOrders: 3, cpu: { "order-api": 0.4 }, rss: { "order-api": 1e8 } },
};
const output = (count: number) => ({
  startMs: 1_000,
  requests: Array.from({ length: count }, (_, index) => ({
    plannedAtMs: 1_000 + index * 1.25,
    lagMs: 0.123,
    latencyMs: 3 + ((index * 7_919) % 1_000) / 10,
    outcome: "acknowledged" as const,
  })),
  visible: [{ atMs: 1_250, freshnessMs: 120.26 }],
  notAcknowledged: [],
  dropped: 0,
});
const found = (run: Run, more: Partial<Found> = {}): Found => ({
  ...{ run, seconds: [], output: null, logs: "the API's log", took: { load: 10.5 }, ...more },
});
const rawLines = (experiment: string): Record<string, unknown>[] =>
  gunzipSync(readFileSync(join(folder, `${experiment}.raw.jsonl.gz`)))
    .toString()
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test("reads what was kept, by experiment and time", () => {
  const later = syntheticRun({ mode: "v1", rate: 100, startedAt: "2026-01-05T03:00:00.000Z" });
  const runs = [
    syntheticRun({ experiment: "E10", mode: "v2", rate: 50 }),
    later,
    syntheticRun({ mode: "v2", rate: 1_600, startedAt: "2026-01-05T02:00:00.000Z", voids: ["lag"] }),
  ];
  writeEnvironment(folder, env);
  for (const run of runs)
    keepRun(folder, found(run, run === later ? { seconds: [second, { ...second, t: 1 }] } : {}));
  const suite = readSuite(folder);
  expect(suite.env).toEqual(env);
  expect(suite.runs.map(({ run }) => run)).toEqual([runs[2], runs[1], runs[0]]);
  expect(suite.runs.map((kept) => kept.seconds().length)).toEqual([0, 2, 0]);
  expect(suite.runs[1]?.seconds()[0]).toEqual(second);
});

test("packs an experiment into two files, with samples, and with logs of void runs", () => {
  writeEnvironment(folder, env);
  const runs = [1, 2, 3].map((repetition) =>
    syntheticRun({ mode: "v2", rate: 1_600, repetition, voids: repetition === 2 ? ["lag"] : [] }),
  );
  for (const run of runs) keepRun(folder, found(run, { output: output(run.repetition) }));
  expect(readdirSync(folder).sort()).toEqual(["E2.json", "E2.raw.jsonl.gz", "env.json"]);
  const file = JSON.parse(readFileSync(join(folder, "E2.json"), "utf8"));
  expect(file.runs[2]).toEqual({ ...runs[2], tookSeconds: { load: 10.5 } });
  const lines = rawLines("E2");
  expect(lines.map(({ run, samples, logs }) => [run, samples, logs])).toEqual(
    runs.map((run) => [
      runId(run),
      samplesText(output(run.repetition)),
      run.repetition === 2 ? "the API's log" : undefined,
    ]),
  );
});

test("writes samples with times since the start of the measured time", () => {
  expect(samplesText(output(2)).split("\n").slice(1)).toEqual([
    "o,0,0.1,3,a",
    "o,1.3,0.1,94.9,a",
    "f,250,120.3",
    "",
  ]);
});

test("keeps samples that are too large for git in a file that git ignores", () => {
  const run = syntheticRun({ mode: "v2", rate: 1_600 });
  keepRun(folder, found(run, { output: output(80_000) }));
  expect(existsSync(join(folder, "E2-v2-1-order-1600-s-1.large.csv.gz"))).toBe(true);
  expect(rawLines("E2")[0]).not.toHaveProperty("samples");
});

test("identifies a run by what was run, and counts attempts", () => {
  const run = syntheticRun({ mode: "v2", rate: 1_600 });
  expect(runId(run)).toBe("E2/v2/1-order-1600-s-1");
  expect(runId({ ...run, repetition: 2, attempt: 3 })).toBe("E2/v2/1-order-1600-s-2-attempt-3");
  expect(runId({ ...run, point: "../../v2" })).toBe("E2/v2/..-..-v2-1");
});

test("ignores raw data of a run that was interrupted, and rejects an unknown format", () => {
  writeEnvironment(folder, env);
  const run = syntheticRun({ mode: "v2", rate: 1_600 });
  keepRun(folder, found(run, { seconds: [second] }));
  rmSync(join(folder, "E2.json"));
  expect(readSuite(folder).runs).toEqual([]);
  keepRun(folder, found(run, { seconds: [{ ...second, sent: 8 }] }));
  expect(readSuite(folder).runs[0]?.seconds()[0]?.sent).toBe(8);
  writeFileSync(join(folder, "env.json"), '{"format":1}');
  expect(() => readSuite(folder)).toThrow("format 1: expected 2");
});

const wanted = (more: Partial<Wanted> = {}): Wanted => ({
  ...{ kind: env, folder: null, isNew: false, today: "2026-01-05", results: folder, ...more },
});

test("resumes a suite of the same kind, and starts a new one otherwise", () => {
  expect(folderFor(wanted())).toBe(join(folder, "2026-01-05"));
  writeEnvironment(join(folder, "2026-01-05"), env);
  expect(folderFor(wanted({ today: "2026-01-06" }))).toBe(join(folder, "2026-01-05"));
  expect(folderFor(wanted({ isNew: true }))).toBe(join(folder, "2026-01-05-2"));
  for (const change of [{ seed: 2 }, { commit: "other" }, { scale: "smoke" as const }])
    expect(folderFor(wanted({ kind: { ...env, ...change } }))).toBe(join(folder, "2026-01-05-2"));
});

test("does not mix suites in a named folder", () => {
  const mine = join(folder, "mine");
  expect(folderFor(wanted({ folder: mine }))).toBe(mine);
  writeEnvironment(mine, env);
  expect(folderFor(wanted({ folder: mine }))).toBe(mine);
  expect(() => folderFor(wanted({ folder: mine, kind: { ...env, seed: 2 } }))).toThrow(
    /another seed \(1, not 2\)/,
  );
});

test("collects what was turned down over all starts of a suite", () => {
  const mine = join(folder, "mine");
  openSuite(mine, { ...env, turnedDown: ["one"] });
  const later = openSuite(mine, { ...env, turnedDown: ["two", "one"], startedAt: "later" });
  expect(later.env).toMatchObject({ turnedDown: ["one", "two"], startedAt: env.startedAt });
});
