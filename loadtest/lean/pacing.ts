/** Arrivals at their planned times, whatever becomes of earlier ones. */

export type Pacing = {
  /** Milliseconds from the start to an arrival, by its number from 0. */
  readonly offsetOf: (iteration: number) => number;
  readonly durationMs: number;
  /** False while there is no room for one more: it then leaves late, which its latency counts. */
  readonly mayGo: () => boolean;
  /** `roomSinceMs`: since when there is room, in milliseconds from the start. */
  readonly send: (iteration: number, offsetMs: number, roomSinceMs: number) => void;
};

/** Node's timers are of whole milliseconds. */
const SHORTEST_WAIT_MS = 1;

/** `startMs` by performance.now(). Resolves with how many there were. */
export const paced = ({ offsetOf, durationMs, mayGo, send }: Pacing, startMs: number): Promise<number> =>
  new Promise((resolve) => {
    let next = 0;
    let dueMs = offsetOf(0);
    let roomSinceMs = 0;
    const go = (): void => {
      const nowMs = performance.now() - startMs;
      while (dueMs < durationMs && dueMs <= nowMs && mayGo()) {
        send(next, dueMs, roomSinceMs);
        next++;
        dueMs = offsetOf(next);
      }
      // it is still due: there was no room
      if (dueMs <= nowMs) roomSinceMs = nowMs;
      if (dueMs >= durationMs) resolve(next);
      else setTimeout(go, Math.max(SHORTEST_WAIT_MS, dueMs - nowMs));
    };
    go();
  });
