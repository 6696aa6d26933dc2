import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { logConsole, logTo } from "./log.ts";

const source = JSON.stringify(new URL("./log.ts", import.meta.url).href);
/** The standard output of a program that logs three lines. */
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

test("a terminal gets readable text", async () => {
  const text = await outputOf("info", true);
  expect(text).toMatch(/INFO.*worker.*counted/);
  expect(text).toContain("orders: 3");
  expect(text).toMatch(/ERROR.*failed/);
  expect(text).not.toContain('"level"');
});

/** The parsed lines that `write` logs. */
const linesOf = (write: (log: ReturnType<typeof logTo>) => void): object[] => {
  const lines: string[] = [];
  write(logTo({ write: (line) => lines.push(line) }));
  expect(lines.join("")).not.toContain("s3cret");
  return lines.map((line) => JSON.parse(line));
};

test("console output of libraries is logged, each text once and without passwords", () => {
  const { warn, error } = console;
  const lines = linesOf((log) => {
    logConsole(log);
    for (let n = 0; n < 3; n++) console.warn("no %s in redis://u:s3cret@h", "INFO");
    console.error(new Error("broken").message);
    Object.assign(console, { warn, error });
  });
  expect(lines).toMatchObject([
    { level: 40, from: "console", msg: "no INFO in redis://u:***@h" },
    { level: 40, from: "console", msg: "broken" },
  ]);
});

test("an error is logged without a rejected command or row, which may contain the password", () => {
  const rejected = Object.assign(new Error("WRONGPASS invalid username-password pair"), {
    command: { name: "auth", args: ["s3cret-password"] },
    code: "ERR",
  });
  const violated = Object.assign(new Error("violates a constraint"), {
    code: "23514",
    table: "orders",
    constraint: "price_is_positive",
    detail: "Failing row contains (s3cret-password)",
  });
  const lines = linesOf((log) => {
    log.warn({ err: rejected }, "board Redis unreachable");
    log.warn({ err: violated }, "order rejected");
  });
  const { message } = rejected;
  expect(lines).toMatchObject([
    { err: { type: "Error", message, code: "ERR", stack: expect.stringContaining("WRONGPASS") } },
    { err: { code: "23514", table: "orders", constraint: "price_is_positive" } },
  ]);
});

test("no member of a line contains a password, also one with an @ in it", () => {
  const unreachable = new Error("cannot reach postgres://coffee:s3cret@db:5432/coffee");
  const lines = linesOf((log) => {
    log.debug({ err: unreachable, reason: unreachable.message }, "PostgreSQL unreachable");
    log.fatal({ board: "redis://:s3cret@word@board:6379" }, "down: postgres://coffee:s3cret@word@db");
  });
  expect(lines).toMatchObject([
    { level: 20, reason: "cannot reach postgres://coffee:***@db:5432/coffee" },
    { board: "redis://:***@board:6379", msg: "down: postgres://coffee:***@db" },
  ]);
});

test("text without a password is logged unchanged", () => {
  const msg = "postgres://coffee@db:5432/coffee at file:///app/node_modules/@fastify/x.js:1:2, mail to a@b";
  expect(linesOf((log) => log.info({}, msg))).toMatchObject([{ msg }]);
});
