import { expect, test } from "vitest";
import { madeUpRun } from "../report/runs.fixture.ts";
import type { Run } from "../run/results.ts";
import { firstBottleneck } from "./first-bottleneck.ts";

const runAt = (rate: number, resource: string | null, holds = false): Run => {
  const run = madeUpRun({ mode: "v2", rate, ordersPerRequest: 10, errorShare: holds ? 0 : 0.5 });
  return { ...run, voids: [], bottleneck: resource === null ? null : { resource, because: "made up" } };
};
const peak = runAt(900, "the machine");
const capacity = { rate: 100, firstFailing: { rate: 110, because: "ack p99 130 ms > 100 ms" } };

test("what is full at the first failing rate gave in first", () => {
  const runs = [runAt(100, "memory", true), runAt(110, "Kafka's CPU"), runAt(200, "the machine")];
  expect(firstBottleneck(runs, [peak], capacity)).toBe("Kafka's CPU");
});

test("where nothing is full there, the next failing rate is asked, and the closed loop at last", () => {
  const runs = [runAt(100, "memory", true), runAt(110, null), runAt(150, null)];
  expect(firstBottleneck([...runs, runAt(200, "PostgreSQL's CPU")], [peak], capacity)).toBe(
    "PostgreSQL's CPU, at 2\u202f000/s",
  );
  expect(firstBottleneck(runs, [peak], capacity)).toBe("the machine, at the closed loop's 9\u202f000/s");
  expect(firstBottleneck(runs, [], capacity)).toBe("not found");
});

test("of several runs at a rate most decide, and where none failed the rate that held is asked", () => {
  const runs = [runAt(110, "memory"), runAt(110, "the machine"), runAt(110, "the machine"), runAt(110, null)];
  expect(firstBottleneck(runs, [], capacity)).toBe("the machine");
  const held = [runAt(50, "memory", true), runAt(100, "Redis' fsync (stream)", true)];
  expect(firstBottleneck(held, [peak], { rate: 100, firstFailing: null })).toBe("Redis' fsync (stream)");
});
