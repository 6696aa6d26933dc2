import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Edit, planted, plantingEnv } from "./edits.ts";
import { faults } from "./faults.ts";
import { mutants } from "./mutants.ts";

const root = join(import.meta.dirname, "..", "..");
let folder: string;
let file: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "coffee-rt-plant-"));
  file = join(folder, "price.ts");
  writeFileSync(file, "const price: number = 3;\nconsole.log(price);\n");
});
afterAll(() => rmSync(folder, { recursive: true }));

const run = (edits: readonly Edit[]): Promise<{ code: number; output: string }> =>
  new Promise((resolve) => {
    const env = { ...process.env, ...plantingEnv(edits) };
    const child = execFile(process.execPath, [file], { cwd: root, env }, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? 1, output: stdout + stderr }),
    );
  });

test("a program runs what is planted, and tells", async () => {
  const edits = [{ file: relative(root, file), find: "number = 3", replace: "number = 4" }];
  const { code, output } = await run(edits);
  expect(code, output).toBe(0);
  expect(output).toContain("4\n");
  expect(output).toContain("a mistake is planted in");
  expect(readFileSync(file, "utf8")).toContain("= 3");
});

test("a program in which the text is gone ends, and names it", async () => {
  const { code, output } = await run([{ file: relative(root, file), find: "cents = 3", replace: "" }]);
  expect(code).not.toBe(0);
  expect(output).toContain("0 times, not once: cents = 3");
});

test("a text that is there twice could be either", () => {
  expect(() => planted("a b a", [{ file: "x.ts", find: "a", replace: "c" }])).toThrow("x.ts has 2 times");
});

test.each(mutants)("$name: its texts stand in the product, each once, and its fault is there", (mutant) => {
  for (const { file: name } of mutant.edits) {
    const edits = mutant.edits.filter((edit) => edit.file === name);
    const source = readFileSync(join(root, name), "utf8");
    expect(planted(source, edits)).not.toBe(source);
  }
  const fault = faults.find(({ name }) => name === mutant.fault);
  expect(fault?.modes ?? [mutant.mode]).toContain(mutant.mode);
});

test("names are given once", () => {
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
});
