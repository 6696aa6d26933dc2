/** `command | head -1`: the reader of the output is gone before the program has written everything. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { OPERATOR } from "./processes.ts";
import { folderForFile } from "./temporary.ts";

const root = join(import.meta.dirname, "..");
const SAMPLE = "services/operator/replay/sample.csv";
const BOOTSTRAP = "dev/bootstrap.mjs";

/** Its standard output is closed before it writes anything. */
const withoutReader = async (args: readonly string[]): Promise<{ code: number | null; stderr: string }> => {
  const env = { PATH: process.env["PATH"], XDG_STATE_HOME: folderForFile() };
  const child = spawn(process.execPath, [...args], { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.destroy();
  const [stderr] = await Promise.all([text(child.stderr), once(child, "close")]);
  return { code: child.exitCode, stderr };
};

test.each([
  `${OPERATOR} replay ${SAMPLE} --dry-run`,
  `${OPERATOR} --help`,
  `${OPERATOR} dead-letters --help`,
  `${BOOTSTRAP} replay ${SAMPLE} --dry-run`,
  `${BOOTSTRAP} replay --help`,
  `${BOOTSTRAP} load --help`,
  `${BOOTSTRAP} lab --help`,
  `${BOOTSTRAP} faults --list`,
  `${BOOTSTRAP} check:deploy --list`,
  `${BOOTSTRAP} reconcile --help`,
])("%s ends quietly", async (command) => {
  expect(await withoutReader(command.split(" "))).toEqual({ code: 0, stderr: "" });
});
