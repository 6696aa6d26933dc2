import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { freeze, isAlive, killTree, thaw, threadStatesOf } from "./process-tree.ts";

const BUSY = `
const { Worker } = require("node:worker_threads");
for (let each = 0; each < 8; each++) new Worker("for (;;);", { eval: true });
setTimeout(() => console.log("busy"), 200);`;

test("freezes every thread of a busy process, and thaws them", async () => {
  const child = spawn(process.execPath, ["-e", BUSY], { stdio: ["ignore", "pipe", "inherit"] });
  const pid = child.pid ?? 0;
  const gone = once(child, "close");
  try {
    await once(child.stdout, "data");
    expect(threadStatesOf(pid).length).toBeGreaterThan(8);
    for (let time = 0; time < 20; time++) {
      expect(freeze(pid)).toEqual([pid]);
      expect(new Set(threadStatesOf(pid))).toEqual(new Set(["T"]));
      thaw(pid);
      await expect.poll(() => threadStatesOf(pid).includes("T"), { timeout: 120_000 }).toBe(false);
    }
  } finally {
    expect(killTree(pid)).toEqual([pid]);
    await gone;
  }
  expect(isAlive(pid)).toBe(false);
  expect(freeze(pid)).toEqual([]);
  expect(threadStatesOf(pid)).toEqual([]);
});
