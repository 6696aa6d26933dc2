/** An open loop: arrivals at their planned times, however long earlier ones take. */
import type { Random } from "#shared/domain/random.ts";

export type Pacing = {
  /**
   * Milliseconds from the start to an arrival. Called once for each number from 0 up, so it may keep state between calls.
   */
  readonly offsetOf: (iteration: number) => number;
  /** Arrivals at or after it are not sent; Infinity runs until `signal` aborts. */
  readonly durationMs: number;
  /** False while there is no room for one more: it is then sent late, which its latency includes. */
  readonly mayGo?: () => boolean;
  /** `roomSinceMs`: since when there has been room, in milliseconds from the start. */
  readonly send: (iteration: number, offsetMs: number, roomSinceMs: number) => void;
  /** Sends nothing more and resolves. */
  readonly signal?: AbortSignal;
};

/** Node's timers count whole milliseconds. */
const SHORTEST_WAIT_MS = 1;

/** `startMs` is of performance.now(). Resolves with how many were sent, without waiting for their replies. */
export const paced = (pacing: Pacing, startMs: number): Promise<number> =>
  new Promise((resolve) => {
    const { offsetOf, durationMs, mayGo = () => true, send, signal } = pacing;
    let next = 0;
    let dueMs = offsetOf(0);
    let roomSinceMs = 0;
    let timer: NodeJS.Timeout | undefined;
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve(next);
    };
    const go = (): void => {
      const nowMs = performance.now() - startMs;
      while (dueMs < durationMs && dueMs <= nowMs && signal?.aborted !== true && mayGo()) {
        // counted first: `send` may abort the signal
        next++;
        send(next - 1, dueMs, roomSinceMs);
        dueMs = offsetOf(next);
      }
      // it is still due: there was no room
      if (dueMs <= nowMs) roomSinceMs = nowMs;
      if (dueMs >= durationMs || signal?.aborted) end();
      else timer = setTimeout(go, Math.max(SHORTEST_WAIT_MS, dueMs - nowMs));
    };
    signal?.addEventListener("abort", end);
    go();
  });

/** Offsets of a Poisson process: the time of one arrival says nothing about the next. */
export const poissonOffsets = (random: Random, perSecond: number): (() => number) => {
  let offsetMs = 0;
  return () => {
    offsetMs += random.gap(1_000 / perSecond);
    return offsetMs;
  };
};
