import { expect, test } from "vitest";
import { excludesCommit, isPoison, sqlStateOf } from "./errors.ts";

const withCode = (code: string): Error => Object.assign(new Error("failed"), { code });

test.each([
  ["25006", "read-only transaction"],
  ["42P01", "undefined table"],
  ["42501", "insufficient privilege"],
  ["53100", "disk full"],
  ["53300", "too many connections"],
  ["55P03", "lock not available"],
  ["40001", "serialization failure"],
  ["40P01", "deadlock"],
  ["57014", "query cancelled"],
  ["57P03", "cannot connect now"],
  ["23514", "check violation"],
  ["3D000", "database does not exist"],
  ["28P01", "wrong password"],
  ["P0001", "raised by a trigger"],
])("%s (%s) excludes a commit", (code) => {
  expect(excludesCommit(withCode(code))).toBe(true);
});

test.each([
  ["40003", "statement completion unknown"],
  ["08006", "connection failure"],
  ["08P01", "protocol violation, as a pooler reports a lost server"],
  ["57P01", "admin shutdown"],
  ["57P02", "crash shutdown"],
  ["58030", "io error"],
  ["XX000", "internal error"],
  ["EPIPE", "an error of the socket"],
  ["ECONNRESET", "an error of the socket"],
  ["", "a timeout of the client"],
])("%s (%s) leaves open whether the statement was committed", (code) => {
  expect(excludesCommit(withCode(code))).toBe(false);
});

test("an SQLSTATE has a digit, an error of the socket has none", () => {
  expect(sqlStateOf(withCode("XX000"))).toBe("XX000");
  expect(sqlStateOf(withCode("EPIPE"))).toBeUndefined();
  expect(isPoison(withCode("EPIPE"))).toBe(false);
});
