import { expect, test } from "vitest";
import { searchFor, viewIn } from "./model.ts";
import { styleOf } from "./theme.ts";

test("the address restores a view, and unknown values in it are ignored", () => {
  const view = { mode: "v2", range: "7d", measure: "revenue" } as const;
  expect(viewIn(searchFor(view))).toEqual(view);
  expect(searchFor(viewIn(""))).toBe("");
  expect(viewIn("?mode=<script>&range=century&show=everything")).toEqual(viewIn(""));
});

test("modes differ in colour, shape and dash", () => {
  const styles = ["v1", "v2", "v3"].map(styleOf);
  for (const part of ["colour", "shape", "dash"] as const)
    expect(new Set(styles.map((style) => JSON.stringify(style[part]))).size).toBe(3);
});
