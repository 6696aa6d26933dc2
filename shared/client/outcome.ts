/**
 * What a reply of the API means for the orders of its request: acknowledged, refused, or unknown. All clients use these
 * rules: the load generators, the fault runs and the audit. Pure, because k6 loads it too.
 */

export type Reply = {
  /** 0 when there was none. */
  readonly status: number;
  readonly body: string;
  /** Of a single order: the header Idempotency-Replayed. */
  readonly isReplay: boolean;
};

/** `refused`: the API did not accept them, and will not later. `unknown`: it may have accepted them or not. */
export type Outcome = "acknowledged" | "refused" | "unknown";

export type Failure = {
  readonly outcome: "refused" | "unknown";
  readonly status: number;
  /** The type of the problem document; "" without one. */
  readonly type: string;
  /** The positions of the failed orders in their request; without it, all of them failed. */
  readonly items?: readonly number[];
};

export type Outcomes = {
  readonly acknowledged: number;
  readonly replayed: number;
  /** Null when every order was acknowledged. */
  readonly failure: Failure | null;
};

const ACKNOWLEDGED: ReadonlySet<number> = new Set([200, 201, 202]);
/** Problems with status 503 that mean that no order was accepted (services/order-api/limits.ts). */
const REFUSALS: ReadonlySet<string> = new Set(["queue-full", "timeout", "lag", "overloaded", "closing"]);
/** In the detail of any other 503 that was sent before an order reached the backend. */
const NOT_TAKEN = "not taken";

/** `orders` is how many the request held. */
export const outcomesOf = ({ status, body, isReplay }: Reply, orders: number): Outcomes => {
  if (!ACKNOWLEDGED.has(status)) return { acknowledged: 0, replayed: 0, failure: failureOf(status, body) };
  if (orders === 1) return { acknowledged: 1, replayed: isReplay ? 1 : 0, failure: null };
  // most replies; parsing a thousand ids would cost more than the rest of the request
  if (body.endsWith('"replayed":0,"rejected":[]}'))
    return { acknowledged: orders, replayed: 0, failure: null };
  return batchOutcomes(status, body, orders);
};

/** The outcome of a request as a whole: `unknown` for a batch of which only a part was acknowledged. */
export const outcomeOf = ({ acknowledged, failure }: Outcomes): Outcome => {
  if (failure === null) return "acknowledged";
  return acknowledged > 0 ? "unknown" : failure.outcome;
};

const failureOf = (status: number, body: string): Failure => {
  const members = membersOf(body);
  const type = textOf(members["type"]);
  const isRefusal =
    (status >= 400 && status < 500) ||
    (status === 503 && (REFUSALS.has(type) || textOf(members["detail"]).includes(NOT_TAKEN)));
  return { outcome: isRefusal ? "refused" : "unknown", status, type };
};

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

const batchOutcomes = (status: number, body: string, orders: number): Outcomes => {
  const { replayed, rejected } = membersOf(body);
  // an acknowledgement that cannot be parsed leaves its orders unknown
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
    // a proxy's page, or a part of a reply
    return {};
  }
};
