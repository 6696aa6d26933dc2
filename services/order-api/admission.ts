/**
 * Who is let in. A request that would wait too long is refused before its body is read, at a fraction of the cost of
 * taking it: a server that takes more than it can answer in time answers nobody in time.
 */
import type { UnavailableReason } from "#shared/ports.ts";

export type Admission = {
  /** Why a request may not come in now, null when it may. */
  refusal(): UnavailableReason | null;
  /** A request was let in; call what it returns when it is answered. */
  enter(): () => void;
};

/** How long a request may have to wait for its backend: accepted orders are answered within half a second. */
const MOST_WAIT_MS = 250;
/** A write that takes this long is nothing yet: bursts and slow fsyncs pass. */
const SHORT_WAIT_MS = 50;
/** So few, the usual clients of a usual shop, are never refused, however slow the machine is. */
const FEW = 64;
/**
 * Requests that the event loop finds waiting in one turn are read one after the other. What it comes to after this long
 * has waited as long already, and each that is taken makes the next ones wait longer.
 */
const MOST_TURN_MS = 200;
/** A turn that is long for the machine's own reasons has fewer. */
const FEW_IN_TURN = 16;

/** One for each mode, so that a slow backend closes its own door alone. `clock` in milliseconds. */
export const openAdmission = (clock: () => number = () => performance.now()): Admission => {
  const waiting = new Set<{ readonly at: number }>();
  const answered = openRecentCount(MOST_WAIT_MS);
  return {
    refusal: () => {
      const now = clock();
      const turn = turnOf(now);
      if (turn.requests++ >= FEW_IN_TURN && now - turn.at > MOST_TURN_MS) return "overloaded";
      const [first] = waiting;
      if (first === undefined || now - first.at <= SHORT_WAIT_MS) return null;
      // when more wait than were answered in that time, the next one would wait longer than that
      return waiting.size > Math.max(FEW, answered.count(now)) ? "queue_full" : null;
    },
    enter: () => {
      const entry = { at: clock() };
      waiting.add(entry);
      return () => {
        waiting.delete(entry);
        answered.add(clock());
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
    add: (now: number): void => {
      turnTo(now);
      current++;
    },
    count: (now: number): number => {
      turnTo(now);
      return current + previous * (1 - (now - startedAt) / spanMs);
    },
  };
};

type Turn = { readonly at: number; requests: number };
let presentTurn: Turn | null = null;

/** This turn of the event loop, since it came to its first request. There is one loop, whatever asks. */
const turnOf = (now: number): Turn => {
  if (presentTurn === null) {
    presentTurn = { at: now, requests: 0 };
    setImmediate(() => {
      presentTurn = null;
    });
  }
  return presentTurn;
};
