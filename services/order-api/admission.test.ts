import { setImmediate as turn } from "node:timers/promises";
import { beforeEach, expect, test } from "vitest";
import { type Admission, openAdmission } from "./admission.ts";

let now: number;
let admission: Admission;
beforeEach(() => {
  now = 1_000;
  admission = openAdmission(() => now);
});

const enter = (count: number): (() => void) => {
  const leave = Array.from({ length: count }, () => admission.enter());
  return () => {
    for (const each of leave) each();
  };
};
/** What the next turn of the event loop says, so much later. */
const refusalAfter = async (ms: number): Promise<string | null> => {
  await turn();
  await turn();
  now += ms;
  return admission.refusal();
};

test("a burst comes in, however large", async () => {
  expect(await refusalAfter(0)).toBeNull();
  enter(5_000);
  expect(await refusalAfter(50)).toBeNull();
  expect(await refusalAfter(1)).toBe("queue_full");
});

test("few may wait a while, many only when as many are answered in that time", async () => {
  enter(64);
  expect(await refusalAfter(60)).toBeNull();
  enter(1);
  expect(await refusalAfter(0)).toBe("queue_full");
  enter(100)();
  expect(await refusalAfter(0)).toBeNull();
  enter(40);
  expect(await refusalAfter(0)).toBe("queue_full");
});

test("a backend that hangs closes its door to the many, and opens it when it answers", async () => {
  enter(1_000)();
  const leave = enter(65);
  expect(await refusalAfter(2_000)).toBe("queue_full");
  leave();
  expect(await refusalAfter(0)).toBeNull();
});

test("what was answered long ago does not count", async () => {
  enter(1_000)();
  now += 510;
  enter(65);
  expect(await refusalAfter(60)).toBe("queue_full");
});

test("of many that one turn of the event loop comes to, late ones are refused, in every mode, and the next turn begins anew", async () => {
  await turn();
  await turn();
  for (let request = 0; request < 15; request++) expect(admission.refusal()).toBeNull();
  now += 201;
  expect(admission.refusal()).toBeNull();
  expect(admission.refusal()).toBe("overloaded");
  expect(openAdmission(() => now).refusal()).toBe("overloaded");
  expect(await refusalAfter(0)).toBeNull();
});
