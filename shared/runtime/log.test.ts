import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { logTo } from "./log.ts";

const source = JSON.stringify(new URL("./log.ts", import.meta.url).href);
/** What a program of its own writes to standard output. */
const outputOf = async (level: string, terminal: boolean): Promise<string> => {
  const program = `
    import { openLog } from ${source};
    const log = openLog("worker", "${level}", ${terminal});
    log.debug({}, "too fine");
    log.info({ orders: 3 }, "counted");
    log.error({ err: new Error("broken") }, "failed");`;
  const run = promisify(execFile);
  return (await run(process.execPath, ["--input-type=module", "--eval", program], { env: {} })).stdout;
};

test("a program logs JSON lines with its name, down to its level", async () => {
  const lines = (await outputOf("info", false))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines).toMatchObject([
    { level: 30, name: "worker", orders: 3, msg: "counted" },
    { level: 50, name: "worker", msg: "failed", err: { message: "broken", stack: expect.any(String) } },
  ]);
  expect(await outputOf("silent", false)).toBe("");
});

test("on a terminal a person can read it", async () => {
  const text = await outputOf("info", true);
  expect(text).toMatch(/INFO.*worker.*counted/);
  expect(text).toContain("orders: 3");
  expect(text).toMatch(/ERROR.*failed/);
  expect(text).not.toContain('"level"');
});

test("tests read what was logged", () => {
  const lines: object[] = [];
  const log = logTo({ write: (line) => lines.push(JSON.parse(line)) });
  log.debug({ orders: 1 }, "seen");
  expect(lines).toMatchObject([{ level: 20, orders: 1, msg: "seen" }]);
});
