import { expect, test } from "vitest";
import { NOT_SENT } from "../../k6/lib/ledger.ts";
import type { Summary } from "../../k6/lib/summary.ts";
import { outputIn } from "./output.ts";

const scenario = (name: string, number: number, more: object = {}) => ({
  ...{
    name,
    number,
    iterations: 3,
    customers: "anybody",
    ordersPerIteration: 1,
    startMs: 0,
    warmUpMs: 1_000,
  },
  ...{ executor: "constant-arrival-rate", durationMs: 2_000, lateStartMs: 0, fromPerSecond: 10 },
  ...{ stages: [{ seconds: 2, toPerSecond: 10 }], ...more },
});
const summary = {
  ...{ run: 9, runStartMs: 1e12, seed: 3, startedAtMs: 50_000, dropped: 0 },
  scenarios: [scenario("orders", 1), scenario("probe", 5)],
} as unknown as Summary;

test("computes planned times from the schedule and the start in the first line", () => {
  const lines = ["o,1,12,0.5,7.5,r", "o,1,10,0.1,3.0,a,51010", "f,52500,120.0", "", "warning: something"];
  const { startMs, requests, visible } = outputIn(lines, summary);
  expect(startMs).toBe(52_010);
  expect(requests).toEqual([
    { plannedAtMs: 52_010, lagMs: 0.1, latencyMs: 3, outcome: "acknowledged" },
    { plannedAtMs: 52_210, lagMs: 0.5, latencyMs: 7.5, outcome: "refused" },
  ]);
  expect(visible).toEqual([{ atMs: 52_500, freshnessMs: 120 }]);
});

test("takes the start from the summary when no line has it", () => {
  expect(outputIn(["o,1,11,0,1,a"], summary)).toMatchObject({
    startMs: 51_000,
    requests: [{ plannedAtMs: 51_100 }],
  });
});

test("reads the ledger, and separates refused orders and those that were never sent", () => {
  const lines = [
    '{"ledger":1,"scenario":1,"iteration":1,"outcome":"unknown","status":0,"type":""}',
    `{"ledger":1,"scenario":5,"iteration":0,"outcome":"refused","status":0,"type":"${NOT_SENT.type}"}`,
    '{"ledger":1,"scenario":1,"iteration":2,"outcome":"refused","status":202,"type":"rejected","items":[0]}',
  ];
  expect(outputIn(lines, summary).notAcknowledged).toEqual([
    { scenario: 1, iteration: 1, outcome: "unknown" },
    { scenario: 5, iteration: 0, outcome: "unsent" },
    { scenario: 1, iteration: 2, outcome: "refused", items: [0] },
  ]);
});
