import { expect, test } from "vitest";
import { pageIn, sumOf } from "./metrics.ts";

const page = pageIn(`# HELP taken_total Taken
# TYPE taken_total counter
taken_total{mode="v1",store="up town"} 3
taken_total{mode="v2",store="up town"} 4
taken_total{mode="v1",store="down"} 0.5
taken_total_more{mode="v1"} 100
up 1
`);

test("series are told by name and labels, and summed", () => {
  expect(page.get("up")).toBe(1);
  expect(sumOf(page, "taken_total")).toBe(7.5);
  expect(sumOf(page, "taken_total", { mode: "v1" })).toBe(3.5);
  expect(sumOf(page, "taken_total", { mode: "v1", store: "up town" })).toBe(3);
  expect(sumOf(page, "nothing")).toBe(0);
});
