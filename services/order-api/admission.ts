/**
 * Who is let in to a mode's backend. A request that would wait too long for it is refused before its body is read, at
 * a fraction of the cost of taking it: a server that takes more than it can answer in time answers nobody in time.
 */
export type Admission = {
  /** Whether what comes now would wait too long. */
  isFull(): boolean;
  /** So many orders go to the backend; tell what it returns how many of them it answered, once it is over. */
  enter(orders: number): (answered: number) => void;
};

/** How long an order may have to wait for its backend: less than what would be stale when its turn comes. */
const MOST_WAIT_MS = 250;
/**
 * Over how long it is told how fast a backend answers. One that answers nothing for a fifth of this (a slow fsync, a
 * collection of garbage) is as fast as before, and what came meanwhile is answered sooner than it could be sent again.
 */
const SPEED_OVER_MS = 1_000;
/** A write that takes this long is nothing yet. */
const SHORT_WAIT_MS = 50;
/** So few, the usual clients of a usual shop, are never refused, however slow the machine is. */
const FEW_ORDERS = 64;
const FEW_REQUESTS = 4;

/** One for each mode, so that a slow backend closes its own door alone. `clock` in milliseconds. */
export const openAdmission = (clock: () => number = () => performance.now()): Admission => {
  const waiting = new Set<{ readonly at: number }>();
  const answered = openRecentCount(SPEED_OVER_MS);
  let waitingOrders = 0;
  return {
    isFull: () => {
      const now = clock();
      const [first] = waiting;
      if (first === undefined || now - first.at <= SHORT_WAIT_MS) return false;
      if (waiting.size <= FEW_REQUESTS) return false;
      const answeredMeanwhile = answered.count(now) * (MOST_WAIT_MS / SPEED_OVER_MS);
      return waitingOrders > Math.max(FEW_ORDERS, answeredMeanwhile);
    },
    enter: (orders) => {
      const entry = { at: clock() };
      waiting.add(entry);
      waitingOrders += orders;
      return (done) => {
        waiting.delete(entry);
        waitingOrders -= orders;
        answered.add(clock(), done);
      };
    },
  };
};

/** How much happened in the last `spanMs`: all of this span so far, and of the one before what is not older. */
const openRecentCount = (spanMs: number) => {
  let startedAt = 0;
  let current = 0;
  let previous = 0;
  const turnTo = (now: number): void => {
    const spans = Math.floor((now - startedAt) / spanMs);
    if (spans === 0) return;
    previous = spans === 1 ? current : 0;
    current = 0;
    startedAt += spans * spanMs;
  };
  return {
    add: (now: number, count: number): void => {
      turnTo(now);
      current += count;
    },
    count: (now: number): number => {
      turnTo(now);
      return current + previous * (1 - (now - startedAt) / spanMs);
    },
  };
};
