import { Unavailable } from "../ports.ts";

/** How concurrent items share a write. */
export type Grouping = {
  /** Items in one write at most. */
  readonly maxItems: number;
  /** Writes under way at a time. */
  readonly maxInFlight: number;
  /** Items waiting at most; more are refused at once. */
  readonly maxQueued: number;
  /** How long a first item waits for company at most; 0 is the end of the current tick. A full group goes at once. */
  readonly lingerMs: number;
  /** From `add` to the answer at most. */
  readonly deadlineMs: number;
};

export type Group<T, R> = {
  /** Resolves with the item's own result, or rejects with its error; with `Unavailable` when full or late. */
  add(item: T): Promise<R>;
  /** Refuses what comes and resolves when nothing waits or is under way. */
  close(): Promise<void>;
};

type Waiter<T, R> = {
  readonly item: T;
  readonly addedAt: number;
  readonly resolve: (result: R) => void;
  readonly reject: (error: Error) => void;
  /** Whether it was told that the outcome is unknown, so that a write that hangs is not told of at every sweep. */
  isLate: boolean;
};

/** How often deadlines are looked at: a tenth of a second late is within the promise of 2 s. */
const SWEEP_MS = 100;

type Write<T, R> = (items: readonly T[]) => Promise<readonly (R | Error)[]>;

/**
 * Group commit, for any backend: while writes are under way the rest queue, and the next write takes all that
 * wait. Under load each write carries many items, when idle each item goes at once.
 *
 * `write` resolves with one result or Error per item, in order, or rejects for all of them.
 */
export const groupWrites = <T, R>(grouping: Grouping, write: Write<T, R>): Group<T, R> => {
  const { maxItems, maxInFlight, maxQueued, lingerMs, deadlineMs } = grouping;
  const queue: Waiter<T, R>[] = [];
  const underWay = new Set<readonly Waiter<T, R>[]>();
  const drained = Promise.withResolvers<void>();
  let scheduled = false;
  let closing = false;
  let linger: NodeJS.Timeout | undefined;
  let sweeper: NodeJS.Timeout | undefined;

  const schedule = (): void => {
    const first = queue[0];
    if (scheduled || !first || underWay.size >= maxInFlight) return;
    const lingers = lingerMs > 0 && queue.length < maxItems && !closing;
    // the time it waited for a write to end counts too
    const waitMs = lingers ? first.addedAt + lingerMs - performance.now() : 0;
    if (waitMs > 0) {
      linger ??= setTimeout(flush, waitMs);
      return;
    }
    clearTimeout(linger);
    scheduled = true;
    setImmediate(flush);
  };

  const flush = (): void => {
    scheduled = false;
    linger = undefined;
    const group = queue.splice(0, maxItems);
    if (group.length > 0) {
      underWay.add(group);
      void answered(group, write).then(() => {
        underWay.delete(group);
        goOn();
      });
    }
    goOn();
  };

  const goOn = (): void => {
    schedule();
    if (queue.length > 0 || underWay.size > 0) return;
    clearInterval(sweeper);
    sweeper = undefined;
    if (closing) drained.resolve();
  };

  const add = (item: T): Promise<R> => {
    if (closing) return Promise.reject(new Unavailable("closing", "the server is stopping"));
    if (queue.length >= maxQueued)
      return Promise.reject(new Unavailable("queue_full", "too many orders wait to be written"));
    sweeper ??= setInterval(() => {
      rejectLate(queue, underWay, performance.now() - deadlineMs);
      goOn();
    }, SWEEP_MS);
    return new Promise<R>((resolve, reject) => {
      queue.push({ item, addedAt: performance.now(), resolve, reject, isLate: false });
      schedule();
    });
  };

  const close = (): Promise<void> => {
    closing = true;
    goOn();
    return drained.promise;
  };

  return { add, close };
};

/** Writes a group and answers each of its waiters; those that were told of their lateness hear no more. */
const answered = async <T, R>(group: readonly Waiter<T, R>[], write: Write<T, R>): Promise<void> => {
  try {
    const results = await write(group.map((waiter) => waiter.item));
    for (const [index, waiter] of group.entries()) {
      const result = results[index] ?? new Error("a write answered for fewer items than it got");
      if (result instanceof Error) waiter.reject(result);
      else waiter.resolve(result);
    }
  } catch (error) {
    const reason = error instanceof Error ? error : new Error(String(error));
    for (const waiter of group) waiter.reject(reason);
  }
};

/** Answers who was added before `latest`: what waits was not taken, what is under way may be. */
const rejectLate = <T, R>(
  queue: Waiter<T, R>[],
  underWay: Iterable<readonly Waiter<T, R>[]>,
  latest: number,
): void => {
  const inTime = queue.findIndex((waiter) => waiter.addedAt > latest);
  for (const waiter of queue.splice(0, inTime < 0 ? queue.length : inTime))
    waiter.reject(new Unavailable("timeout", "the order waited too long and was not taken"));
  for (const group of underWay)
    for (const waiter of group) {
      if (waiter.isLate || waiter.addedAt > latest) continue;
      waiter.isLate = true;
      waiter.reject(
        new Unavailable("outcome_unknown", "the backend did not answer in time; the order may be taken"),
      );
    }
};
