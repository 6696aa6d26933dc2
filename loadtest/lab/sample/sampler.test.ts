import { expect, test } from "vitest";
import { medianOf } from "../judge/statistics.ts";
import { hashingSpeed, pageIn, sumOf } from "./sampler.ts";

const page = pageIn(`# HELP taken_total Taken
# TYPE taken_total counter
taken_total{mode="v1",store="up town"} 3
taken_total{mode="v2",store="up town"} 4
taken_total{mode="v1",store="down"} 0.5
taken_total_more{mode="v1"} 100
up 1
`);

test("sums series by name and labels", () => {
  expect(page.get("up")).toBe(1);
  expect(sumOf(page, "taken_total")).toBe(7.5);
  expect(sumOf(page, "taken_total", { mode: "v1" })).toBe(3.5);
  expect(sumOf(page, "taken_total", { mode: "v1", store: "up town" })).toBe(3);
  expect(sumOf(page, "nothing")).toBe(0);
});

test("the yardstick is a speed, and about the same twice", () => {
  const median = (): number => medianOf(Array.from({ length: 20 }, hashingSpeed));
  const [one, other] = [median(), median()];
  // any processor of the last fifteen years, with or without instructions for it
  expect(one).toBeGreaterThan(20);
  expect(one).toBeLessThan(20_000);
  expect(Math.max(one, other) / Math.min(one, other)).toBeLessThan(5);
});
