import { expect, test } from "vitest";
import { inOrder, logTicks, modeChannels } from "./marks.ts";

test.each([
  [90, 9_600, 1.15, [100, 200, 500, 1_000, 2_000, 5_000]],
  [0.37, 1.7, 1.2, [0.5, 0.7, 1, 1.5]],
  [0.37, 1.7, 1.45, [0.5, 1]],
  [1, 1e6, 2.5, [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000]],
  [2.2, 2.9, 1.1, [2.5]],
  [2.2, 2.4, 1.1, []],
])("ticks from %d to %d, each at least %d times the previous one: %j", (low, high, apart, ticks) => {
  expect(logTicks(low, high, apart)).toEqual(ticks);
});

test("sorts modes, unknown ones last", () => {
  expect(inOrder(["null", "kept", "v3", "v1", "v1-each", "v2", "v1"])).toEqual([
    "v1",
    "v2",
    "v3",
    "v1-each",
    "null",
    "kept",
  ]);
});

test("a mode has the same colour, dash and marker in every chart", () => {
  const styleOf = (modes: readonly string[], mode: string) => {
    const { color, strokeDash, shape } = modeChannels(modes);
    return [color, strokeDash, shape].map(({ scale }) => scale.range[modes.indexOf(mode)]);
  };
  expect(styleOf(["v1", "v2", "v3"], "v3")).toEqual(styleOf(["v3", "null"], "v3"));
  const all = ["v1", "v2", "v3", "v1-each", "null"];
  for (const each of [0, 1, 2])
    expect(new Set(all.map((mode) => String(styleOf(all, mode)[each]))).size).toBe(5);
});
