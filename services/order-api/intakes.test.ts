/** A mode is ready by the outcomes of its orders, and by its probe while there are none. */
import { expect, test } from "vitest";
import { KeyConflict, Unavailable, type UnavailableReason } from "#shared/ports.ts";
import { openReadiness } from "./intakes.ts";

const accepted = { replayed: false } as const;
const unavailable = (reason: UnavailableReason): Unavailable => new Unavailable(reason, `because: ${reason}`);

/** Probes answer in turn, null for success; the clock moves only by `pass`. */
const open = (answers: readonly (string | null)[] = []) => {
  let probes = 0;
  let nowMs = 0;
  const readiness = openReadiness(
    async () => {
      const answer = answers[probes++];
      if (answer) throw new Error(answer);
    },
    () => nowMs,
  );
  const pass = (ms: number): void => {
    nowMs += ms;
  };
  return { ...readiness, probes: () => probes, pass };
};

test("a mode is not ready before its first probe", () => {
  expect(open().problem()).toBe("not probed yet");
});

test("without orders the last probe decides", async () => {
  const readiness = open([null, "read-only", null]);
  const seen: (string | null)[] = [];
  for (let poll = 0; poll < 3; poll++) {
    await readiness.update();
    seen.push(readiness.problem());
  }
  expect(seen).toEqual([null, "read-only", null]);
});

test("does not probe the backend while orders are accepted", async () => {
  const readiness = open(["refused"]);
  readiness.wrote([accepted]);
  await readiness.update();
  expect([readiness.problem(), readiness.probes()]).toEqual([null, 0]);
  await readiness.update();
  expect([readiness.problem(), readiness.probes()]).toEqual(["refused", 1]);
});

test.each(["backend_away", "outcome_unknown", "timeout"] as const)(
  "orders that all fail as %s outweigh good probes for 3 s",
  async (reason) => {
    const readiness = open();
    readiness.failed(unavailable(reason));
    readiness.wrote([unavailable(reason)]);
    await readiness.update();
    expect([readiness.problem(), readiness.probes()]).toEqual([`because: ${reason}`, 0]);
    readiness.pass(2_999);
    await readiness.update();
    expect([readiness.problem(), readiness.probes()]).toEqual([`because: ${reason}`, 1]);
    readiness.pass(1);
    await readiness.update();
    expect(readiness.problem()).toBe(null);
  },
);

test("an accepted order ends a failure at once", async () => {
  const readiness = open();
  readiness.failed(unavailable("backend_away"));
  await readiness.update();
  readiness.wrote([accepted]);
  await readiness.update();
  expect(readiness.problem()).toBe(null);
  await readiness.update();
  expect(readiness.problem()).toBe(null);
});

test("one accepted order outweighs others that fail", async () => {
  const readiness = open();
  readiness.failed(unavailable("outcome_unknown"));
  readiness.wrote([unavailable("backend_away"), accepted]);
  await readiness.update();
  expect(readiness.problem()).toBe(null);
});

test("ignores orders that fail by themselves or are rejected by this process", async () => {
  const readiness = open();
  readiness.wrote([new KeyConflict("taken"), new Error("violates a check constraint")]);
  for (const reason of ["queue_full", "closing", "lag", "overloaded"] as const)
    readiness.failed(unavailable(reason));
  await readiness.update();
  expect([readiness.problem(), readiness.probes()]).toEqual([null, 1]);
});

test("a probe that hangs is a problem, unless an order is accepted meanwhile", async () => {
  const hanging = openReadiness(() => new Promise(() => undefined));
  await hanging.update();
  expect(hanging.problem()).toBe("no answer in 1000 ms");
  const probing = hanging.update();
  hanging.wrote([accepted]);
  await probing;
  expect(hanging.problem()).toBe(null);
});
