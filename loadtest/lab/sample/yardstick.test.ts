import { expect, test } from "vitest";
import { medianOf } from "../judge/statistics.ts";
import { hashingSpeed } from "./yardstick.ts";

test("the yardstick is a speed, and about the same twice", () => {
  const median = (): number => medianOf(Array.from({ length: 20 }, hashingSpeed));
  const [one, other] = [median(), median()];
  // any processor of the last fifteen years, with or without instructions for it
  expect(one).toBeGreaterThan(20);
  expect(one).toBeLessThan(20_000);
  expect(Math.max(one, other) / Math.min(one, other)).toBeLessThan(5);
});
