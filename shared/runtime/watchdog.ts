/**
 * Kills a process whose event loop is blocked. A library that retries in microtasks, or an endless loop, lets neither a
 * signal handler nor a timer run: SIGTERM has no effect, and an orchestrator can only send SIGKILL.
 */
import inspector from "node:inspector";
import { hostname } from "node:os";
import { Worker } from "node:worker_threads";

/** The watchdog wakes this often within its limit, and kills at most two wake-ups after it. */
const TICKS = 10;
/** Starting takes 0.3 s of CPU, much of it at once: on a machine ten times busier 3 s. */
const MIN_LIMIT_MS = 5_000;

/**
 * Watches the calling thread until the process ends. When its event loop has not run for `limitMs`, at least 5 s, the
 * watchdog writes a log line with `bindings` to stdout and ends the process by SIGKILL, because nothing in the blocked
 * thread can close anything. Not under a debugger, which blocks the event loop at every breakpoint.
 *
 * The limit is counted in wake-ups of the watchdog itself: they stop with SIGSTOP, a frozen container or a suspended
 * machine, and come late on a busy one, as the event loop does. Measured: 0.03 % of a core, 9.4 MB.
 */
export const openWatchdog = (limitMs: number, bindings: object, onError: (error: Error) => void): void => {
  const tickMs = Math.max(limitMs, MIN_LIMIT_MS) / TICKS;
  const beats = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
  const beat = (): void => {
    Atomics.add(beats, 0, 1);
    Atomics.store(beats, 1, inspector.url() === undefined ? 0 : 1);
  };
  beat();
  const heart = setInterval(beat, tickMs / 2).unref();
  const thread = new Worker(`(${watch.toString()})(require)`, {
    eval: true,
    workerData: {
      beats,
      tickMs,
      ticks: TICKS,
      line: { level: 60, pid: process.pid, hostname: hostname(), ...bindings, blockedMs: TICKS * tickMs },
    },
    execArgv: [],
    env: {},
    resourceLimits: { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 8, stackSizeMb: 1 },
  });
  thread.unref();
  // the program continues without it
  thread.on("error", (error) => {
    clearInterval(heart);
    onError(error);
  });
};

type Watching = { beats: Int32Array; tickMs: number; ticks: number; line: object };

/** The thread's own program, sent as text: it cannot use anything of this file. */
const watch = (require: NodeJS.Require): void => {
  const { write } = require("node:fs") as typeof import("node:fs");
  const { workerData } = require("node:worker_threads") as typeof import("node:worker_threads");
  const { beats, tickMs, ticks, line } = workerData as Watching;
  const never = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  let last = -1;
  for (let missed = 0; missed < ticks; ) {
    // 7 ms of CPU in 30 s; with setInterval 31 ms
    Atomics.wait(never, 0, 0, tickMs);
    const now = Atomics.load(beats, 0);
    const isDebugged = Atomics.load(beats, 1) === 1;
    missed = now === last && !isDebugged ? missed + 1 : 0;
    last = now;
  }
  const kill = (): void => void process.kill(process.pid, "SIGKILL");
  const text = JSON.stringify({ ...line, time: Date.now(), msg: "event loop blocked, killing the process" });
  // not synchronously: a full stdout may be what blocks the event loop
  write(1, `${text}\n`, kill);
  setTimeout(kill, 1_000);
};
