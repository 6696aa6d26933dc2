/** Lint, format and types are part of the tests: there is one command that says whether the repository is sound. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..");

const run = (file: string, ...args: string[]): Promise<{ code: number; output: string }> =>
  new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [join(root, file), ...args],
      { cwd: root },
      (_error, stdout, stderr) => {
        resolve({ code: child.exitCode ?? 1, output: stdout + stderr });
      },
    );
  });

test("biome finds nothing", async () => {
  const { code, output } = await run("dev/lint.mjs");
  expect(code, output).toBe(0);
}, 120_000);

test("tsc finds nothing", async () => {
  const { code, output } = await run("dev/typecheck.mjs");
  expect(code, output).toBe(0);
}, 120_000);
