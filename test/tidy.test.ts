/** The house's rules over every file of the project; each rule is shown to fail on what breaks it. */
import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseSync } from "rolldown/utils";
import { describe, expect, test } from "vitest";
import { CODE, type Example, linesOf, RULES, type Source } from "./house-rules.ts";

const sourceOf = ([path, text]: Example): Source => {
  const parsed = parseSync(CODE.test(path) ? path : "none.ts", CODE.test(path) ? text : "");
  if (parsed.errors[0]) throw new Error(`${path}: ${parsed.errors[0].message}`);
  return { path, text, parsed };
};

const root = join(import.meta.dirname, "..");
const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
  cwd: root,
});
const sources = listed
  .toString()
  .split("\0")
  // a file that was deleted and not yet committed is still listed, and so is a link to a folder
  .filter((path) => path !== "" && statSync(join(root, path), { throwIfNoEntry: false })?.isFile())
  .map((path) => sourceOf([path, readFileSync(join(root, path), "utf8")]));

describe.each(RULES)("$says", ({ of, breaches, broken, kept }) => {
  const told = (source: Source): string[] => breaches(source).map((breach) => `${source.path}: ${breach}`);

  test("everywhere", () => {
    expect(sources.filter(({ path }) => of.test(path)).flatMap(told)).toEqual([]);
  });
  test.each(broken)("and %s is told when it holds %j", (...each) => {
    expect(of.test(each[0])).toBe(true);
    expect(told(sourceOf(each))).not.toEqual([]);
  });
  test.each(kept)("and %s may hold %j", (...each) => {
    expect(of.test(each[0]) ? told(sourceOf(each)) : []).toEqual([]);
  });
});

test("the project is what is looked at, and most of its files have 200 lines at most", () => {
  const code = sources.filter(({ path }) => CODE.test(path));
  for (const path of ["shared/ports.ts", "dev/bootstrap.mjs", "services/worker/main.ts", "test/tidy.test.ts"])
    expect(code.map((source) => source.path)).toContain(path);
  const long = code.filter(({ text }) => linesOf(text) > 200);
  expect(long.length).toBeLessThan(code.length / 10);
});
