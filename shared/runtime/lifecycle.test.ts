import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { messageOf, openClosers } from "./lifecycle.ts";

describe("closers", () => {
  test("close last in, first out, one after the other", async () => {
    const closers = openClosers();
    const events: string[] = [];
    for (const name of ["a", "b", "c"])
      closers.add(name, async () => {
        events.push(`${name} begins`);
        await new Promise((resolve) => setTimeout(resolve, 5));
        events.push(`${name} ends`);
      });
    expect(await closers.closeAll()).toEqual([]);
    expect(events).toEqual(["c begins", "c ends", "b begins", "b ends", "a begins", "a ends"]);
  });

  test("each runs even if others fail, and the failures say whose they are", async () => {
    const closers = openClosers();
    const closed: string[] = [];
    const cause = new Error("no answer");
    closers.add("first", () => closed.push("first"));
    closers.add("second", () => Promise.reject(cause));
    closers.add("third", () => {
      throw "a text";
    });
    closers.add("fourth", () => closed.push("fourth"));
    const failures = await closers.closeAll();
    expect(closed).toEqual(["fourth", "first"]);
    expect(failures.map((failure) => failure.message)).toEqual([
      "closing third: a text",
      "closing second: no answer",
    ]);
    expect(failures[1]?.cause).toBe(cause);
  });

  test("what is added while closing is closed too, and nothing twice", async () => {
    const closers = openClosers();
    const closed: string[] = [];
    closers.add("outer", () => closers.add("late", () => closed.push("late")));
    await closers.closeAll();
    await closers.closeAll();
    expect(closed).toEqual(["late"]);
  });

  test("a message is that of the error, or the text itself", () => {
    expect([messageOf(new Error("broken")), messageOf("text"), messageOf(undefined)]).toEqual([
      "broken",
      "text",
      "undefined",
    ]);
  });
});

const folder = mkdtempSync(join(tmpdir(), "coffee-rt-lifecycle-"));
const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

type Line = { msg: string; level: number; why?: string; err?: { message: string } };
type Running = {
  readonly child: ChildProcess;
  /** Resolves when the program has logged this. */
  logged(message: string): Promise<void>;
  /** Its exit status, what it logged, its standard error. */
  ended(): Promise<{ status: number | null; lines: Line[]; stderr: string }>;
};

/** A real program whose `start` has this body; `closer(name, ms)` opens what takes that long to close. */
const run = (
  body: string,
  { stopDeadlineMs = 10_000, env = {} }: { stopDeadlineMs?: number; env?: object } = {},
): Running => {
  const file = join(folder, `program-${children.length}.mts`);
  const source = `
import { orExit, runProgram } from ${JSON.stringify(new URL("./lifecycle.ts", import.meta.url).href)};
import { openLog } from ${JSON.stringify(new URL("./log.ts", import.meta.url).href)};
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
});`;
  writeFileSync(file, source);
  const child = spawn(process.execPath, [file], { env: { ...env }, stdio: ["pipe", "pipe", "pipe"] });
  children.push(child);
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const closed = once(child, "close");
  const linesSoFar = (): Line[] =>
    stdout
      .slice(0, stdout.lastIndexOf("\n") + 1)
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  return {
    child,
    logged: async (message) => {
      while (!linesSoFar().some((line) => line.msg === message)) {
        const ended = closed.then(() => expect.fail(`ended without "${message}": ${stdout}${stderr}`));
        await Promise.race([once(child.stdout, "data"), ended]);
      }
    },
    ended: async () => {
      await closed;
      return { status: child.exitCode, lines: linesSoFar(), stderr };
    },
  };
};

/** Everything it logged, in one text. */
const told = (lines: readonly Line[]): string => lines.map((line) => line.msg).join(", ");

