/** Promises in seconds: measured and printed, because a busy machine may exceed them without a bug. */
import { expect } from "vitest";

/** A machine that is this many times busier than an idle one still passes. */
const BUSY = 10;

/** Awaits the work, prints its duration next to the promise, and fails when it took more than ten times as long. */
export const promisedWithin = async <T>(ms: number, what: string, work: Promise<T>): Promise<T> => {
  const startedMs = performance.now();
  const result = await work;
  const tookMs = Math.round(performance.now() - startedMs);
  console.log(`${what} after ${tookMs} ms (promised: ${ms} ms)`);
  expect(tookMs, what).toBeLessThan(BUSY * ms);
  return result;
};
