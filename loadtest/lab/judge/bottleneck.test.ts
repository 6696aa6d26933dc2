import { expect, test } from "vitest";
import { syntheticRun } from "../report/runs.fixture.ts";
import type { Run } from "../run/results.ts";
import { bottleneckOf, firstBottleneck, RULES, ruleRows, type Saturation } from "./bottleneck.ts";

const idle: Saturation = {
  generator: { used: 0.2, given: 1 },
  apiUsed: 0.3,
  workersUsed: [0.2, 0.1],
  postgres: { used: 0.4, given: 2, walWaitShare: 0.1, lockWaitShare: 0 },
  stream: { used: 0.2, fsyncShare: 0.1 },
  board: { used: 0.1, fsyncShare: null },
  kafka: null,
  machineShare: 0.5,
  memoryShare: 0.4,
};
const postgres = (changed: object) => ({
  postgres: { used: 0.4, given: 2, walWaitShare: 0, lockWaitShare: 0, ...changed },
});

/** In the order of the rules. */
const saturated: readonly [resource: string, changed: Partial<Saturation>][] = [
  ["order API's event loop", { apiUsed: 0.9 }],
  ["worker's event loop", { workersUsed: [0.1, 0.95] }],
  ["PostgreSQL's CPU", postgres({ used: 1.8 })],
  ["Redis' one thread (stream)", { stream: { used: 0.97, fsyncShare: null } }],
  ["Redis' one thread (board)", { board: { used: 0.97, fsyncShare: null } }],
  ["Kafka's CPU", { kafka: { used: 0.95, given: 1 } }],
  ["the machine", { machineShare: 0.96 }],
  ["PostgreSQL's commits", postgres({ walWaitShare: 0.5 })],
  ["PostgreSQL's locks", postgres({ lockWaitShare: 0.7 })],
  ["Redis' fsync (stream)", { stream: { used: 0.3, fsyncShare: 0.6 } }],
  ["memory", { memoryShare: 0.99 }],
];

test.each(saturated)("%s is found when it alone is full", (resource, changed) => {
  const { isVoid, bottleneck } = bottleneckOf({ ...idle, ...changed });
  expect(isVoid).toBe(false);
  expect(bottleneck?.resource).toBe(resource);
  expect(bottleneck?.because).toContain("≥");
});

test("there is a case for every rule, and the first that holds is named", () => {
  expect(["generator", ...saturated.map(([resource]) => resource)]).toEqual(
    RULES.map(({ resource }) => resource),
  );
  for (const [index, [resource, changed]] of saturated.entries()) {
    const [, later] = saturated[index + 1] ?? ["", {}];
    expect(bottleneckOf({ ...idle, ...later, ...changed }).bottleneck?.resource).toBe(resource);
  }
});

test("nothing full is not found; a full generator makes void whatever else is full", () => {
  expect(bottleneckOf(idle)).toEqual({ isVoid: false, bottleneck: null });
  const full = { ...idle, apiUsed: 1, generator: { used: 0.8, given: 1 } };
  expect(bottleneckOf(full)).toEqual({ isVoid: true, bottleneck: null });
});

test("the rule is printed line by line, with threshold and source", () => {
  expect(ruleRows()).toHaveLength(RULES.length);
  expect(ruleRows()[1]?.join(" ")).toContain("≥ 90\u00a0% of one core, by the one process /proc/<pid>/stat");
});

const runAt = (rate: number, resource: string | null, holds = false): Run => {
  const run = syntheticRun({ mode: "v2", rate, ordersPerRequest: 10, errorShare: holds ? 0 : 0.5 });
  return { ...run, voids: [], bottleneck: resource === null ? null : { resource, because: "made up" } };
};
const peak = runAt(900, "the machine");
const capacity = { rate: 100, firstFailing: { rate: 110, because: "reply p99 130 ms > 100 ms" } };

test("what is full at the first failing rate gave in first", () => {
  const runs = [runAt(100, "memory", true), runAt(110, "Kafka's CPU"), runAt(200, "the machine")];
  expect(firstBottleneck(runs, [peak], capacity)).toBe("Kafka's CPU");
});

test("where nothing is full there, the next failing rate decides, and finally the closed loop", () => {
  const runs = [runAt(100, "memory", true), runAt(110, null), runAt(150, null)];
  expect(firstBottleneck([...runs, runAt(200, "PostgreSQL's CPU")], [peak], capacity)).toBe(
    "PostgreSQL's CPU, at 2\u202f000/s",
  );
  expect(firstBottleneck(runs, [peak], capacity)).toBe("the machine, at 9\u202f000/s sent without pause");
  expect(firstBottleneck(runs, [], capacity)).toBe("not found");
});

test("of several runs at a rate most decide, and where none failed the rate that held decides", () => {
  const runs = [runAt(110, "memory"), runAt(110, "the machine"), runAt(110, "the machine"), runAt(110, null)];
  expect(firstBottleneck(runs, [], capacity)).toBe("the machine");
  const held = [runAt(50, "memory", true), runAt(100, "Redis' fsync (stream)", true)];
  expect(firstBottleneck(held, [peak], { rate: 100, firstFailing: null })).toBe("Redis' fsync (stream)");
});
