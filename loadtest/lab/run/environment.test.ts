import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { commitOf, coresIn, pinningOf } from "./environment.ts";

const folder = mkdtempSync(join(tmpdir(), "coffee-rt-commit-"));
afterAll(() => rmSync(folder, { recursive: true }));

const git = (...args: readonly string[]): string =>
  execFileSync("git", ["-c", "user.name=test", "-c", "user.email=test@localhost", ...args], {
    cwd: folder,
    encoding: "utf8",
  }).trim();
const write = (name: string, text: string): void => {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
};
const commit = (name: string, text: string): string => {
  write(name, text);
  git("add", "--all");
  git("commit", "--quiet", "--message", name);
  return git("rev-parse", "HEAD");
};

test("a commit is that of what is measured: results and pages may be committed meanwhile", async () => {
  expect(await commitOf(folder)).toBe("unknown");
  git("init", "--quiet");
  const measured = commit("services/api.ts", "1");
  expect(await commitOf(folder)).toBe(measured);
  commit("loadtest/results/2026-11-21/env.json", "{}");
  commit("docs/scale/picture.svg", "<svg/>");
  commit("SCALE.md", "answer");
  write("loadtest/results/2026-11-21/E2.json", "{}");
  write("SCALE.md", "another answer");
  expect(await commitOf(folder)).toBe(measured);
  write("services/api.ts", "2");
  expect(await commitOf(folder)).toBe(`${measured}-dirty`);
  const next = commit("services/api.ts", "3");
  expect(await commitOf(folder)).toBe(next);
});

test("the generator gets a quarter of the cores, and at least one of its own", () => {
  const given = [2, 4, 8].map((count) => pinningOf([...Array(count).keys()], null));
  expect(given.map(({ generator, system }) => [generator, system])).toEqual([
    [[1], [0]],
    [[3], [0, 1, 2]],
    [
      [6, 7],
      [0, 1, 2, 3, 4, 5],
    ],
  ]);
  expect(given.map(({ isShared }) => isShared)).toEqual([false, false, false]);
  expect(given[1]?.inWords).toBe("system on cores 0, 1, 2, generator and laboratory on core 3");
});

test("one core, or none wanted, is shared by all and says so", () => {
  expect(pinningOf([0], null)).toMatchObject({ generator: null, system: null, isShared: true });
  const shared = pinningOf([0, 1], "taskset is missing");
  expect(shared).toMatchObject({ generatorCores: 2, systemCores: 2, isShared: true });
  expect(shared.inWords).toBe("none, taskset is missing; generator and system share all 2 cores");
});

test("the system's list of cores is read", () => {
  expect(coresIn("0-2,5")).toEqual([0, 1, 2, 5]);
  expect(coresIn("3")).toEqual([3]);
});
