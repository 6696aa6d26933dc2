import { expect, test } from "vitest";
import { ignoring } from "./dockerignore.ts";

const isIgnored = ignoring("# only this\n*\n!shared\n!package.json\n**/*.test.ts\n/shared/secret/\n");

test.each([
  ["README.md", true],
  ["test/x.ts", true],
  ["package.json", false],
  ["packagexjson", true],
  ["sub/package.json", true],
  ["shared", false],
  ["shared/store/pool.ts", false],
  ["shared/store/pool.test.ts", true],
  ["x.test.ts", true],
  ["shared/secret", true],
  ["shared/secret/key", true],
  ["shared/other/secret", false],
])("%s: %s", (path, ignored) => {
  expect(isIgnored(path)).toBe(ignored);
});
