/** Real programs whose event loop is blocked in every way that was seen, or only seems to be. */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { openPrograms, type Running } from "./program.fixture.ts";

/** The minimum of the watchdog's limit, whatever the stop deadline. */
const LIMIT_MS = 5_000;

const start = openPrograms();
/** A program that logs "ready", then "working", and then runs this in the same turn of its event loop. */
const run = (body: string): Running =>
  start(`setTimeout(() => { log.info("working"); ${body} }, 10);`, { stopDeadlineMs: 100 });

describe.concurrent("a program", () => {
  test.each([
    ["retries in microtasks", "const retry = () => Promise.reject(1).catch(retry); void retry();"],
    ["never returns", "for (;;) ;"],
    ["waits for a lock in its thread", "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);"],
  ])(
    "that %s is killed after the limit although it was sent SIGTERM, and logs the reason",
    async (_, body) => {
      const program = run(body);
      await program.logged("working");
      program.child.kill("SIGTERM");
      const { signal, lines } = await program.ended();
      expect(signal).toBe("SIGKILL");
      const { pid } = program.child;
      const last = { level: 60, name: "program", pid, msg: "event loop blocked, killing the process" };
      expect(lines.at(-1)).toMatchObject({ ...last, blockedMs: LIMIT_MS });
      const timeOf = (message: string): number =>
        lines.find(({ msg }) => msg === message)?.time ?? Number.NaN;
      // the last sign of life was up to one wake-up before
      expect(timeOf(last.msg) - timeOf("ready")).toBeGreaterThan(LIMIT_MS * 0.8);
    },
  );

  test("that is blocked by its full stdout is killed too", async () => {
    const program = run('const text = "x".repeat(65_536); for (;;) try { writeSync(1, text); } catch {}');
    await program.logged("working");
    program.stdout.pause();
    await sleep(100);
    program.child.kill("SIGTERM");
    await once(program.child, "exit");
    expect(program.child.signalCode).toBe("SIGKILL");
  });

  test("that was suspended for longer than the limit continues, and stops on SIGTERM", async () => {
    const program = run('setInterval(() => log.info("alive"), 100);');
    await program.logged("alive");
    program.child.kill("SIGSTOP");
    await sleep(LIMIT_MS * 1.5);
    const before = program.lines().length;
    program.child.kill("SIGCONT");
    while (program.lines().length < before + 20) await once(program.stdout, "data");
    program.child.kill("SIGTERM");
    expect((await program.ended()).status).toBe(0);
  });

  test("that blocks repeatedly, each time for less than the limit, continues", async () => {
    const block = "const until = Date.now() + 1_000; while (Date.now() < until) ;";
    const program = run(
      `let n = 0; const block = () => { ${block} log.info("block " + ++n); setTimeout(block); }; block();`,
    );
    await program.logged("block 7");
    program.child.kill("SIGTERM");
    expect((await program.ended()).status).toBe(0);
  });

  test("is not kept running by its watchdog", async () => {
    const program = run("clearInterval(alive); process.stdin.unref();");
    expect((await program.ended()).status).toBe(0);
  });
});
