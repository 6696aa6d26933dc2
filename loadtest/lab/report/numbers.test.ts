import { expect, test } from "vitest";
import { msText, numberText, percentText, timesText } from "./numbers.ts";

test.each([
  [0, "0"],
  [0.0314, "0.031"],
  [1.5, "1.5"],
  [99.96, "100"],
  [100.4, "100"],
  [1_320, "1\u202f320"],
  [12_345_678, "12\u202f345\u202f678"],
  [-2.5, "−2.5"],
  [Number.POSITIVE_INFINITY, "∞"],
])("writes %d as %s", (value, text) => {
  expect(numberText(value)).toBe(text);
});

test("keeps units with their numbers", () => {
  expect(msText(1_320)).toBe("1\u202f320\u00a0ms");
  expect(msText(65_000)).toBe("65\u00a0s");
  expect(percentText(0.125)).toBe("12.5\u00a0%");
  expect(timesText(2)).toBe("2×");
});
