import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 50;
/** For conditions that hold within seconds on an idle machine: a busy one may need ten times as long. */
const PATIENCE_MS = 120_000;

/**
 * Waits until the condition holds; a condition that throws does not hold yet. Throws an Error that names `what`, with
 * the condition's last error as its cause, after `withinMs`.
 */
export const waitUntil = async (
  what: string,
  condition: () => Promise<boolean> | boolean,
  withinMs = PATIENCE_MS,
): Promise<void> => {
  for (const deadline = performance.now() + withinMs; ; await sleep(POLL_MS)) {
    let cause: unknown;
    try {
      if (await condition()) return;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadline)
      throw new Error(`timed out after ${withinMs / 1_000} s waiting until ${what}`, { cause });
  }
};
