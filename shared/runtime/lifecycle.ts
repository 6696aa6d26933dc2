import type { Logger } from "pino";
import { logConsole, withoutPasswords } from "./log.ts";
import { openWatchdog } from "./watchdog.ts";

/** The resources that a program opened; closed in reverse order. */
export type Closers = {
  add(name: string, close: () => Promise<unknown> | unknown): void;
  /** Closes everything; each closer runs even if another failed. Resolves with the failures. */
  closeAll(): Promise<Error[]>;
  /** What is being closed now, to name it when closing takes too long. */
  closing(): string;
};

export const openClosers = (): Closers => {
  const closers: { name: string; close: () => Promise<unknown> | unknown }[] = [];
  let closing = "";
  return {
    add: (name, close) => void closers.push({ name, close }),
    closeAll: async () => {
      const failures: Error[] = [];
      for (let next = closers.pop(); next; next = closers.pop()) {
        closing = next.name;
        try {
          await next.close();
        } catch (error) {
          failures.push(new Error(`closing ${next.name}: ${messageOf(error)}`, { cause: error }));
        }
      }
      return failures;
    },
    closing: () => closing,
  };
};

/**
 * Waits for `work` at most `ms`, whether it succeeds or fails: an unreachable server must not delay a stop. Resolves
 * with whether it ended.
 */
export const atMost = async (work: Promise<unknown>, ms: number): Promise<boolean> => {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(late.resolve, ms, false);
  const ended = work.then(
    () => true,
    () => true,
  );
  const result = await Promise.race([ended, late.promise]);
  clearTimeout(timer);
  return result;
};

/** The result of `work`, or an error after `ms`. */
export const within = async <T>(ms: number, work: Promise<T>): Promise<T> => {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no answer in ${ms} ms`)), ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
};

/** The message of an error, for logs, replies and users, without the passwords of any address in it. */
export const messageOf = (error: unknown): string =>
  withoutPasswords(error instanceof Error ? error.message : String(error));

/**
 * Runs a program: starts it, stops it on SIGTERM, SIGINT or when the launcher's pipe ends, ends the process.
 *
 * `start` opens what it needs into `closers` and resolves; `failed` ends the program with an error later on. The
 * first signal closes everything within `stopDeadlineMs`, a second one ends at once. A program that could not
 * start ends with status 1 and one sentence. One whose event loop is blocked for `stopDeadlineMs` (at least 5 s) is
 * killed by SIGKILL, because it can neither handle a signal nor stop.
 */
export const runProgram = async (
  log: Logger,
  stopDeadlineMs: number,
  start: (closers: Closers, failed: (error: Error) => void) => Promise<void>,
): Promise<void> => {
  const closers = openClosers();
  logConsole(log);
  openWatchdog(stopDeadlineMs, log.bindings(), (error) =>
    log.warn({ err: error }, "watchdog failed, continuing without it"),
  );
  let stopping = false;
  const stop = async (why: string, status: number): Promise<void> => {
    if (stopping) return;
    stopping = true;
    log.info({ why }, "stopping");
    // This timer also keeps the process alive: a closer that waits for nothing would otherwise end it before the others ran.
    setTimeout(() => {
      log.error({ stopDeadlineMs, closing: closers.closing() }, "shutdown deadline exceeded, exiting");
      process.exit(1);
    }, stopDeadlineMs);
    const failures = await closers.closeAll();
    for (const failure of failures) log.error({ err: failure }, "close failed");
    log.info({}, "stopped");
    process.exit(failures.length > 0 ? 1 : status);
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stopping) process.exit(130);
    void stop(signal, 0);
  };
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, onSignal);
  // Not a second signal: a launcher that sends a signal and then exits must not force the stop.
  if (process.env["COFFEE_RT_END_WITH_STDIN"] === "1")
    process.stdin.once("end", () => void stop("the launcher exited", 0)).resume();
  const failed = (error: Error): void => {
    if (stopping) {
      log.error({ err: error }, "failed while stopping");
      return;
    }
    log.fatal({ err: error }, withoutPasswords(error.message));
    void stop("failure", 1);
  };
  process.on("uncaughtException", failed);
  process.on("unhandledRejection", (reason) =>
    failed(reason instanceof Error ? reason : new Error(String(reason))),
  );
  try {
    await start(closers, failed);
  } catch (error) {
    failed(error instanceof Error ? error : new Error(String(error)));
  }
};

/** The result of `read`, or ends the process with its error message: for settings, before there is a log. */
export const orExit = <T>(read: () => T): T => {
  try {
    return read();
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exit(2);
  }
};
