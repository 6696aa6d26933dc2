import { expect, test } from "vitest";
import { openProbes } from "./probes.ts";

test("a probe order is seen when its store shows one more, whatever the others do", () => {
  const probes = openProbes(["a", "b"]);
  probes.shown(new Map([["a", 7]]), 1);
  const [first, second] = [probes.begin(2), probes.begin(3)];
  expect([first?.store, second?.store, probes.begin(4)]).toEqual(["a", "b", null]);
  probes.shown(new Map([["a", 7]]), 5);
  expect(probes.waiting()).toBe(2);
  const later = new Map([
    ["a", 7],
    ["b", 1],
  ]);
  probes.shown(later, 6);
  expect([first?.seenMs, second?.seenMs, probes.waiting()]).toEqual([Number.NaN, 6, 1]);
  // what is shown again says nothing of the store's next order
  const third = probes.begin(7);
  probes.shown(later, 8);
  expect([third?.store, third?.seenMs]).toEqual(["b", Number.NaN]);
  probes.shown(new Map([...later, ["a", 8], ["b", 2]]), 9);
  expect([first?.seenMs, third?.seenMs, probes.waiting(), probes.all.length]).toEqual([9, 9, 0, 3]);
});

test("what was not accepted is not waited for, and its store is not used again", () => {
  const probes = openProbes(["a"]);
  const probe = probes.begin(1) ?? expect.fail("a probe");
  probes.lost(probe);
  probes.shown(new Map([["a", 1]]), 2);
  expect([probes.waiting(), probe.seenMs, probes.begin(3)]).toEqual([0, Number.NaN, null]);
});
