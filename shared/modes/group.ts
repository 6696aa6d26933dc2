import { Unavailable } from "../ports.ts";

/** How concurrent calls share a write. */
export type Grouping = {
  /** Items in one write, unless a single call brings more: its items are never split. */
  readonly maxItems: number;
  /** Writes under way at a time. */
  readonly maxInFlight: number;
  /** Once this many items wait, calls are refused. */
  readonly maxQueued: number;
  /**
   * Once so many wait, a write begins within the turn of the event loop that brings them: a backend works on the first
   * of them while the others are read. Without it each turn's end is a write, and one of both always waits for the other.
   */
  readonly eagerItems?: number;
  /** How long a first call waits for company at most; 0 is the end of the current tick. A full group goes at once. */
  readonly lingerMs: number;
  /**
   * While more wait than one write takes, those that have waited so long are refused: otherwise each of those behind
   * them would be as late.
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
  /** Refuses what comes and resolves when nothing waits or is under way. */
  close(): Promise<void>;
};

type Waiter<T, R> = {
  readonly items: readonly T[];
  readonly addedAt: number;
  readonly resolve: (results: readonly (R | Error)[]) => void;
  readonly reject: (error: Error) => void;
  /** Whether it was told that the outcome is unknown, so that a write that hangs is not told of at every sweep. */
  isLate: boolean;
};

/** How often deadlines are looked at: a tenth of a second late is within the promise of 2 s. */
const SWEEP_MS = 100;

type Write<T, R> = (items: readonly T[]) => Promise<readonly (R | Error)[]>;

/**
 * Group commit, for any backend: while writes are under way the rest queue, and the next write takes all that
 * wait. Under load each write carries many items, when idle each call goes at once.
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
  const underWay = new Set<readonly Waiter<T, R>[]>();
  const drained = Promise.withResolvers<void>();
  let closing = false;
  const sweeping = openSweeping(() => {
    rejectLate(queue, underWay, performance.now() - deadlineMs);
    goOn();
  });

  const schedule = (): void => {
    const first = queue.first();
    if (!first || underWay.size >= maxInFlight) return;
    const lingers = lingerMs > 0 && queue.items() < maxItems && !closing;
    if (queue.items() >= eagerItems) flush();
    // the time it waited for a write to end counts too
    else alarm.within(lingers ? first.addedAt + lingerMs - performance.now() : 0);
  };

  const flush = (): void => {
    alarm.cancel();
    if (!queue.fitsOneWrite()) refuse(queue.takeOlder(performance.now() - staleMs));
    const group = queue.take();
    if (group.length > 0) {
      underWay.add(group);
      void answered(group, write).then(() => {
        underWay.delete(group);
        goOn();
      });
    }
    goOn();
  };

  const alarm = openAlarm(flush);

  const goOn = (): void => {
    schedule();
    if (queue.first() || underWay.size > 0) return;
    sweeping.stop();
    if (closing) drained.resolve();
  };

  const add = (items: readonly T[]): Promise<readonly (R | Error)[]> => {
    if (closing) return Promise.reject(new Unavailable("closing", "the server is stopping"));
    if (queue.isFull()) return Promise.reject(new Unavailable("queue_full", "too many orders wait"));
    sweeping.start();
    return new Promise((resolve, reject) => {
      queue.push({ items, addedAt: performance.now(), resolve, reject, isLate: false });
      schedule();
    });
  };

  return {
    add,
    close: () => {
      closing = true;
      goOn();
      return drained.promise;
    },
  };
};

/** Does `work` once: at the end of this turn of the event loop, or after so many milliseconds. */
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

/** Only while something waits: a group at rest keeps no process alive. */
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

/** The calls that wait for a write, and how many items they bring. */
const openQueue = <T, R>({ maxItems, maxQueued }: Grouping) => {
  const waiting: Waiter<T, R>[] = [];
  let items = 0;
  const takeFirst = (count: number): Waiter<T, R>[] => {
    const taken = waiting.splice(0, count);
    items -= itemsIn(taken);
    return taken;
  };
  /** How many calls fit into one write, and at least the first. */
  const nextWrite = (): number => {
    let sum = 0;
    const end = waiting.findIndex((waiter, index) => {
      sum += waiter.items.length;
      return index > 0 && sum > maxItems;
    });
    return end < 0 ? waiting.length : end;
  };
  return {
    first: () => waiting[0],
    items: () => items,
    isFull: (): boolean => items >= maxQueued,
    fitsOneWrite: (): boolean => nextWrite() === waiting.length,
    push: (waiter: Waiter<T, R>): void => {
      waiting.push(waiter);
      items += waiter.items.length;
    },
    take: (): Waiter<T, R>[] => takeFirst(nextWrite()),
    takeOlder: (latest: number): Waiter<T, R>[] => {
      const inTime = waiting.findIndex((waiter) => waiter.addedAt > latest);
      return takeFirst(inTime < 0 ? waiting.length : inTime);
    },
  };
};

const itemsIn = (waiters: readonly { readonly items: readonly unknown[] }[]): number =>
  waiters.reduce((sum, { items }) => sum + items.length, 0);

/** Writes a group and answers each of its waiters; those that were told of their lateness hear no more. */
const answered = async <T, R>(group: readonly Waiter<T, R>[], write: Write<T, R>): Promise<void> => {
  try {
    const results = await write(group.flatMap((waiter) => waiter.items));
    let start = 0;
    if (results.length !== itemsIn(group)) throw new Error("a write answered for other items than it got");
    for (const { items, resolve } of group) {
      resolve(results.slice(start, start + items.length));
      start += items.length;
    }
  } catch (error) {
    const reason = error instanceof Error ? error : new Error(String(error));
    for (const waiter of group) waiter.reject(reason);
  }
};

const refuse = <T, R>(waiters: readonly Waiter<T, R>[]): void => {
  for (const waiter of waiters)
    waiter.reject(new Unavailable("timeout", "the order waited too long and was not taken"));
};

/** Answers who was added before `latest`: what waits was not taken, what is being written may be. */
const rejectLate = <T, R>(
  queue: { takeOlder(latest: number): Waiter<T, R>[] },
  underWay: Iterable<readonly Waiter<T, R>[]>,
  latest: number,
): void => {
  refuse(queue.takeOlder(latest));
  for (const group of underWay)
    for (const waiter of group) {
      if (waiter.isLate || waiter.addedAt > latest) continue;
      waiter.isLate = true;
      waiter.reject(
        new Unavailable("outcome_unknown", "the backend did not answer in time; the order may be taken"),
      );
    }
};
