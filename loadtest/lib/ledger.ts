/**
 * What became of the orders of a request. Whatever was not acknowledged is logged, a line for each request: then the
 * acknowledged orders are all the others, and no list of them is needed.
 */

export type Reply = {
  /** 0 when there was none. */
  readonly status: number;
  readonly body: string;
  /** Of a single order: the header Idempotency-Replayed. */
  readonly isReplay: boolean;
};

/** Refused: nothing was taken. Unknown: it may be taken or not. */
export type Failure = {
  readonly outcome: "refused" | "unknown";
  readonly status: number;
  /** Of the problem that was the reply; "" without one. */
  readonly type: string;
  /** The orders' places in their request; without it, all of them. */
  readonly items?: readonly number[];
};

export type Account = {
  readonly acknowledged: number;
  readonly replayed: number;
  readonly failure: Failure | null;
};

/** Problems that say that nothing was taken (services/order-api/refusals.ts). */
const NOTHING_TAKEN: ReadonlySet<string> = new Set(["queue-full", "timeout", "lag", "overloaded", "closing"]);
const ACKNOWLEDGED: ReadonlySet<number> = new Set([200, 201, 202]);

export const accountOf = (reply: Reply, orders: number): Account => {
  const { status, body, isReplay } = reply;
  if (!ACKNOWLEDGED.has(status)) return { acknowledged: 0, replayed: 0, failure: failureOf(status, body) };
  if (orders === 1) return { acknowledged: 1, replayed: isReplay ? 1 : 0, failure: null };
  // by far most replies; reading the ids of a thousand orders would cost more than all the rest
  if (body.endsWith('"replayed":0,"rejected":[]}'))
    return { acknowledged: orders, replayed: 0, failure: null };
  return batchAccount(status, body, orders);
};

/** The line that a generator logs; Node reads it back. */
export const ledgerLine = (scenario: number, iteration: number, failure: Failure): string =>
  JSON.stringify({ ledger: 1, scenario, iteration, ...failure });

/** A planned order that was never sent: nothing was taken. */
export const NOT_SENT: Failure = { outcome: "refused", status: 0, type: "not-sent" };

const failureOf = (status: number, body: string): Failure => {
  const type = typeOf(body);
  const isRefusal = (status >= 400 && status < 500) || (status === 503 && NOTHING_TAKEN.has(type));
  return { outcome: isRefusal ? "refused" : "unknown", status, type };
};

const typeOf = (body: string): string => {
  const { type } = membersOf(body);
  return typeof type === "string" ? type : "";
};

const batchAccount = (status: number, body: string, orders: number): Account => {
  const { replayed, rejected } = membersOf(body);
  // an acknowledgement that cannot be read says nothing about the orders in it
  if (typeof replayed !== "number" || !Array.isArray(rejected))
    return { acknowledged: 0, replayed: 0, failure: { outcome: "unknown", status, type: "" } };
  const items = [...new Set(rejected.map((each: { index: number }) => each.index))];
  return {
    acknowledged: orders - items.length,
    replayed,
    failure: items.length === 0 ? null : { outcome: "refused", status, type: "rejected", items },
  };
};

const membersOf = (body: string): Record<string, unknown> => {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    // a proxy's page, or half a reply
    return {};
  }
};
