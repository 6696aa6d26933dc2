/** Real programs whose event loop is blocked in every way that has been seen, or only seems to be. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";

/** The least that a watchdog waits, whatever the stop deadline. */
const LIMIT_MS = 5_000;
/** The limit by the watchdog's own wake-ups, which come late on a busy machine. */
const MOST_MS = 60_000;

const folder = mkdtempSync(join(tmpdir(), "coffee-rt-watchdog-"));
const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

type Line = { level: number; time: number; name: string; pid: number; msg: string; blockedMs?: number };
type Running = {
  readonly child: ChildProcess;
  readonly lines: () => Line[];
  logged(message: string): Promise<void>;
  readonly ended: Promise<[code: number | null, signal: NodeJS.Signals | null]>;
};

/** A program that logs "ready", then "working", and then does this in the same turn of its event loop. */
const run = (body: string): Running => {
  const file = join(folder, `program-${children.length}.mts`);
  const from = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href);
  writeFileSync(
    file,
    `import { writeSync } from "node:fs";
import { runProgram } from ${from("./lifecycle.ts")};
import { openLog } from ${from("./log.ts")};
const log = openLog("program", "info", false);
await runProgram(log, 100, async (closers) => {
  const alive = setInterval(() => undefined, 1_000);
  closers.add("alive", () => clearInterval(alive));
  log.info("ready");
  setTimeout(() => { log.info("working"); ${body} }, 10);
});`,
  );
  const child = spawn(process.execPath, [file], { env: {}, stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const ended = once(child, "close") as Running["ended"];
  const lines = (): Line[] =>
    output
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as Line);
  return {
    child,
    lines,
    logged: async (message) => {
      while (!lines().some(({ msg }) => msg === message))
        await Promise.race([
          once(child.stdout, "data"),
          ended.then(() => expect.fail(`ended without "${message}": ${output}`)),
        ]);
    },
    ended,
  };
};

describe.concurrent("a program", () => {
  test.each([
    ["retries in microtasks", "const retry = () => Promise.reject(1).catch(retry); void retry();"],
    ["never returns", "for (;;) ;"],
    ["waits for a lock in its thread", "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);"],
  ])(
    "that %s and is sent SIGTERM is killed after its limit, and logs why",
    async (_, body) => {
      const program = run(body);
      await program.logged("working");
      program.child.kill("SIGTERM");
      expect(await program.ended).toEqual([null, "SIGKILL"]);
      const { pid } = program.child;
      const last = { level: 60, name: "program", pid, msg: "event loop blocked, killing the process" };
      expect(program.lines().at(-1)).toMatchObject({ ...last, blockedMs: LIMIT_MS });
      const timeOf = (message: string): number =>
        program.lines().find(({ msg }) => msg === message)?.time ?? Number.NaN;
      // the last beat was up to one wake-up before
      expect(timeOf(last.msg) - timeOf("ready")).toBeGreaterThan(LIMIT_MS * 0.8);
    },
    MOST_MS,
  );

  test(
    "that is blocked by its full stdout is killed all the same",
    async () => {
      const program = run('const text = "x".repeat(65_536); for (;;) try { writeSync(1, text); } catch {}');
      await program.logged("working");
      program.child.stdout?.pause();
      await sleep(100);
      program.child.kill("SIGTERM");
      await once(program.child, "exit");
      expect(program.child.signalCode).toBe("SIGKILL");
    },
    MOST_MS,
  );

  test(
    "that was suspended for longer than its limit goes on, and stops on SIGTERM",
    async () => {
      const program = run('setInterval(() => log.info("alive"), 100);');
      await program.logged("alive");
      program.child.kill("SIGSTOP");
      await sleep(LIMIT_MS * 1.5);
      const before = program.lines().length;
      program.child.kill("SIGCONT");
      while (program.lines().length < before + 20) await once(program.child.stdout ?? program.child, "data");
      program.child.kill("SIGTERM");
      expect(await program.ended).toEqual([0, null]);
    },
    MOST_MS,
  );

  test(
    "that blocks again and again, each time for less than its limit, goes on",
    async () => {
      const block = "const until = Date.now() + 1_000; while (Date.now() < until) ;";
      const program = run(
        `let n = 0; const block = () => { ${block} log.info("block " + ++n); setTimeout(block); }; block();`,
      );
      await program.logged("block 7");
      program.child.kill("SIGTERM");
      expect(await program.ended).toEqual([0, null]);
    },
    MOST_MS,
  );

  test("is not kept running by its watchdog", async () => {
    const program = run("clearInterval(alive);");
    expect(await program.ended).toEqual([0, null]);
  });
});
