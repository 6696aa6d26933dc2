import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Log } from "../ports.ts";
import { openOutageLog } from "./outage-log.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

let lines: { level: string; msg: string; fields: object }[];
const write =
  (level: string) =>
  (fields: object, msg: string): void =>
    void lines.push({ level, msg, fields });
const log: Log = { info: write("info"), warn: write("warn"), error: write("error") };

beforeEach(() => {
  lines = [];
  vi.useFakeTimers({ toFake: ["performance"] });
  // as in a program, the clock does not start at 0
  vi.advanceTimersByTime(MINUTE);
});
afterEach(() => void vi.useRealTimers());

const open = (tolerated?: number) =>
  openOutageLog(log, {
    failing: "publish failed, retrying",
    recovered: "publish recovered",
    fields: { mode: "v2" },
    ...(tolerated !== undefined && { tolerated }),
  });
const fail = (outage: { failed(error: unknown): void }, times: number, everyMs: number): void => {
  for (let time = 0; time < times; time++) {
    outage.failed(new Error("refused"));
    vi.advanceTimersByTime(everyMs);
  }
};

test("logs the first failure, one line per minute with what was suppressed, and the recovery", () => {
  const outage = open();
  fail(outage, 1_500, 100);
  outage.succeeded();
  outage.succeeded();
  const failing = { level: "warn", msg: "publish failed, retrying" };
  expect(lines).toEqual([
    { ...failing, fields: { mode: "v2", reason: "refused", failures: 1 } },
    { ...failing, fields: { mode: "v2", reason: "refused", failures: 601, suppressed: 599 } },
    { ...failing, fields: { mode: "v2", reason: "refused", failures: 1_201, suppressed: 599 } },
    { level: "info", msg: "publish recovered", fields: { mode: "v2", failures: 1_500, outageMs: 150_000 } },
  ]);
});

test("logs nothing without a failure, or for tolerated failures", () => {
  const outage = open(2);
  outage.succeeded();
  fail(outage, 2, 100);
  outage.succeeded();
  expect(lines).toEqual([]);
  fail(outage, 3, 100);
  expect(lines).toMatchObject([{ fields: { failures: 3 } }]);
});

test("logs a later outage at its first failure again", () => {
  const outage = open();
  fail(outage, 1, 0);
  outage.succeeded();
  vi.advanceTimersByTime(10 * SECOND);
  fail(outage, 1, 0);
  expect(lines.map(({ level }) => level)).toEqual(["warn", "info", "warn"]);
});

test("logs at most twice a minute what fails and recovers ten times a second", () => {
  const outage = open();
  for (let time = 0; time < 3_000; time++) {
    fail(outage, 1, 50);
    outage.succeeded();
    vi.advanceTimersByTime(50);
  }
  expect(lines.map(({ level }) => level)).toEqual(Array(5).fill(["warn", "info"]).flat());
  expect(lines.filter(({ level }) => level === "warn").at(-1)?.fields).toMatchObject({ suppressed: 599 });
});

test("logs an error's code and more fields, and no password", () => {
  const outage = open();
  const error = Object.assign(new Error("cannot reach redis://:secret@board:6379"), { code: "ECONNREFUSED" });
  outage.failed(error, { retryInMs: 50 });
  expect(lines[0]?.fields).toEqual({
    mode: "v2",
    reason: "cannot reach redis://:***@board:6379",
    code: "ECONNREFUSED",
    failures: 1,
    retryInMs: 50,
  });
});
