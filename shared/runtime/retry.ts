import { setTimeout as sleep } from "node:timers/promises";

export type Backoff = { readonly firstMs: number; readonly maxMs: number };

/** Quick enough that a restarted server is found at once, slow enough not to hammer one that is recovering. */
const BACKOFF: Backoff = { firstMs: 50, maxMs: 2_000 };

/**
 * Repeats `attempt` until it succeeds, with growing pauses (and jitter, so that clients do not retry together). Gives up
 * with the attempt's error when `isRetryable` returns false or `signal` aborts.
 */
export const retrying = async <T>(
  attempt: () => Promise<T>,
  options: {
    readonly signal: AbortSignal;
    readonly isRetryable: (error: unknown) => boolean;
    readonly onRetry: (error: unknown, failures: number) => void;
  },
): Promise<T> => {
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      if (options.signal.aborted || !options.isRetryable(error)) throw error;
      options.onRetry(error, failures);
      await pause(delayMs(failures, BACKOFF), options.signal);
      if (options.signal.aborted) throw error;
    }
  }
};

/** The pause after this many failures in a row: it doubles up to the maximum, with jitter. */
export const delayMs = (failures: number, { firstMs, maxMs }: Backoff): number =>
  jittered(Math.min(maxMs, firstMs * 2 ** (failures - 1)));

/** Between half and the whole of `ms`. */
export const jittered = (ms: number): number => ms * (0.5 + Math.random() / 2);

/** Waits, or ends early (without an error) when `signal` aborts. */
export const pause = async (ms: number, signal: AbortSignal): Promise<void> => {
  try {
    await sleep(Math.max(0, ms), undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
};
