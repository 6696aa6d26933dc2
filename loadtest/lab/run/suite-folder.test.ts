import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { madeUpSuite } from "../report/suite.fixture.ts";
import { writeEnvironment } from "./results.ts";
import { folderFor, openSuite, type Wanted } from "./suite-folder.ts";

const { env } = madeUpSuite();
let results = "";
beforeEach(() => {
  results = mkdtempSync(join(tmpdir(), "coffee-rt-suites-"));
});
afterEach(() => rmSync(results, { recursive: true }));

const wanted = (more: Partial<Wanted> = {}): Wanted => ({
  ...{ kind: env, folder: null, isNew: false, today: "2026-01-05", results, ...more },
});

test("a suite of the same kind is gone on with, any other begins anew", () => {
  expect(folderFor(wanted())).toBe(join(results, "2026-01-05"));
  writeEnvironment(join(results, "2026-01-05"), env);
  expect(folderFor(wanted({ today: "2026-01-06" }))).toBe(join(results, "2026-01-05"));
  expect(folderFor(wanted({ isNew: true }))).toBe(join(results, "2026-01-05-2"));
  for (const change of [{ seed: 2 }, { commit: "other" }, { scale: "smoke" as const }])
    expect(folderFor(wanted({ kind: { ...env, ...change } }))).toBe(join(results, "2026-01-05-2"));
});

test("a named folder is not mixed with something else", () => {
  const folder = join(results, "mine");
  expect(folderFor(wanted({ folder }))).toBe(folder);
  writeEnvironment(folder, env);
  expect(folderFor(wanted({ folder }))).toBe(folder);
  expect(() => folderFor(wanted({ folder, kind: { ...env, seed: 2 } }))).toThrow(
    /another seed \(1, and not 2\)/,
  );
});

test("what was turned down is told of all that the folder holds", () => {
  const folder = join(results, "mine");
  openSuite(folder, { ...env, turnedDown: ["one"] });
  const later = openSuite(folder, { ...env, turnedDown: ["two", "one"], startedAt: "later" });
  expect(later.env).toMatchObject({ turnedDown: ["one", "two"], startedAt: env.startedAt });
});
