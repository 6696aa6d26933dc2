/** Real programs under runProgram, written to a folder of their own and started as processes. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect } from "vitest";

export type Line = {
  readonly msg: string;
  readonly level: number;
  readonly time: number;
  readonly name: string;
  readonly pid: number;
  readonly why?: string;
  readonly err?: { readonly message: string };
  readonly blockedMs?: number;
};

export type Ended = {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly lines: readonly Line[];
  readonly stderr: string;
};

export type Running = {
  readonly child: ChildProcess;
  readonly stdout: NodeJS.ReadableStream;
  lines(): Line[];
  /** Resolves when the program has logged this message. */
  logged(message: string): Promise<void>;
  ended(): Promise<Ended>;
};

type Options = { readonly stopDeadlineMs?: number; readonly env?: NodeJS.ProcessEnv };

/** Programs of one test file, which end with it. */
export const openPrograms = () => {
  const folder = mkdtempSync(join(tmpdir(), "coffee-rt-program-"));
  const children: ChildProcess[] = [];
  afterAll(() => {
    for (const child of children) child.kill("SIGKILL");
    rmSync(folder, { recursive: true });
  });
  const moduleAt = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href);

  /** Starts a program whose `start` has this body; `closer(name, ms)` adds a closer that takes this long. */
  return (body: string, { stopDeadlineMs = 10_000, env = {} }: Options = {}): Running => {
    const file = join(folder, `program-${children.length}.mts`);
    writeFileSync(
      file,
      `import { writeSync } from "node:fs";
import { orExit, runProgram } from ${moduleAt("./lifecycle.ts")};
import { openLog } from ${moduleAt("./log.ts")};
const log = openLog("program", "info", false);
await runProgram(log, ${stopDeadlineMs}, async (closers, failed) => {
  const closer = (name, ms) => closers.add(name, async () => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    log.info("closed " + name);
  });
  const alive = setInterval(() => undefined, 1_000);
  closers.add("alive", () => clearInterval(alive));
  ${body}
  log.info("ready");
});`,
    );
    const child = spawn(process.execPath, [file], { env, stdio: ["pipe", "pipe", "pipe"] });
    children.push(child);
    const output = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const)
      child[name].setEncoding("utf8").on("data", (text: string) => {
        output[name] += text;
      });
    const closed = once(child, "close");
    const lines = (): Line[] =>
      output.stdout
        .slice(0, output.stdout.lastIndexOf("\n") + 1)
        .split("\n")
        .filter((line) => line.startsWith("{"))
        .map((line) => JSON.parse(line));
    return {
      child,
      stdout: child.stdout,
      lines,
      logged: async (message) => {
        while (!lines().some(({ msg }) => msg === message))
          await Promise.race([
            once(child.stdout, "data"),
            closed.then(() => expect.fail(`ended without "${message}": ${output.stdout}${output.stderr}`)),
          ]);
      },
      ended: async () => {
        await closed;
        return { status: child.exitCode, signal: child.signalCode, lines: lines(), stderr: output.stderr };
      },
    };
  };
};
