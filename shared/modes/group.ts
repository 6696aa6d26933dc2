import { Unavailable } from "../ports.ts";
import { itemsIn, openQueue, type Waiter } from "./queue.ts";

/** How concurrent calls share a write. */
export type Grouping = {
  /** Items in one write, unless a single call brings more: its items are never split. */
  readonly maxItems: number;
  /** Writes in flight at a time. */
  readonly maxInFlight: number;
  /** Once this many items are queued, calls are rejected. */
  readonly maxQueued: number;
  /**
   * Once this many items are queued, a write starts in the same turn of the event loop: the backend works on the first
   * items while the others are read. Without it every turn ends with a write, and one of the two is always idle.
   */
  readonly eagerItems?: number;
  /** How long a first call waits for others at most; 0 is the end of the current tick. A full group is written at once. */
  readonly lingerMs: number;
  /**
   * While more is queued than one write takes, calls that have waited this long are rejected: otherwise all calls behind
   * them would be equally late.
   */
  readonly staleMs: number;
  /** From `add` to the answer at most. */
  readonly deadlineMs: number;
};

export type Group<T, R> = {
  /**
   * Writes the items in one write. Resolves with a result or an error for each, in order; rejects with the error of
   * the whole write, and with `Unavailable` when full or late.
   */
  add(items: readonly T[]): Promise<readonly (R | Error)[]>;
  /** Whether the queue is full, or a new call would wait too long at the speed of the last second. */
  isFull(): boolean;
  /** Rejects new calls and resolves when nothing is queued or in flight. */
  close(): Promise<void>;
};

/** How often deadlines are checked: a tenth of a second late is within the promise of 2 s. */
const SWEEP_MS = 100;

type Write<T, R> = (items: readonly T[]) => Promise<readonly (R | Error)[]>;

/**
 * Group commit, for any backend: while writes are in flight further calls queue, and the next write takes all that are
 * queued. Under load each write carries many items, when idle each call goes at once.
 *
 * `write` resolves with one result or Error per item, in order, or rejects for all of them.
 */
export const groupWrites = <T, R>(grouping: Grouping, write: Write<T, R>): Group<T, R> => {
  const {
    maxItems,
    maxInFlight,
    lingerMs,
    staleMs,
    deadlineMs,
    eagerItems = Number.POSITIVE_INFINITY,
  } = grouping;
  const queue = openQueue<T, R>(grouping);
  const drained = Promise.withResolvers<void>();
  let closing = false;
  const sweeping = openSweeping(() => {
    queue.rejectLate(performance.now() - deadlineMs);
    goOn();
  });

  const schedule = (): void => {
    const first = queue.first();
    if (!first || queue.writes() >= maxInFlight) return;
    const lingers = lingerMs > 0 && queue.items() < maxItems && !closing;
    if (queue.items() >= eagerItems) flush();
    // the time it waited for an earlier write counts too
    else alarm.within(lingers ? first.addedAt + lingerMs - performance.now() : 0);
  };

  const flush = (): void => {
    alarm.cancel();
    queue.rejectStale(performance.now() - staleMs);
    const group = queue.startWrite();
    if (group.length > 0)
      void answer(group, write).then((written) => {
        queue.endWrite(group, written);
        goOn();
      });
    goOn();
  };

  const alarm = openAlarm(flush);

  const goOn = (): void => {
    schedule();
    if (!queue.isEmpty()) return;
    sweeping.stop();
    if (closing) drained.resolve();
  };

  const add = (items: readonly T[]): Promise<readonly (R | Error)[]> => {
    if (closing) return Promise.reject(new Unavailable("closing", "the server is stopping"));
    if (queue.isFull()) return Promise.reject(new Unavailable("queue_full", "too many orders are queued"));
    sweeping.start();
    return new Promise((resolve, reject) => {
      queue.push({ items, addedAt: performance.now(), resolve, reject, isLate: false });
      schedule();
    });
  };

  const close = (): Promise<void> => {
    closing = true;
    goOn();
    return drained.promise;
  };
  return { add, isFull: () => queue.isFull() || queue.isTooSlow(), close };
};

/** Does `work` once: at the end of this turn of the event loop, or after this many milliseconds. */
const openAlarm = (work: () => void) => {
  let soon: NodeJS.Immediate | undefined;
  let later: NodeJS.Timeout | undefined;
  return {
    within: (ms: number): void => {
      if (soon) return;
      if (ms > 0) {
        later ??= setTimeout(work, ms);
        return;
      }
      clearTimeout(later);
      soon = setImmediate(work);
    },
    cancel: (): void => {
      clearImmediate(soon);
      clearTimeout(later);
      soon = undefined;
      later = undefined;
    },
  };
};

/** Runs only while calls wait: an idle group keeps no process alive. */
const openSweeping = (work: () => void) => {
  let timer: NodeJS.Timeout | undefined;
  return {
    start: (): void => {
      timer ??= setInterval(work, SWEEP_MS);
    },
    stop: (): void => {
      clearInterval(timer);
      timer = undefined;
    },
  };
};

/** Writes a group and resolves each of its calls. Resolves with the number of items that the backend has answered. */
const answer = async <T, R>(group: readonly Waiter<T, R>[], write: Write<T, R>): Promise<number> => {
  try {
    const results = await write(group.flatMap((waiter) => waiter.items));
    if (results.length !== itemsIn(group)) throw new Error("a write returned results for other items");
    let start = 0;
    for (const { items, resolve } of group) {
      resolve(results.slice(start, start + items.length));
      start += items.length;
    }
    return results.filter((result) => !(result instanceof Unavailable)).length;
  } catch (error) {
    const reason = error instanceof Error ? error : new Error(String(error));
    for (const waiter of group) waiter.reject(reason);
    return 0;
  }
};
