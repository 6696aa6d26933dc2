import { setTimeout as sleep } from "node:timers/promises";

const EVERY_MS = 50;

/** Waits until the condition holds; throws an Error that names what did not happen in time. */
export const pollUntil = async (
  what: string,
  condition: () => Promise<boolean> | boolean,
  withinMs: number,
  everyMs = EVERY_MS,
): Promise<void> => {
  for (const deadline = performance.now() + withinMs; ; await sleep(everyMs)) {
    if (await condition()) return;
    if (performance.now() > deadline) throw new Error(`not within ${withinMs / 1_000} s: ${what}`);
  }
};
