/**
 * Every limit that applies to an order, in this order. Each one rejects with a 503 of the type named here, `Retry-After`, and
 * a count in coffee_orders_rejected_total; nothing of a rejected order is stored, except where noted.
 *
 * Before the body is read, which costs a fraction of taking the order:
 *  1. `closing`: the process is stopping (app.ts). Then the token is checked: 401, 403, or 429 beyond its requests per minute
 *     (access.ts).
 *  2. `lag`: more than MAX_LAG_ORDERS are accepted and not counted, or the oldest of them has waited for half the time that
 *     the transport keeps orders.
 *  3. `queue_full`: an order that comes now would wait for its write for more than 250 ms, at the speed of the last second,
 *     or V1_MAX_QUEUED_ORDERS (of its mode) are queued already (shared/modes/queue.ts).
 *  4. `overloaded`: this process has no turn of its event loop for the request within 100 ms. A request that had to wait for
 *     its turn is checked for 2 and 3 again.
 * Then the body is read and validated (400, 413, 415, 422), and the order is added to the queue of its mode:
 *  5. `queue_full`: the queue has filled while bodies were read; the same check of V1_MAX_QUEUED_ORDERS.
 *  6. `timeout`: while more is queued than one write takes, orders that have been queued for 300 ms are stale.
 *  7. `timeout` or, when its write is in flight and may still succeed, `outcome_unknown`: 1.8 s after it was added.
 * Orders of a WebSocket that arrive together are admitted like one request (routes/order-sockets.ts).
 */
import type { Backlog, UnavailableReason } from "#shared/ports.ts";

/** Why a request is rejected before its body is read; `why` is for the client, where the reason alone is not enough. */
export type Rejection = { readonly reason: UnavailableReason; readonly why?: string };

/** The state of one mode that is checked for each request. */
export type Admitting = { lagProblem(): string | null; isFull(): boolean };

/** Calls `go` with null when the request may be read, now or in a later turn of the event loop, else with the reason. */
export type Admit = (mode: Admitting, go: (rejection: Rejection | null) => void) => void;

/** One in a process, as there is one event loop. */
export const openAdmission = (turns: Turns = openTurns()): Admit => {
  return (mode, go) => {
    const rejection = rejectionOf(mode);
    if (rejection !== null) go(rejection);
    else if (!turns.enter(() => go(rejectionOf(mode)))) go({ reason: "overloaded" });
  };
};

const rejectionOf = (mode: Admitting): Rejection | null => {
  const why = mode.lagProblem();
  if (why !== null) return { reason: "lag", why };
  return mode.isFull() ? { reason: "queue_full" } : null;
};

/**
 * Why no more orders are accepted until the workers have caught up, for the client. A transport that keeps orders for a
 * set time loses those that wait longer; half of it remains to repair the workers.
 */
export const lagProblem = ({ orders, oldestMs, keptMs }: Backlog, maxLagOrders: number): string | null => {
  if (orders > maxLagOrders) return "too many orders wait to be counted";
  if (keptMs !== undefined && oldestMs >= keptMs / 2)
    return "orders wait to be counted for half the time that this mode keeps them";
  return null;
};

/**
 * Keeps the turns of the event loop short. Node reads all requests that are ready in one turn, and until it ends no
 * backend's answer is read and no next write starts: a thousand batches in one turn are a second without a write. So a
 * turn admits requests for a few milliseconds only. The others stay unread until a later turn, first come, first served.
 */
export type Turns = {
  /** Calls `work` in this turn or a later one; false, and never calls it, when it would wait too long. */
  enter(work: () => void): boolean;
};

const TURN_MS = 5;
/** Together with the wait for the backend, this is the latency of an accepted order. */
const MAX_TURN_WAIT_MS = 100;

/** `clock` in milliseconds. */
export const openTurns = (clock: () => number = () => performance.now()): Turns => {
  const waiting: { readonly work: () => void; readonly at: number }[] = [];
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
    runNext();
  };

  /** One at a time through the tick queue: the work that an admitted request causes runs there, and takes the time. */
  const runNext = (): void => {
    waiting.shift()?.work();
    if (waiting.length > 0 && !isSpent()) process.nextTick(runNext);
  };

  return {
    enter: (work) => {
      if (turnStartedAt === null) startTurn();
      const [first] = waiting;
      if (first === undefined && !isSpent()) {
        work();
        return true;
      }
      if (first !== undefined && clock() - first.at > MAX_TURN_WAIT_MS) return false;
      waiting.push({ work, at: clock() });
      return true;
    },
  };
};
