import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { logConsole, logTo } from "./log.ts";

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

test("what libraries print as warnings and errors is logged, each text once and without passwords", () => {
  const lines: string[] = [];
  const { warn, error } = console;
  logConsole(logTo({ write: (line) => lines.push(line) }));
  for (let n = 0; n < 3; n++) console.warn("no %s in redis://u:secret@h", "INFO");
  console.error(new Error("broken").message);
  Object.assign(console, { warn, error });
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { level: 40, from: "console", msg: "no INFO in redis://u:***@h" },
    { level: 40, from: "console", msg: "broken" },
  ]);
});

test("tests read what was logged", () => {
  const lines: object[] = [];
  const log = logTo({ write: (line) => lines.push(JSON.parse(line)) });
  log.debug({ orders: 1 }, "seen");
  expect(lines).toMatchObject([{ level: 20, orders: 1, msg: "seen" }]);
});

test("an error is told without what hangs on it: the command that Redis refused may be AUTH with the password", () => {
  const lines: string[] = [];
  const log = logTo({ write: (line) => lines.push(line) });
  const refused = Object.assign(new Error("WRONGPASS invalid username-password pair"), {
    command: { name: "auth", args: ["s3cret-password"] },
    code: "ERR",
  });
  const violated = Object.assign(new Error("violates a constraint"), {
    code: "23514",
    table: "orders",
    constraint: "price_is_positive",
    detail: "Failing row contains (s3cret-password)",
  });
  const unreachable = new Error("cannot reach postgres://coffee:s3cret-password@db:5432/coffee");
  log.warn({ err: refused }, "the board's Redis does not answer");
  log.warn({ err: unreachable, reason: unreachable.message }, "PostgreSQL does not answer");
  log.warn({ err: violated, reason: "redis://:s3cret-password@2@board:6379 is away" }, "an order is refused");
  expect(lines.join("")).not.toContain("s3cret-password");
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    {
      err: {
        type: "Error",
        message: refused.message,
        code: "ERR",
        stack: expect.stringContaining("WRONGPASS"),
      },
    },
    { reason: "cannot reach postgres://coffee:***@db:5432/coffee" },
    {
      err: { code: "23514", table: "orders", constraint: "price_is_positive" },
      reason: "redis://:***@board:6379 is away",
    },
  ]);
});

test("a password is told in no part of a line, also one with an @ in it", () => {
  const lines: string[] = [];
  const log = logTo({ write: (line) => lines.push(line) });
  log.fatal({ board: "redis://:s3cret@word@board:6379" }, "away: postgres://coffee:s3cret@word@db");
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { board: "redis://:***@board:6379", msg: "away: postgres://coffee:***@db" },
  ]);
});

test("what is no password stays", () => {
  const lines: string[] = [];
  const log = logTo({ write: (line) => lines.push(line) });
  const kept = "postgres://coffee@db:5432/coffee at file:///app/node_modules/@fastify/x.js:1:2, mail to a@b";
  log.info({}, kept);
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ msg: kept });
});
