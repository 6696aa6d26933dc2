/**
 * Keeps the turns of the event loop short. All requests that lie ready are read in one turn, and until it ends no
 * backend's answer is heard and no next write begun: a thousand batches in a turn are a second in which nothing is
 * written. So a turn lets requests in for a few milliseconds only; the others wait for a next one, oldest first, unread.
 */
export type Door = {
  /** Calls `enter` now or in one of the next turns; false, and never calls it, when too many stand before the door. */
  pass(enter: () => void): boolean;
};

const TURN_MS = 5;
/** With the wait for the backend, this is what an accepted order's latency is made of. */
const MOST_WAIT_MS = 100;

/** One in a process, as there is one event loop. `clock` in milliseconds. */
export const openDoor = (clock: () => number = () => performance.now()): Door => {
  const waiting: { readonly enter: () => void; readonly at: number }[] = [];
  let turnStartedAt: number | null = null;

  const isSpent = (): boolean => clock() - (turnStartedAt ?? 0) >= TURN_MS;

  const startTurn = (): void => {
    turnStartedAt = clock();
    setImmediate(endTurn);
  };

  const endTurn = (): void => {
    turnStartedAt = null;
    if (waiting.length === 0) return;
    startTurn();
    letNextIn();
  };

  /** One by one through the tick queue: what a request does when it is let in happens there, and takes the time. */
  const letNextIn = (): void => {
    waiting.shift()?.enter();
    if (waiting.length > 0 && !isSpent()) process.nextTick(letNextIn);
  };

  return {
    pass: (enter) => {
      if (turnStartedAt === null) startTurn();
      const [first] = waiting;
      if (first === undefined && !isSpent()) {
        enter();
        return true;
      }
      if (first !== undefined && clock() - first.at > MOST_WAIT_MS) return false;
      waiting.push({ enter, at: clock() });
      return true;
    },
  };
};
