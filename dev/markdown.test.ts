import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { folderForTest } from "../test/temporary.ts";
import { tableOf, writeSection } from "./markdown.ts";

test("writes a section between its marks, repeatedly, and changes nothing else", () => {
  const page = join(folderForTest(), "page.md");
  writeFileSync(page, "before\n<!-- runs:begin -->\nold\n<!-- runs:end -->\nafter\n");
  for (const text of ["one", "two"]) writeSection(page, "runs", text);
  expect(readFileSync(page, "utf8")).toBe("before\n<!-- runs:begin -->\n\ntwo\n\n<!-- runs:end -->\nafter\n");
  expect(() => writeSection(page, "others", "one")).toThrow(/has no <!-- others:begin -->/);
});

test("a table has a head, a line and its rows", () => {
  expect(tableOf(["a", "b"], [["1", "2"]])).toBe("| a | b |\n| --- | --- |\n| 1 | 2 |");
});
