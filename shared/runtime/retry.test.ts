import { getEventListeners } from "node:events";
import fc from "fast-check";
import { expect, test } from "vitest";
import { delayMs, jittered, pause, retrying } from "./retry.ts";

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

const options = (more: Partial<Parameters<typeof retrying>[1]> = {}) => ({
  signal: new AbortController().signal,
  isRetryable: () => true,
  onRetry: () => undefined,
  ...more,
});

test("retries until it succeeds and reports each failure", async () => {
  const reported: unknown[] = [];
  const onRetry = (error: unknown, failures: number) => void reported.push([String(error), failures]);
  expect(await retrying(failing(3).attempt, options({ onRetry }))).toBe("success 4");
  expect(reported).toEqual([1, 2, 3].map((failures) => [`Error: failure ${failures}`, failures]));
});

test("rejects with the first error that is not retryable", async () => {
  const { attempt, attempts } = failing(9);
  const isRetryable = (error: unknown) => !String(error).includes("failure 2");
  await expect(retrying(attempt, options({ isRetryable }))).rejects.toThrow("failure 2");
  expect(attempts()).toBe(2);
});

test("rejects with the attempt's error when it is aborted between two attempts", async () => {
  const stopping = new AbortController();
  const { attempt, attempts } = failing(9);
  const onRetry = () => stopping.abort();
  const outcome = retrying(attempt, options({ signal: stopping.signal, onRetry }));
  await expect(outcome).rejects.toThrow("failure 1");
  expect(attempts()).toBe(1);
});

test("finishes the attempt during which it is aborted", async () => {
  for (const failures of [0, 5]) {
    const stopping = new AbortController();
    const { attempt, attempts } = failing(failures);
    const aborting = async (): Promise<string> => {
      stopping.abort();
      return attempt();
    };
    const onRetry = () => expect.fail("it must not retry");
    const result = await retrying(aborting, options({ signal: stopping.signal, onRetry })).catch(
      (error: Error) => error.message,
    );
    expect(result).toBe(failures === 0 ? "success 1" : "failure 1");
    expect(attempts()).toBe(1);
  }
});

test.each([
  [1, 50],
  [2, 100],
  [6, 1_600],
  [7, 2_000],
  [2_000, 2_000],
])("after %i failures the pause is between half and all of %i ms", (failures, ms) => {
  const delay = delayMs(failures, { firstMs: 50, maxMs: 2_000 });
  expect(delay).toBeGreaterThanOrEqual(ms / 2);
  expect(delay).toBeLessThanOrEqual(ms);
});

test("jittered returns between half and all of a duration", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e9 }), (ms) => {
      const value = jittered(ms);
      expect(value >= ms / 2 && value <= ms).toBe(true);
    }),
  );
  expect(new Set(Array.from({ length: 50 }, () => jittered(1_000))).size).toBeGreaterThan(40);
});

test("pause ends when it is aborted, without an error or a listener left", async () => {
  const stopping = new AbortController();
  const { signal } = stopping;
  for (let index = 0; index < 20; index++) await pause(1, signal);
  expect(getEventListeners(signal, "abort")).toHaveLength(0);
  setTimeout(() => stopping.abort(), 10);
  await pause(3_600_000, signal);
  await pause(3_600_000, signal);
  expect(getEventListeners(signal, "abort")).toHaveLength(0);
});
