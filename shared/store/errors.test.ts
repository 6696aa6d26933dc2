import { expect, test } from "vitest";
import { excludesCommit, isPoison, sqlStateOf } from "./errors.ts";

const withCode = (code: string): Error => Object.assign(new Error("failed"), { code });

test.each([
  ["25006", "read-only transaction", true],
  ["42P01", "undefined table", true],
  ["42501", "insufficient privilege", true],
  ["53100", "disk full", true],
  ["53300", "too many connections", true],
  ["55P03", "lock not available", true],
  ["40001", "serialization failure", true],
  ["40P01", "deadlock", true],
  ["57014", "query cancelled", true],
  ["57P03", "cannot connect now", true],
  ["23514", "check violation", true],
  ["3D000", "database does not exist", true],
  ["28P01", "wrong password", true],
  ["P0001", "raised by a trigger", true],
  ["40003", "statement completion unknown", false],
  ["08006", "connection failure", false],
  ["08P01", "protocol violation, as a pooler reports a lost server", false],
  ["57P01", "admin shutdown", false],
  ["57P02", "crash shutdown", false],
  ["58030", "io error", false],
  ["XX000", "internal error", false],
  ["EPIPE", "an error of the socket", false],
  ["ECONNRESET", "an error of the socket", false],
  ["", "a timeout of the client", false],
])("%s (%s) excludes a commit: %s", (code, _, expected) => {
  expect(excludesCommit(withCode(code))).toBe(expected);
});

test("does not take the code of a socket error for an SQLSTATE", () => {
  expect(sqlStateOf(withCode("XX000"))).toBe("XX000");
  expect(sqlStateOf(withCode("EPIPE"))).toBeUndefined();
  expect(isPoison(withCode("EPIPE"))).toBe(false);
});
