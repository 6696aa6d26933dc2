import { expect, test } from "vitest";
import { labOptionsFrom } from "./options.ts";

test("experiments by their names, in their own order", () => {
  const options = labOptionsFrom(["e8", "E1", "--scale", "standard", "--modes", "v2,v3", "--seed", "7"]);
  expect(options).toMatchObject({ command: "run", scale: "standard", modes: ["v2", "v3"], seed: 7 });
  expect(options.command === "run" && options.experiments.map(({ id }) => id)).toEqual(["E1", "E8"]);
});

test("all is what the scale makes of it", () => {
  const ids = (scale: string): unknown => {
    const options = labOptionsFrom(["all", "--scale", scale]);
    return options.command === "run" && options.experiments.map(({ id }) => id);
  };
  expect(ids("smoke")).toEqual(["E0", "E1", "E2", "E8", "E13"]);
  expect(ids("standard")).toHaveLength(14);
});

test("the other commands", () => {
  expect(labOptionsFrom([])).toEqual({ command: "help" });
  expect(labOptionsFrom(["render"])).toEqual({ command: "render", folder: null });
  expect(labOptionsFrom(["check", "some/folder"])).toEqual({ command: "check", folder: "some/folder" });
  expect(labOptionsFrom(["compare", "a", "b"])).toMatchObject({
    command: "compare",
    first: "a",
    second: "b",
  });
});

test("benchmarks are repeated in rounds, by their names", () => {
  const options = labOptionsFrom(["bench", "--only", "drain,live", "--rounds", "3", "--json", "f.json"]);
  if (options.command !== "bench") throw new Error("not a benchmark");
  expect(options).toMatchObject({ isWhole: false, jsonFile: "f.json" });
  expect(options.experiments.map(({ id }) => id)).toEqual(["E15", "E16"]);
  expect(options.experiments[0]?.points?.("smoke")[0]).toMatchObject({ measure: "copy", repetitions: 3 });
  expect(labOptionsFrom(["bench"])).toMatchObject({ isWhole: true, rounds: 3, isPinned: false });
  for (const part of [
    ["--modes", "v2"],
    ["--rounds", "2"],
    ["--only", "live"],
  ])
    expect(labOptionsFrom(["bench", ...part])).toMatchObject({ isWhole: false });
  expect(labOptionsFrom(["overload", "--modes", "v2"])).toMatchObject({ command: "overload", modes: ["v2"] });
});

test.each([
  [
    ["bench", "--only", "speed"],
    /--only has "speed": it may have ingest, drain, live, fanout, http, variants/,
  ],
  [["bench", "--rounds", "0"], /--rounds is "0"/],
  [["E99"], /unknown experiment "E99": expected all, E0/],
  [["all", "--scale", "huge"], /--scale is "huge": it may be smoke, standard, full/],
  [["all", "--modes", "v4"], /--modes has "v4": it may have v1, v2, v3/],
  [["all", "--seed", "x"], /--seed is "x"/],
  [["all", "--pin", "maybe"], /--pin is "maybe": it may be yes or no/],
  [["compare", "a"], /compare takes two/],
  [["all", "--what"], /--what/],
])("%j is answered by a sentence", (args, sentence) => {
  expect(() => labOptionsFrom(args)).toThrow(sentence);
});
