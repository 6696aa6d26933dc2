/** Types, lint, format and imports are part of the tests. */
import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cruise, type ICruiseResult } from "dependency-cruiser";
import { expect, test } from "vitest";
import imports from "../.dependency-cruiser.ts";
import { folderForTest } from "./temporary.ts";

const root = join(import.meta.dirname, "..");

const run = (args: readonly string[]): Promise<{ code: number; output: string }> =>
  new Promise((resolve) => {
    const child = execFile(process.execPath, args, { cwd: root }, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? 1, output: stdout + stderr }),
    );
  });

test.each(["dev/lint.mjs ci --colors=off", "dev/typecheck.mjs"])("%s finds no violation", async (command) => {
  const { code, output } = await run(command.split(" "));
  expect(code, output).toBe(0);
});

/** Imports that an area forbids, one in each file. */
const FORBIDDEN_IMPORTS = {
  "shared/domain/a.ts": 'import { join } from "node:path";',
  "shared/ports.ts": 'import { a } from "./domain/a.ts";',
  "shared/wire/a.ts": 'import type { b } from "../store/a.ts";',
  "shared/runtime/a.ts": 'import { b } from "./b.ts";',
  "shared/store/a.ts": 'import { b } from "#shared/board/a.ts";',
  "shared/board/a.ts": 'import { b } from "../runtime/utils/a.ts";',
  "shared/imports/a.ts": 'import { b } from "#shared/store/a.ts";',
  "shared/modes/kafka/a.ts": 'export * from "../direct/a.ts";',
  "shared/client/a.ts": 'import { b } from "../domain/a.ts";',
  "services/worker/a.ts": 'const b = await import("../../dev/a.ts");',
  "services/worker/a.test.ts": 'import { b } from "../order-api/a.ts";',
  "services/order-api/a.ts": 'import pg from "pg";',
  "services/order-api/d.ts": 'import { b } from "#shared/imports/b.ts";',
  "services/operator/a.ts": 'import { b } from "../../dev/a.ts";',
  "services/dashboard/a.ts": 'import type { b } from "#shared/domain/a.ts";',
  "db/a.ts": 'import { env } from "node:process";',
  "loadtest/k6/scenarios/a.ts": 'import { readFileSync } from "node:fs";',
  "loadtest/lab/report/a.ts": 'import { b } from "../../../shared/store/a.ts";',
  "folder-of-no-area/a.ts": 'import "../shared/domain/b.ts";',
};
/** Imports that no rule forbids, and the files that all of these import. */
const ALLOWED_IMPORTS = {
  "shared/domain/b.ts": 'import { c } from "./c.ts";',
  "shared/wire/b.ts": 'import { c } from "../domain/c.ts"; import type { TObject } from "typebox";',
  "shared/runtime/b.ts": 'import { a } from "./a.ts";',
  "shared/imports/b.ts": 'import { c } from "../domain/c.ts";',
  "services/operator/b.ts": 'import { b } from "#shared/imports/b.ts";',
  "shared/modes/direct/a.ts": 'import { c } from "../group.ts"; import { d } from "./c.ts";',
  "services/worker/b.test.ts": 'import { c } from "../../dev/a.ts"; import "node:fs"; import "typebox";',
  "services/order-api/b.ts": 'import { c } from "#shared/store/c.ts"; import { d } from "./c.ts";',
  ...Object.fromEntries(
    [
      ...["board/a", "domain/c", "modes/group", "modes/direct/c", "runtime/utils/a", "store/c"].map(
        (file) => `shared/${file}.ts`,
      ),
      ...["services/order-api/c.ts", "dev/a.ts", "node_modules/typebox/index.js"],
    ].map((path) => [path, ""]),
  ),
};

/** A project of these files in a temporary folder. */
const plant = (files: Record<string, string>): string => {
  const folder = folderForTest();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
};

test("finds a forbidden import in every area", async () => {
  const baseDir = plant({
    "package.json": '{ "imports": { "#shared/*": "./shared/*" } }',
    ...ALLOWED_IMPORTS,
    ...FORBIDDEN_IMPORTS,
  });
  const areas = ["shared", "services", "db", "dev", "loadtest", "folder-of-no-area"];
  const { options = {}, ...ruleSet } = imports;
  const { output } = await cruise(areas, { ...options, baseDir, validate: true, ruleSet });
  const found = (output as ICruiseResult).summary.violations.map(({ from }) => from);
  expect(new Set(found)).toEqual(new Set(Object.keys(FORBIDDEN_IMPORTS)));
});

test("no file names this machine, a package registry or a credential", () => {
  const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
  });
  const forbidden =
    /(?<![\w.)}\]])\/(?:work|root)\/|\/\/[^/\s"']*(?:registry|npmjs|artifactory|nexus|verdaccio|mirror|pypi)[^/\s"']*\/?|\/\/(?:10|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d+\.\d+|_auth(?:Token)|"resolved": *"http/;
  const naming = listed
    .toString()
    .split("\0")
    // a deleted file that is not yet committed is still listed, and so is a link to a folder
    .filter((path) => path !== "" && statSync(join(root, path), { throwIfNoEntry: false })?.isFile())
    .flatMap(
      (path) =>
        readFileSync(join(root, path), "utf8")
          .match(forbidden)
          ?.map((text) => `${path}: ${text}`) ?? [],
    );
  expect(naming).toEqual([]);
});
