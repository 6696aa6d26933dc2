/** A few of the faults on every run of the tests, with fixed seeds; `npm run faults` has them all. */
import { expect, test } from "vitest";
import { faults } from "./faults.ts";
import { runFault } from "./run.ts";

test.each([
  ["v1", "kill-api"],
  ["v1", "net-api-postgres-replies-lost"],
  ["v2", "kill-worker"],
  ["v2", "net-worker-postgres-replies-lost"],
  ["v2", "kill-stream"],
  ["v3", "kill-kafka"],
  ["v3", "flush-board"],
])(
  "%s through %s: nothing is lost, nothing counts twice, every dashboard is right",
  async (mode, name) => {
    const fault = faults.find((each) => each.name === name) ?? expect.fail(`there is no ${name}`);
    const lines: string[] = [];
    const run = await runFault({ mode, fault, seed: 1, seconds: 240, onLine: (line) => lines.push(line) });
    expect(run.problems, lines.join("\n")).toEqual([]);
    // not the recovery: the machine may be busy with other tests
    expect([run.lost, run.countedTwice]).toEqual([0, 0]);
    expect(run.acknowledged).toBeGreaterThan(100);
  },
  600_000,
);
