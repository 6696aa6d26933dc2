import { expect, test } from "vitest";
import { coresIn, pinningOf } from "./pinning.ts";

test("the generator gets a quarter of the cores, and at least one of its own", () => {
  const given = [2, 4, 8].map((count) => pinningOf([...Array(count).keys()], null));
  expect(given.map(({ generator, system }) => [generator, system])).toEqual([
    [[1], [0]],
    [[3], [0, 1, 2]],
    [
      [6, 7],
      [0, 1, 2, 3, 4, 5],
    ],
  ]);
  expect(given.map(({ isShared }) => isShared)).toEqual([false, false, false]);
  expect(given[1]?.inWords).toBe("system on cores 0, 1, 2, generator and laboratory on core 3");
});

test("one core, or none wanted, is shared by all and says so", () => {
  expect(pinningOf([0], null)).toMatchObject({ generator: null, system: null, isShared: true });
  const shared = pinningOf([0, 1], "taskset is missing");
  expect(shared).toMatchObject({ generatorCores: 2, systemCores: 2, isShared: true });
  expect(shared.inWords).toBe("none, taskset is missing; generator and system share all 2 cores");
});

test("the system's list of cores is read", () => {
  expect(coresIn("0-2,5")).toEqual([0, 1, 2, 5]);
  expect(coresIn("3")).toEqual([3]);
});
