import { getEventListeners } from "node:events";
import fc from "fast-check";
import { expect, test } from "vitest";
import { jittered, pause, retrying } from "./retry.ts";

const quick = { firstMs: 1, mostMs: 2 };
const always = () => true;
const open = () => new AbortController().signal;

/** An attempt that fails `failures` times, each with its own error, and then succeeds. */
const failing = (failures: number) => {
  let attempts = 0;
  const attempt = async (): Promise<string> => {
    attempts++;
    if (attempts <= failures) throw new Error(`failure ${attempts}`);
    return `success ${attempts}`;
  };
  return { attempt, attempts: () => attempts };
};

test("it tries until it succeeds and tells of each failure", async () => {
  const { attempt } = failing(3);
  const told: unknown[] = [];
  const options = {
    signal: open(),
    isRetryable: always,
    onRetry: (error: unknown, failures: number) => told.push([String(error), failures]),
    backoff: quick,
  };
  expect(await retrying(attempt, options)).toBe("success 4");
  expect(told).toEqual([1, 2, 3].map((failures) => [`Error: failure ${failures}`, failures]));
});

test("it gives up with the error that is not retryable", async () => {
  const { attempt, attempts } = failing(9);
  const isRetryable = (error: unknown) => !String(error).includes("failure 2");
  const options = { signal: open(), isRetryable, onRetry: () => undefined, backoff: quick };
  await expect(retrying(attempt, options)).rejects.toThrow("failure 2");
  expect(attempts()).toBe(2);
});

test("an abort ends a long wait at once, with the attempt's error", async () => {
  const stopping = new AbortController();
  const { attempt, attempts } = failing(9);
  const options = {
    signal: stopping.signal,
    isRetryable: always,
    onRetry: () => setTimeout(() => stopping.abort(), 10),
    backoff: { firstMs: 60_000, mostMs: 60_000 },
  };
  const started = performance.now();
  await expect(retrying(attempt, options)).rejects.toThrow("failure 1");
  expect(performance.now() - started).toBeLessThan(5_000);
  expect(attempts()).toBe(1);
});

test("an abort during an attempt lets it end: a success counts, a failure is the last", async () => {
  for (const failures of [0, 5]) {
    const stopping = new AbortController();
    const { attempt, attempts } = failing(failures);
    const aborting = async (): Promise<string> => {
      stopping.abort();
      return attempt();
    };
    const result = await retrying(aborting, {
      signal: stopping.signal,
      isRetryable: always,
      onRetry: () => expect.fail("it must not retry"),
      backoff: quick,
    }).catch((error: Error) => error.message);
    expect(result).toBe(failures === 0 ? "success 1" : "failure 1");
    expect(attempts()).toBe(1);
  }
});

test("the wait doubles up to its bound", async () => {
  const times: number[] = [];
  const { attempt } = failing(5);
  const timed = (): Promise<string> => {
    times.push(performance.now());
    return attempt();
  };
  const backoff = { firstMs: 20, mostMs: 80 };
  await retrying(timed, { signal: open(), isRetryable: always, onRetry: () => undefined, backoff });
  const waits = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  // at least half of each step, as jittered; timers may be a millisecond early
  for (const [index, least] of [10, 20, 40, 40, 40].entries())
    expect(waits[index]).toBeGreaterThanOrEqual(least - 2);
});

test("a hundred failures wait no longer than a hundred times the bound", async () => {
  const { attempt, attempts } = failing(100);
  await retrying(attempt, { signal: open(), isRetryable: always, onRetry: () => undefined, backoff: quick });
  expect(attempts()).toBe(101);
});

test("jitter takes between half and the whole", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e9 }), (ms) => {
      const value = jittered(ms);
      expect(value >= ms / 2 && value <= ms).toBe(true);
    }),
  );
  expect(new Set(Array.from({ length: 50 }, () => jittered(1_000))).size).toBeGreaterThan(40);
});

test("a pause ends early by abort, without an error, and leaves no listener behind", async () => {
  const stopping = new AbortController();
  const { signal } = stopping;
  for (let index = 0; index < 20; index++) await pause(1, signal);
  expect(getEventListeners(signal, "abort")).toHaveLength(0);
  setTimeout(() => stopping.abort(), 10);
  const started = performance.now();
  await pause(60_000, signal);
  await pause(60_000, signal);
  expect(performance.now() - started).toBeLessThan(5_000);
  expect(getEventListeners(signal, "abort")).toHaveLength(0);
});
