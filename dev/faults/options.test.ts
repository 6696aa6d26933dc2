import { expect, test } from "vitest";
import { readOptions } from "./options.ts";

test("a mistyped fault is answered with the nearest names, not with all of them", () => {
  const mistyped = () => readOptions(["--fault", "kill-wroker"]);
  expect(mistyped).toThrow(/^--fault: unknown "kill-wroker", similar are kill-worker/);
  expect(mistyped).toThrow(/--list prints all \d+$/);
  expect(mistyped).not.toThrow(/.{300}/);
});

test("a mistyped mode is answered with all modes", () => {
  expect(() => readOptions(["--mode", "v9"])).toThrow('--mode: unknown "v9", expected some of v1, v2, v3');
});

test("takes --modes for --mode, as other commands call it", () => {
  const [one, other] = ["--mode", "--modes"].map((name) =>
    readOptions([name, "v2", "--fault", "kill-worker"]),
  );
  expect(other).toEqual(one);
  expect(one?.planned).toHaveLength(1);
  expect(one?.isWhole).toBe(false);
});
