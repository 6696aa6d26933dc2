import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { expect, test } from "vitest";
import { folderForFile } from "../../test/temporary.ts";
import { faultsOf } from "./faults.ts";
import { type Edit, edited, settingsWith } from "./mutants/mutant.ts";
import { mutants, verdictOf } from "./run-mutants.ts";

const root = join(import.meta.dirname, "..", "..");
const file = join(folderForFile(), "price.ts");
writeFileSync(file, "const price: number = 3;\nconsole.log(price);\n");

const run = (edits: readonly Edit[]): Promise<{ code: number; output: string }> =>
  new Promise((resolve) => {
    const env = { ...process.env, ...settingsWith(edits) };
    const child = execFile(process.execPath, [file], { cwd: root, env }, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? 1, output: stdout + stderr }),
    );
  });

test("a program runs with the edits and reports them, and its file does not change", async () => {
  const edits = [{ file: relative(root, file), find: "number = 3", replace: "number = 4" }];
  const { code, output } = await run(edits);
  expect(code, output).toBe(0);
  expect(output).toContain("4\n");
  expect(output).toContain("loaded with a bug: ");
  expect(readFileSync(file, "utf8")).toContain("= 3");
});

test("a program fails when the text to edit does not occur, and names it", async () => {
  const { code, output } = await run([{ file: relative(root, file), find: "cents = 3", replace: "" }]);
  expect(code).not.toBe(0);
  expect(output).toContain("0 times, not once: cents = 3");
});

test("rejects a text that occurs twice", () => {
  expect(() => edited("a b a", [{ file: "x.ts", find: "a", replace: "c" }])).toThrow("x.ts has it 2 times");
});

test.each(mutants)("$name: each text occurs once in the product, and its fault exists", (mutant) => {
  for (const { file: name } of mutant.edits) {
    const edits = mutant.edits.filter((edit) => edit.file === name);
    const source = readFileSync(join(root, name), "utf8");
    expect(edited(source, edits)).not.toBe(source);
  }
  expect(faultsOf(mutant.mode).map(({ name }) => name)).toContain(mutant.fault);
});

test("names of mutants are unique", () => {
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
});

const MUTANT = { exposedAs: /acknowledged and lost/ };
const WARM = { sent: 400, acknowledged: 390, ready: true };
const LOST = "3 orders acknowledged and lost: a, b, c";
const OTHER = "40 valid orders were never acknowledged";

test("a mutant is caught by the problem that it causes, and by no other one", () => {
  const caught = verdictOf(MUTANT, { problems: [OTHER, LOST], warmUp: WARM }, []);
  expect(caught).toEqual({ verdict: "caught", problems: [OTHER, LOST] });
  for (const problems of [[], [OTHER]])
    expect(verdictOf(MUTANT, { problems, warmUp: WARM }, []).verdict).toBe("not caught");
});

test.each([
  ["orders are refused without a fault", { ...WARM, acknowledged: 0 }, [], "only 0 of 400 orders were ack"],
  ["an API is not ready before it", { ...WARM, ready: false }, [], "/readyz was not ok before the fault"],
  ["its programs never start", null, [], "the run ended before its fault"],
  ["it was not loaded", WARM, ["shared/x.ts"], "never loaded: shared/x.ts"],
])("a mutant is bad when %s, also when its run found a problem", (_, warmUp, unloaded, why) => {
  expect(verdictOf(MUTANT, { problems: [LOST], warmUp }, unloaded)).toEqual({
    verdict: "bad mutant",
    problems: [expect.stringContaining(why), LOST],
  });
});
