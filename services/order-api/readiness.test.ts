/** When a mode is said to take orders: by the outcomes of orders, and by its probe while there are none. */
import { expect, test } from "vitest";
import { KeyConflict, Unavailable, type UnavailableReason } from "#shared/ports.ts";
import { openReadiness } from "./readiness.ts";

const taken = { replayed: false } as const;
const unavailable = (reason: UnavailableReason): Unavailable => new Unavailable(reason, `because: ${reason}`);

const open = (answers: readonly (string | null)[] = []) => {
  let probes = 0;
  const readiness = openReadiness(async () => {
    const answer = answers[probes++];
    if (answer) throw new Error(answer);
  });
  return { ...readiness, probes: () => probes };
};

test("nothing is ready before it was asked", () => {
  expect(open().problem()).toBe("not asked yet");
});

test("without orders the probe decides, each time anew", async () => {
  const readiness = open([null, "read-only", null]);
  const seen: (string | null)[] = [];
  for (let poll = 0; poll < 3; poll++) {
    await readiness.update();
    seen.push(readiness.problem());
  }
  expect(seen).toEqual([null, "read-only", null]);
});

test("while orders are taken the backend is not asked", async () => {
  const readiness = open(["refused"]);
  readiness.wrote([taken]);
  await readiness.update();
  expect([readiness.problem(), readiness.probes()]).toEqual([null, 0]);
  await readiness.update();
  expect([readiness.problem(), readiness.probes()]).toEqual(["refused", 1]);
});

test.each(["backend_away", "outcome_unknown"] as const)(
  "orders that all fail as %s decide against a good probe",
  async (reason) => {
    const readiness = open();
    readiness.failed(unavailable(reason));
    readiness.wrote([unavailable(reason)]);
    await readiness.update();
    expect([readiness.problem(), readiness.probes()]).toEqual([`because: ${reason}`, 0]);
    await readiness.update();
    expect(readiness.problem()).toBe(null);
  },
);

test("one order that is taken is enough", async () => {
  const readiness = open();
  readiness.failed(unavailable("outcome_unknown"));
  readiness.wrote([unavailable("backend_away"), taken]);
  await readiness.update();
  expect(readiness.problem()).toBe(null);
});

test("an order that fails by itself, or for want of room here, says nothing of the backend", async () => {
  const readiness = open();
  readiness.wrote([new KeyConflict("taken")]);
  for (const reason of ["queue_full", "timeout", "closing", "lag", "overloaded"] as const)
    readiness.failed(unavailable(reason));
  await readiness.update();
  expect([readiness.problem(), readiness.probes()]).toEqual([null, 1]);
});

test("orders that the backend refuses one by one, as it would any, decide too", async () => {
  const readiness = open();
  readiness.wrote([new Error("violates check constraint")]);
  await readiness.update();
  expect(readiness.problem()).toBe("violates check constraint");
});

test("a probe that hangs is a problem, and an order that is taken meanwhile disproves it", async () => {
  const hanging = openReadiness(() => new Promise(() => undefined));
  await hanging.update();
  expect(hanging.problem()).toBe("no answer in 1000 ms");
  const asked = hanging.update();
  hanging.wrote([taken]);
  await asked;
  expect(hanging.problem()).toBe(null);
});
