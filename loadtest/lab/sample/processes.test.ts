import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { until } from "../../../test/fresh.ts";
import { machineSeconds, useOf } from "./processes.ts";

test("counts a process with its children, also those that have exited", async () => {
  const burn = "while (process.cpuUsage().user < 400_000);";
  const parent = spawn(process.execPath, [
    "-e",
    `require("node:child_process").spawnSync(process.execPath, ["-e", ${JSON.stringify(burn)}]);
     require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(`${burn} setTimeout(() => {}, 5000)`)}]);
     process.stdin.once("end", () => process.exit()); process.stdin.resume()`,
  ]);
  const pids = new Map([["parent", parent.pid ?? 0]]);
  try {
    await until("both children have worked", () => (useOf(pids).get("parent")?.cpuSeconds ?? 0) > 0.7);
    expect(useOf(pids).get("parent")?.residentBytes).toBeGreaterThan(20e6);
    const other = useOf(new Map([["this", process.pid]])).get("this")?.startedAt ?? 0;
    expect(other).toBeGreaterThan(0);
    expect(useOf(pids).get("parent")?.startedAt).toBeGreaterThan(other);
  } finally {
    parent.kill("SIGKILL");
    await once(parent, "exit");
  }
  expect(useOf(pids).get("parent")).toEqual({
    startedAt: 0,
    cpuSeconds: 0,
    residentBytes: 0,
    writtenBytes: 0,
  });
});

test("the machine's time goes on, and no more of it is worked than there was", async () => {
  const before = machineSeconds();
  await new Promise((resolve) => setTimeout(resolve, 300));
  const after = machineSeconds();
  expect(after.all).toBeGreaterThan(before.all);
  const atMost = after.all - before.all + 0.001; // seconds since the start of the machine are no exact numbers
  expect(after.busy - before.busy).toBeLessThanOrEqual(atMost);
});
