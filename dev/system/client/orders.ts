/**
 * Orders as requests of the API, and their delivery: the same orders under the same ids until they are acknowledged.
 * A resend is safe, because the API counts an id once.
 */
import { type Outcome, type Outcomes, outcomeOf, outcomesOf } from "#shared/client/outcome.ts";
import { pause } from "#shared/runtime/retry.ts";
import type { Connections, Received } from "./connections.ts";

export type Order = {
  /** A UUIDv7, the idempotency key. */
  readonly id: string;
  readonly drink: string;
  readonly store: string;
  readonly cents: number;
  /** Null means the time at which the API accepts it. */
  readonly timestamp: string | null;
};

export type OrderRequest = {
  readonly path: string;
  readonly body: string;
  /** Null for a batch, whose orders have their ids in the body. */
  readonly key: string | null;
};

/** Without the id. */
export const membersOf = ({ drink, store, cents, timestamp }: Order): Record<string, unknown> => ({
  drink,
  store,
  price: cents / 100,
  ...(timestamp !== null && { timestamp }),
});

/** One order goes to /api/{mode}/order, several go as one batch to /api/{mode}/orders. */
export const requestOf = (mode: string, orders: readonly Order[]): OrderRequest => {
  const [single] = orders;
  if (single !== undefined && orders.length === 1)
    return { path: `/api/${mode}/order`, body: JSON.stringify(membersOf(single)), key: single.id };
  const members = orders.map((order) => ({ id: order.id, ...membersOf(order) }));
  return { path: `/api/${mode}/orders`, body: JSON.stringify(members), key: null };
};

/** One request and what its reply says. */
export type Attempt = {
  /** Of the API that it was sent to. */
  readonly url: string;
  readonly received: Received;
  /** Order by order, for batches. */
  readonly outcomes: Outcomes;
  readonly outcome: Outcome;
};

/** Sends them once. Never rejects: without a reply the outcome is `unknown`. */
export const sendOrders = (
  connections: Pick<Connections, "url" | "post">,
  mode: string,
  orders: readonly Order[],
): Promise<Attempt> =>
  new Promise((resolve) => {
    const { path, body, key } = requestOf(mode, orders);
    connections.post(path, body, key, (received) => {
      const outcomes = outcomesOf(received, orders.length);
      resolve({ url: connections.url, received, outcomes, outcome: outcomeOf(outcomes) });
    });
  });

export type Delivery = {
  /** Called before each attempt: a retry may go to another API. */
  readonly connections: () => Pick<Connections, "url" | "post">;
  readonly mode: string;
  readonly orders: readonly Order[];
  /** Called before each retry. */
  readonly pauseMs: () => number;
  /** Ends the retries. A request under way is still waited for; `Connections.close` ends it. */
  readonly signal: AbortSignal;
  /** Called after each attempt, the last one included. */
  readonly onAttempt?: (attempt: Attempt) => void;
  /** Whether there is no retry after this attempt; by default only once acknowledged. */
  readonly isFinal?: (attempt: Attempt) => boolean;
};

/** Resolves with the last attempt, null when `signal` had aborted before the first. */
export const deliver = async (delivery: Delivery): Promise<Attempt | null> => {
  const { connections, mode, orders, pauseMs, signal, onAttempt, isFinal = isAcknowledged } = delivery;
  let last: Attempt | null = null;
  while (!signal.aborted) {
    if (last !== null) await pause(pauseMs(), signal);
    if (signal.aborted) break;
    last = await sendOrders(connections(), mode, orders);
    onAttempt?.(last);
    if (isFinal(last)) break;
  }
  return last;
};

const isAcknowledged = ({ outcome }: Attempt): boolean => outcome === "acknowledged";
