import { expect, test } from "vitest";
import { lookAt } from "./usage.fixture.ts";
import {
  cpuOf,
  cpuSecondsOf,
  foreignShareOf,
  machineShareOf,
  resourcesOf,
  stolenShareOf,
  waitShareOf,
} from "./usage.ts";

const second = { startMs: 1_000, endMs: 2_000 };

test("CPU time between two samples is spread evenly, and only what lies in the window counts", () => {
  const samples = [lookAt(500, { api: 10 }), lookAt(1_500, { api: 11 }), lookAt(2_500, { api: 11.5 })];
  expect(cpuSecondsOf(samples, second, cpuOf("api"))).toBeCloseTo(0.5 + 0.25);
  expect(cpuSecondsOf(samples, second, cpuOf("unknown"))).toBe(0);
});

test("a process that was replaced counts from its own beginning, and one that comes late from when it came", () => {
  const samples = [
    lookAt(1_000, { worker: [7, 1] }),
    lookAt(1_500, { worker: [0.2, 2] }),
    lookAt(2_000, { worker: [0.3, 2], late: 0.1 }),
  ];
  expect(cpuSecondsOf(samples, second, cpuOf("worker"))).toBeCloseTo(0.3);
  expect(cpuSecondsOf(samples, second, cpuOf("late"))).toBeCloseTo(0.1);
});

test("a down process takes nothing while it is down", () => {
  const samples = [lookAt(1_000, { worker: [7, 1] }), lookAt(1_500, {}), lookAt(2_000, { worker: [0.1, 2] })];
  expect(cpuSecondsOf(samples, second, cpuOf("worker"))).toBeCloseTo(0.1);
});

test("a count that falls and comes back, as a child of the process ended, is no other process", () => {
  const samples = [400, 401, 399, 403].map((seconds, at) => lookAt(1_000 + 250 * at, { postgres: seconds }));
  expect(cpuSecondsOf(samples, second, cpuOf("postgres"))).toBeCloseTo(3);
});

test("memory is the most within the window", () => {
  const samples = [
    lookAt(900, { api: 0 }, { api: 900 }),
    lookAt(1_000, { api: 1 }, { api: 100 }),
    lookAt(1_900, { api: 2 }, { api: 300 }),
  ];
  expect(resourcesOf(samples, second, () => 2)["api"]).toEqual({
    cpuSeconds: 1,
    peakRssBytes: 300,
    cores: 2,
  });
});

test("shares of the machine, and of sessions that wait", () => {
  const samples = [lookAt(1_000, {}), lookAt(2_000, {})].map((sample, index) => ({
    ...sample,
    machine: { busy: 0.75 * index, stolen: 0, all: index },
    whole: { busy: 0, stolen: 0.1 * index, all: 2 * index },
    waits: { active: 4, wal: 3, lock: 0, io: 0, internal: 0, computing: 1 },
  }));
  expect(machineShareOf(samples, second)).toBe(0.75);
  expect(stolenShareOf(samples, second)).toBe(0.05);
  expect(waitShareOf(samples, second, ({ wal }) => wal)).toBe(0.75);
  const idle = samples.map((sample) => ({ ...sample, waits: { ...sample.waits, active: 0, wal: 0 } }));
  expect(waitShareOf([...samples, ...idle], second, ({ wal }) => wal)).toBe(0.6);
  expect(waitShareOf([], second, ({ wal }) => wal)).toBeNull();
});

test("what the machine did and no known process did is foreign", () => {
  const samples = [lookAt(1_000, { api: 5, wrk: 1 }), lookAt(2_000, { api: 5.9, wrk: 1.4 })].map(
    (sample, index) => ({ ...sample, whole: { busy: 1.7 * index, stolen: 0, all: 2 * index } }),
  );
  expect(foreignShareOf(samples, second)).toBeCloseTo(0.2);
  const alone = samples.map((sample, index) => ({
    ...sample,
    whole: { busy: index, stolen: 0, all: 2 * index },
  }));
  expect(foreignShareOf(alone, second)).toBe(0);
});
