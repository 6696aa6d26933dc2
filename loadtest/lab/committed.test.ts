import { join } from "node:path";
import { expect, test } from "vitest";
import { checkSuite } from "./report/suite.ts";
import { suiteFolders } from "./run/result-files.ts";

test("the committed pages and pictures are what the newest results make", async () => {
  const results = suiteFolders().at(-1);
  if (results === undefined) return;
  expect(await checkSuite(results, join(import.meta.dirname, "..", ".."))).toEqual([]);
}, 120_000);
