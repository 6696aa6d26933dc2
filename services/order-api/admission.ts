/**
 * Who is let in to a mode's backend. A request that would wait too long for it is refused before its body is read, at
 * a fraction of the cost of taking it: a server that takes more than it can answer in time answers nobody in time.
 */
export type Admission = {
  /** Whether what comes now would wait too long. */
  isFull(): boolean;
  /** So many orders go to the backend; call what it returns when they are answered. */
  enter(orders: number): () => void;
};

/** How long an order may have to wait for its backend. */
const MOST_WAIT_MS = 150;
/** A write that takes this long is nothing yet: bursts and slow fsyncs pass. */
const SHORT_WAIT_MS = 50;
/** So few, the usual clients of a usual shop, are never refused, however slow the machine is. */
const FEW_ORDERS = 64;
const FEW_REQUESTS = 4;

/** One for each mode, so that a slow backend closes its own door alone. `clock` in milliseconds. */
export const openAdmission = (clock: () => number = () => performance.now()): Admission => {
  const waiting = new Set<{ readonly at: number }>();
  const answered = openRecentCount(MOST_WAIT_MS);
  let waitingOrders = 0;
  return {
    isFull: () => {
      const now = clock();
      const [first] = waiting;
      if (first === undefined || now - first.at <= SHORT_WAIT_MS) return false;
      if (waiting.size <= FEW_REQUESTS) return false;
      // when more wait than were answered in that time, the next one would wait longer than that
      return waitingOrders > Math.max(FEW_ORDERS, answered.count(now));
    },
    enter: (orders) => {
      const entry = { at: clock() };
      waiting.add(entry);
      waitingOrders += orders;
      return () => {
        waiting.delete(entry);
        waitingOrders -= orders;
        answered.add(clock(), orders);
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
