import { setTimeout as sleep } from "node:timers/promises";

const EVERY_MS = 50;

/** Waits until the condition holds; throws an Error that says what did not come. */
export const pollUntil = async (
  what: string,
  condition: () => Promise<boolean> | boolean,
  withinMs: number,
): Promise<void> => {
  for (const deadline = performance.now() + withinMs; ; await sleep(EVERY_MS)) {
    if (await condition()) return;
    if (performance.now() > deadline) throw new Error(`not within ${withinMs / 1_000} s: ${what}`);
  }
};
