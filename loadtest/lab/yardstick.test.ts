import { expect, test } from "vitest";
import { hashingSpeed } from "./yardstick.ts";

test("the yardstick is a speed, and about the same twice", () => {
  hashingSpeed();
  const [one, other] = [hashingSpeed(), hashingSpeed()];
  expect(one).toBeGreaterThan(10);
  // even a busy machine gives a turn of 60 ms more than a tenth of another
  expect(Math.max(one, other) / Math.min(one, other)).toBeLessThan(10);
});
