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

/**
 * Group commit, for any backend: while writes are under way the rest queue, and the next write takes all that
 * wait. Under load each write carries many items, when idle each item goes at once.
 *
 * `write` resolves with one result or Error per item, in order, or rejects for all of them.
 */
export const groupWrites = <T, R>(
  grouping: Grouping,
  write: (items: readonly T[]) => Promise<readonly (R | Error)[]>,
): Group<T, R> => {
  let queue: Waiter<T, R>[] = [];
  const underWay = new Set<readonly Waiter<T, R>[]>();
  const drained = Promise.withResolvers<void>();
  let scheduled = false;
  let closing = false;
  let linger: NodeJS.Timeout | null = null;
  let sweeper: NodeJS.Timeout | null = null;

  const schedule = (): void => {
    const first = queue[0];
    if (scheduled || !first || underWay.size >= grouping.maxInFlight) return;
    const lingers = grouping.lingerMs > 0 && queue.length < grouping.maxItems && !closing;
    if (lingers && linger) return;
    // the time it waited for a write to end counts too
    const waitMs = lingers ? first.addedAt + grouping.lingerMs - performance.now() : 0;
    if (waitMs > 0) {
      linger = setTimeout(flush, waitMs);
      return;
    }
    endLinger();
    scheduled = true;
    setImmediate(flush);
  };

  const endLinger = (): void => {
    if (linger) clearTimeout(linger);
    linger = null;
  };

  const flush = (): void => {
    scheduled = false;
    endLinger();
    if (queue.length === 0) {
      settle();
      return;
    }
    const group = queue.length <= grouping.maxItems ? queue : queue.slice(0, grouping.maxItems);
    queue = group === queue ? [] : queue.slice(grouping.maxItems);
    underWay.add(group);
    attempt(group.map((waiter) => waiter.item)).then(
      (results) =>
        finish(group, (index) => results[index] ?? new Error("a write answered for fewer items than it got")),
      (error: unknown) => finish(group, () => (error instanceof Error ? error : new Error(String(error)))),
    );
    schedule();
  };

  /** Also a `write` that throws before its first await rejects its items. */
  const attempt = async (items: readonly T[]) => write(items);

  const finish = (group: readonly Waiter<T, R>[], resultAt: (index: number) => R | Error): void => {
    underWay.delete(group);
    for (const [index, waiter] of group.entries()) {
      const result = resultAt(index);
      if (result instanceof Error) waiter.reject(result);
      else waiter.resolve(result);
    }
    schedule();
    settle();
  };

  const settle = (): void => {
    if (queue.length > 0 || underWay.size > 0) return;
    if (sweeper) clearInterval(sweeper);
    sweeper = null;
    if (closing) drained.resolve();
  };

  const sweep = (): void => {
    const latest = performance.now() - grouping.deadlineMs;
    const late = queue.filter((waiter) => waiter.addedAt <= latest);
    if (late.length > 0) queue = queue.filter((waiter) => waiter.addedAt > latest);
    for (const waiter of late)
      waiter.reject(new Unavailable("timeout", "the order waited too long and was not taken"));
    // What is under way may or may not be written; a result that comes later finds the promise settled.
    for (const group of underWay)
      for (const waiter of group) {
        if (waiter.isLate || waiter.addedAt > latest) continue;
        waiter.isLate = true;
        waiter.reject(
          new Unavailable("outcome_unknown", "the backend did not answer in time; the order may be taken"),
        );
      }
    settle();
  };

  return {
    add: (item) => {
      if (closing) return Promise.reject(new Unavailable("closing", "the server is stopping"));
      if (queue.length >= grouping.maxQueued)
        return Promise.reject(new Unavailable("queue_full", "too many orders wait to be written"));
      sweeper ??= setInterval(sweep, SWEEP_MS);
      return new Promise<R>((resolve, reject) => {
        queue.push({ item, addedAt: performance.now(), resolve, reject, isLate: false });
        schedule();
      });
    },
    close: () => {
      closing = true;
      schedule();
      settle();
      return drained.promise;
    },
  };
};