describe.concurrent("a program", () => {
  test.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)(
    "closes in reverse on %s and ends with 0",
    async (signal) => {
      const program = run('closer("first", 1); closer("second", 20); closer("third", 1);');
      await program.logged("ready");
      program.child.kill(signal);
      const { status, lines, stderr } = await program.ended();
      expect(told(lines)).toBe("ready, stopping, closed third, closed second, closed first, stopped");
      expect(lines[1]).toMatchObject({ why: signal });
      expect([status, stderr]).toEqual([0, ""]);
    },
  );

  test("is forced to end by a second signal", async () => {
    const program = run('closer("slow", 60_000);', { stopDeadlineMs: 60_000 });
    await program.logged("ready");
    program.child.kill("SIGTERM");
    await program.logged("stopping");
    program.child.kill("SIGINT");
    const { status, lines } = await program.ended();
    expect(status).toBe(130);
    expect(told(lines)).toBe("ready, stopping");
  });

  test("that takes longer than its deadline ends with 1", async () => {
    const program = run('closer("slow", 60_000);', { stopDeadlineMs: 100 });
    await program.logged("ready");
    program.child.kill("SIGTERM");
    const { status, lines } = await program.ended();
    expect(status).toBe(1);
    expect(told(lines)).toBe("ready, stopping, shutdown deadline exceeded, exiting");
  });

  test("whose closer waits for nothing at all does not end as if it had closed", async () => {
    const body =
      'closers.add("stuck", () => { clearInterval(alive); return new Promise(() => undefined); });';
    const program = run(body, { stopDeadlineMs: 100 });
    await program.logged("ready");
    program.child.stdin?.destroy();
    program.child.kill("SIGTERM");
    const { status, lines } = await program.ended();
    expect(told(lines)).toBe("ready, stopping, shutdown deadline exceeded, exiting");
    expect(status).toBe(1);
  });

  test("that did not close cleanly ends with 1, after everything else was closed", async () => {
    const program = run('closer("first", 1); closers.add("second", () => { throw new Error("broken"); });');
    await program.logged("ready");
    program.child.kill("SIGTERM");
    const { status, lines } = await program.ended();
    expect(status).toBe(1);
    expect(told(lines)).toBe("ready, stopping, closed first, close failed, stopped");
    expect(lines[3]?.err?.message).toContain("closing second: broken");
  });

  test("that cannot start closes what it opened, says why in a sentence, and ends with 1", async () => {
    const program = run('closer("first", 1); throw new Error("PORT 80 is taken.");');
    const { status, lines } = await program.ended();
    expect(status).toBe(1);
    expect(told(lines)).toBe("PORT 80 is taken., stopping, closed first, stopped");
    expect(lines[0]).toMatchObject({ level: 60, err: { message: "PORT 80 is taken." } });
  });

  test.each([
    ["that is told of a failure", 'setTimeout(() => failed(new Error("gone")), 20);'],
    ["with an error nobody caught", 'setTimeout(() => { throw new Error("gone"); }, 20);'],
    ["with a rejection nobody handled", 'setTimeout(() => Promise.reject(new Error("gone")), 20);'],
    ["with a rejection that is no error", 'setTimeout(() => Promise.reject("gone"), 20);'],
  ])("%s closes and ends with 1", async (_, body) => {
    const { status, lines } = await run(`closer("first", 1); ${body}`).ended();
    expect(status).toBe(1);
    expect(told(lines)).toBe("ready, gone, stopping, closed first, stopped");
  });

  test("tells of a failure while stopping and stops on", async () => {
    const body = `closer("first", 1);
      closers.add("second", async () => { Promise.reject(new Error("late")); await new Promise(setImmediate); });`;
    const program = run(body);
    await program.logged("ready");
    program.child.kill("SIGTERM");
    const { status, lines } = await program.ended();
    expect(told(lines)).toBe("ready, stopping, failed while stopping, closed first, stopped");
    expect(status).toBe(0);
  });

  test("ends with its launcher's pipe, if told to", async () => {
    const program = run('closer("first", 1);', { env: { COFFEE_RT_END_WITH_STDIN: "1" } });
    await program.logged("ready");
    program.child.stdin?.end();
    const { status, lines } = await program.ended();
    expect([status, lines[1]?.why]).toEqual([0, "the launcher exited"]);
    expect(told(lines)).toBe("ready, stopping, closed first, stopped");
  });

  test("takes the end of that pipe for no second signal", async () => {
    const program = run('closer("slow", 200);', { env: { COFFEE_RT_END_WITH_STDIN: "1" } });
    await program.logged("ready");
    program.child.kill("SIGTERM");
    await program.logged("stopping");
    program.child.stdin?.end();
    const { status, lines } = await program.ended();
    expect(told(lines)).toBe("ready, stopping, closed slow, stopped");
    expect(status).toBe(0);
  });

  test("outlives its standard input otherwise", async () => {
    const program = run(
      'process.stdin.once("end", () => setTimeout(() => log.info("still here"), 50)).resume();',
    );
    await program.logged("ready");
    program.child.stdin?.end();
    await program.logged("still here");
    program.child.kill("SIGTERM");
    expect((await program.ended()).status).toBe(0);
  });

  test("with wrong settings ends with 2 and their sentence on standard error", async () => {
    const body = 'orExit(() => { throw new Error("PORT is \\"x\\": expected a whole number."); });';
    const { status, stderr } = await run(`log.info(String(orExit(() => 7))); ${body}`).ended();
    expect([status, stderr]).toEqual([2, 'PORT is "x": expected a whole number.\n']);
  });
});
