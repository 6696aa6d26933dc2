import { describe, expect, test } from "vitest";
import { messageOf, openClosers } from "./lifecycle.ts";
import { type Line, openPrograms, type Running } from "./program.fixture.ts";

describe("closers", () => {
  test("close in reverse, one after the other", async () => {
    const closers = openClosers();
    const events: string[] = [];
    for (const name of ["a", "b", "c"])
      closers.add(name, async () => {
        events.push(`${name} starts`);
        await new Promise((resolve) => setTimeout(resolve, 5));
        events.push(`${name} ends`);
      });
    expect(await closers.closeAll()).toEqual([]);
    expect(events).toEqual(["c starts", "c ends", "b starts", "b ends", "a starts", "a ends"]);
  });

  test("all run even if some fail, and the failures name their closers", async () => {
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

  test("that are added while closing run too, and none runs twice", async () => {
    const closers = openClosers();
    const closed: string[] = [];
    closers.add("outer", () => closers.add("late", () => closed.push("late")));
    await closers.closeAll();
    await closers.closeAll();
    expect(closed).toEqual(["late"]);
  });

  test("messageOf returns the message of an Error, or the value as text", () => {
    expect([messageOf(new Error("broken")), messageOf("text"), messageOf(undefined)]).toEqual([
      "broken",
      "text",
      "undefined",
    ]);
  });
});

const start = openPrograms();
const PIPE = { COFFEE_RT_END_WITH_STDIN: "1" };
const textOf = (lines: readonly Line[]): string => lines.map((line) => line.msg).join(", ");
/** Starts a program, runs `act` when it is ready, and returns its end with the messages as one text. */
const run = async (
  body: string,
  act: (program: Running) => unknown = ({ child }) => child.kill("SIGTERM"),
  options: Parameters<typeof start>[1] = {},
) => {
  const program = start(body, options);
  await program.logged("ready");
  await act(program);
  const { lines, ...end } = await program.ended();
  return { ...end, lines, text: textOf(lines) };
};

describe.concurrent("a program", () => {
  test.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)(
    "closes in reverse on %s and ends with status 0",
    async (signal) => {
      const body = 'closer("first", 1); closer("second", 20); closer("third", 1);';
      const { status, text, lines, stderr } = await run(body, ({ child }) => child.kill(signal));
      expect(text).toBe("ready, stopping, closed third, closed second, closed first, stopped");
      expect(lines[1]).toMatchObject({ why: signal });
      expect([status, stderr]).toEqual([0, ""]);
    },
  );

  test("ends at once on a second signal", async () => {
    const twice = async ({ child, logged }: Running): Promise<void> => {
      child.kill("SIGTERM");
      await logged("stopping");
      child.kill("SIGINT");
    };
    const end = await run('closer("slow", 600_000);', twice, { stopDeadlineMs: 600_000 });
    expect(end).toMatchObject({ status: 130, text: "ready, stopping" });
  });

  test.each([
    ["a closer takes longer than the deadline", 'closer("slow", 600_000);'],
    [
      "a closer waits for nothing at all",
      'closers.add("stuck", () => { clearInterval(alive); return new Promise(() => undefined); });',
    ],
  ])("ends with status 1 when %s", async (_, body) => {
    const stop = ({ child }: Running): void => {
      child.stdin?.destroy();
      child.kill("SIGTERM");
    };
    const end = await run(body, stop, { stopDeadlineMs: 100 });
    expect(end).toMatchObject({ status: 1, text: "ready, stopping, shutdown deadline exceeded, exiting" });
  });

  test("ends with status 1 when a closer failed, after all others", async () => {
    const body = 'closer("first", 1); closers.add("second", () => { throw new Error("broken"); });';
    const { status, text, lines } = await run(body);
    expect([status, text]).toEqual([1, "ready, stopping, closed first, close failed, stopped"]);
    expect(lines[3]?.err?.message).toContain("closing second: broken");
  });

  test("that cannot start closes what it opened, logs the reason and ends with status 1", async () => {
    const { status, lines } = await start(
      'closer("first", 1); throw new Error("PORT 80 is taken.");',
    ).ended();
    expect([status, textOf(lines)]).toEqual([1, "PORT 80 is taken., stopping, closed first, stopped"]);
    expect(lines[0]).toMatchObject({ level: 60, err: { message: "PORT 80 is taken." } });
  });

  test.each([
    ["a reported failure", 'setTimeout(() => failed(new Error("broken")), 20);'],
    ["an uncaught error", 'setTimeout(() => { throw new Error("broken"); }, 20);'],
    ["an unhandled rejection", 'setTimeout(() => Promise.reject(new Error("broken")), 20);'],
    ["a rejection that is not an Error", 'setTimeout(() => Promise.reject("broken"), 20);'],
  ])("closes and ends with status 1 after %s", async (_, body) => {
    const end = await run(`closer("first", 1); ${body}`, () => undefined);
    expect(end).toMatchObject({ status: 1, text: "ready, broken, stopping, closed first, stopped" });
  });

  test("logs a failure while it stops, and continues to stop", async () => {
    const end = await run(`closer("first", 1);
      closers.add("second", async () => { Promise.reject(new Error("late")); await new Promise(setImmediate); });`);
    expect(end).toMatchObject({
      status: 0,
      text: "ready, stopping, failed while stopping, closed first, stopped",
    });
  });

  test("ends with its launcher's pipe where COFFEE_RT_END_WITH_STDIN is set", async () => {
    const { status, text, lines } = await run('closer("first", 1);', ({ child }) => child.stdin?.end(), {
      env: PIPE,
    });
    expect([status, lines[1]?.why]).toEqual([0, "the launcher exited"]);
    expect(text).toBe("ready, stopping, closed first, stopped");
  });

  test("does not take the end of that pipe for a second signal", async () => {
    const signalThenEnd = async ({ child, logged }: Running): Promise<void> => {
      child.kill("SIGTERM");
      await logged("stopping");
      child.stdin?.end();
    };
    const end = await run('closer("slow", 200);', signalThenEnd, { env: PIPE });
    expect(end).toMatchObject({ status: 0, text: "ready, stopping, closed slow, stopped" });
  });

  test("outlives its standard input otherwise", async () => {
    const body = 'process.stdin.once("end", () => setTimeout(() => log.info("still here"), 50)).resume();';
    const end = await run(body, async ({ child, logged }) => {
      child.stdin?.end();
      await logged("still here");
      child.kill("SIGTERM");
    });
    expect(end.status).toBe(0);
  });

  test("ends with status 2 and a sentence on standard error for wrong settings", async () => {
    const body = 'orExit(() => { throw new Error("PORT is \\"x\\": expected a whole number."); });';
    const { status, stderr } = await start(`log.info(String(orExit(() => 7))); ${body}`).ended();
    expect([status, stderr]).toEqual([2, 'PORT is "x": expected a whole number.\n']);
  });
});
