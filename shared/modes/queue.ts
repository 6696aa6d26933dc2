/**
 * The queue of a mode's writes, queued or in flight, and the limits of the wait. services/order-api/limits.ts lists
 * them among all limits that apply to an order.
 */
import { Unavailable } from "../ports.ts";

/** A request is decided within 2 s. What is undecided by now is rejected; the rest of the time is for the reply. */
export const DECISION_MS = 1_800;

/** An order accepted under overload is acknowledged within 0.5 s: this long queued, the rest for the write itself. */
export const STALE_MS = 300;

/** How long an order may have to wait for its write: less than what would make it stale. */
const MAX_WAIT_MS = 250;
/**
 * The speed of a backend is an average over this time. A backend that pauses for a fifth of it (a slow fsync, a garbage
 * collection) counts as fast as before: orders that arrive meanwhile are written sooner than they could be resent.
 */
const SPEED_SPAN_MS = 1_000;
/** A write that takes this long is not slow yet; a burst of this length is accepted as a whole. */
const SHORT_WAIT_MS = 50;
/** This few are never rejected, however slow the machine is: the usual clients of a usual shop. */
const FEW_ITEMS = 64;
const FEW_CALLS = 4;

/** A call that waits for its answer. */
export type Waiter<T, R> = {
  readonly items: readonly T[];
  readonly addedAt: number;
  readonly resolve: (results: readonly (R | Error)[]) => void;
  readonly reject: (error: Error) => void;
  /** Whether it was rejected because its write hangs, so that the next sweep leaves it alone. */
  isLate: boolean;
};

export type QueueLimits = {
  /** Items in one write, unless a single call brings more. */
  readonly maxItems: number;
  /** Queued items. */
  readonly maxQueued: number;
};

/** The calls of a mode in their order: queued, then in flight. `clock` in milliseconds. */
export const openQueue = <T, R>(
  { maxItems, maxQueued }: QueueLimits,
  clock: () => number = () => performance.now(),
) => {
  const queued: Waiter<T, R>[] = [];
  const inFlight = new Set<readonly Waiter<T, R>[]>();
  const written = openRecentCount(SPEED_SPAN_MS);
  let queuedItems = 0;
  let callsInFlight = 0;
  let itemsInFlight = 0;

  const takeFirst = (count: number): Waiter<T, R>[] => {
    const taken = queued.splice(0, count);
    queuedItems -= itemsIn(taken);
    return taken;
  };
  const takeOlder = (latest: number): Waiter<T, R>[] => {
    const inTime = queued.findIndex((waiter) => waiter.addedAt > latest);
    return takeFirst(inTime < 0 ? queued.length : inTime);
  };
  const oldest = (): Waiter<T, R> | undefined => (inFlight.values().next().value ?? queued)[0];

  return {
    first: () => queued[0],
    items: () => queuedItems,
    writes: () => inFlight.size,
    isEmpty: (): boolean => queued.length === 0 && inFlight.size === 0,
    isFull: (): boolean => queuedItems >= maxQueued,
    /** Whether a new call would wait longer than MAX_WAIT_MS, at the speed of the last second. */
    isTooSlow: (): boolean => {
      const since = oldest()?.addedAt;
      const now = clock();
      if (since === undefined || now - since <= SHORT_WAIT_MS) return false;
      if (queued.length + callsInFlight <= FEW_CALLS) return false;
      const writtenMeanwhile = written.count(now) * (MAX_WAIT_MS / SPEED_SPAN_MS);
      return queuedItems + itemsInFlight > Math.max(FEW_ITEMS, writtenMeanwhile);
    },
    push: (waiter: Waiter<T, R>): void => {
      queued.push(waiter);
      queuedItems += waiter.items.length;
    },
    /** The calls of the next write, which are in flight from now on. */
    startWrite: (): readonly Waiter<T, R>[] => {
      const group = takeFirst(callsOfOneWrite(queued, maxItems));
      if (group.length === 0) return group;
      inFlight.add(group);
      callsInFlight += group.length;
      itemsInFlight += itemsIn(group);
      return group;
    },
    /** `items` of them were written. */
    endWrite: (group: readonly Waiter<T, R>[], items: number): void => {
      inFlight.delete(group);
      callsInFlight -= group.length;
      itemsInFlight -= itemsIn(group);
      written.add(clock(), items);
    },
    /** While more is queued than one write takes, rejects calls added before `latest`: they were not written. */
    rejectStale: (latest: number): void => {
      if (callsOfOneWrite(queued, maxItems) < queued.length) rejectUnwritten(takeOlder(latest));
    },
    /** Rejects calls added before `latest`: queued ones were not written, those in flight may be. */
    rejectLate: (latest: number): void => {
      rejectUnwritten(takeOlder(latest));
      for (const group of inFlight) for (const waiter of group) rejectIfLate(waiter, latest);
    },
  };
};

/** How many of the calls fit into one write, and at least the first. */
const callsOfOneWrite = (
  calls: readonly { readonly items: readonly unknown[] }[],
  maxItems: number,
): number => {
  let sum = 0;
  const end = calls.findIndex(({ items }, index) => {
    sum += items.length;
    return index > 0 && sum > maxItems;
  });
  return end < 0 ? calls.length : end;
};

export const itemsIn = (waiters: readonly { readonly items: readonly unknown[] }[]): number =>
  waiters.reduce((sum, { items }) => sum + items.length, 0);

const rejectUnwritten = <T, R>(waiters: readonly Waiter<T, R>[]): void => {
  for (const waiter of waiters)
    waiter.reject(new Unavailable("timeout", "the order waited too long and was not taken"));
};

const rejectIfLate = <T, R>(waiter: Waiter<T, R>, latest: number): void => {
  if (waiter.isLate || waiter.addedAt > latest) return;
  waiter.isLate = true;
  waiter.reject(
    new Unavailable("outcome_unknown", "the backend did not answer in time; the order may be taken"),
  );
};

/** The number of events in the last `spanMs`: all of the current span, and the part of the previous one that is not older. */
const openRecentCount = (spanMs: number) => {
  let startedAt = 0;
  let current = 0;
  let previous = 0;
  const moveTo = (now: number): void => {
    const spans = Math.floor((now - startedAt) / spanMs);
    if (spans === 0) return;
    previous = spans === 1 ? current : 0;
    current = 0;
    startedAt += spans * spanMs;
  };
  return {
    add: (now: number, count: number): void => {
      moveTo(now);
      current += count;
    },
    count: (now: number): number => {
      moveTo(now);
      return current + previous * (1 - (now - startedAt) / spanMs);
    },
  };
};
