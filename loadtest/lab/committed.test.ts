import { join } from "node:path";
import { expect, test } from "vitest";
import { checkSuite } from "./report/suite.ts";
import { suiteFolders } from "./run/result-files.ts";

const root = join(import.meta.dirname, "..", "..");

test("SCALE.md, its pictures, the README's figures and the sizes of docs/sizing.md are what the newest results make them", async () => {
  const folder = suiteFolders().at(-1);
  if (folder === undefined) return; // nothing was measured yet, and SCALE.md says so
  const problems = await checkSuite(folder, {
    scaleFile: join(root, "SCALE.md"),
    readmeFile: join(root, "README.md"),
    sizingFile: join(root, "docs", "sizing.md"),
    picturesFolder: join(root, "docs", "scale"),
    htmlFile: join(folder, "report.html"),
  });
  expect(problems).toEqual([]);
}, 120_000);
