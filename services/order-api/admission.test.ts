import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { type Admission, openAdmission } from "./admission.ts";

const enter = (admission: Admission, count: number): (() => void) => {
  const leave = Array.from({ length: count }, () => admission.enter());
  return () => {
    for (const each of leave) each();
  };
};
const block = (ms: number): void => {
  for (const end = performance.now() + ms; performance.now() < end; );
};
/** The next turn of the event loop comes to its first request. */
const refusalIn = async (admission: Admission): Promise<string | null> => {
  await turn();
  await turn();
  return admission.refusal();
};

test("a burst comes in, however large", async () => {
  const admission = openAdmission();
  expect(await refusalIn(admission)).toBeNull();
  const leave = enter(admission, 5_000);
  expect(await refusalIn(admission)).toBeNull();
  leave();
});

test("few may wait a while, many only when as many are answered in that time", async () => {
  const admission = openAdmission();
  const leave = enter(admission, 16);
  await sleep(60);
  expect(await refusalIn(admission)).toBeNull();
  const leaveOther = enter(admission, 1);
  expect(await refusalIn(admission)).toBe("queue_full");
  enter(admission, 100)();
  expect(await refusalIn(admission)).toBeNull();
  leave();
  leaveOther();
});

test("while one waits too long nobody else comes in, and then again", async () => {
  const admission = openAdmission();
  enter(admission, 1_000)();
  const leave = enter(admission, 1);
  await sleep(260);
  expect(await refusalIn(admission)).toBe("queue_full");
  leave();
  expect(await refusalIn(admission)).toBeNull();
});

test("what was answered long ago does not count", async () => {
  const admission = openAdmission();
  enter(admission, 1_000)();
  await sleep(510);
  const leave = enter(admission, 17);
  await sleep(60);
  expect(await refusalIn(admission)).toBe("queue_full");
  leave();
});

test("what one turn of the event loop comes to late is refused, in every mode, and the next turn begins anew", async () => {
  const admission = openAdmission();
  expect(await refusalIn(admission)).toBeNull();
  block(210);
  expect(admission.refusal()).toBe("overloaded");
  expect(openAdmission().refusal()).toBe("overloaded");
  expect(await refusalIn(admission)).toBeNull();
});
