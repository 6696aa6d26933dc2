/** Customers at an open-loop rate, who send the same order again under its key until it is acknowledged. */
import { setTimeout as sleep } from "node:timers/promises";
import { v7 as newOrderId } from "uuid";
import type { Outcome } from "#shared/client/outcome.ts";
import type { Random } from "#shared/domain/random.ts";
import catalogue from "../../services/order-api/catalogue.json" with { type: "json" };
import type { Body, Ledger } from "../system/account.ts";
import { type OrderRequest, type OrderResult, resultOf } from "./readiness.ts";

export type ClientOptions = {
  readonly urls: readonly string[];
  readonly mode: string;
  readonly random: Random;
  readonly requestsPerSecond: number;
  /** The time of an order's sale; by default nearly all are of now. */
  readonly timestamp?: (random: Random) => string | null;
};

export type Clients = {
  /** Sends nothing new; resolves when all is acknowledged, or after so long, with how many valid orders were not. */
  stop(withinMs: number): Promise<number>;
  /** How long after it was due a request was sent, 99th percentile: this machine's own slowness. */
  lateP99Ms(): number;
  /** Every request of valid orders whose reply, or its absence, says whether the mode accepts. */
  readonly requests: readonly OrderRequest[];
  /** One batch, for a fault that needs its own. */
  send(orders: readonly Order[]): Promise<void>;
  order(): Order;
};

export type Order = { readonly id: string; readonly body: Body };

const REPLY_WITHIN_MS = 4_000;
const LEAST_PAUSE_MS = 100;
const MOST_PAUSE_MS = 1_000;
const BATCH_ORDERS = 20;
/** Of all requests. */
const SHARES = { batch: 0.1, invalid: 0.03, again: 0.03, late: 0.1 };
const DAY_MS = 86_400_000;

const mostlyNow = (random: Random): string | null =>
  random.next() < SHARES.late ? new Date(Date.now() - random.below(2 * DAY_MS)).toISOString() : null;

export const startClients = (ledger: Ledger, options: ClientOptions): Clients => {
  const { urls, mode, random, requestsPerSecond } = options;
  const under = new Set<Promise<void>>();
  const acknowledged: Order[] = [];
  const giveUp = new AbortController();
  const { requests, attempt } = openAttempts(mode, giveUp.signal);
  let untaken = 0;

  const order = (): Order => ({
    id: newOrderId(),
    body: {
      drink: random.pick(catalogue.drinks),
      store: random.pick(catalogue.stores),
      cents: 150 + random.below(600),
      timestamp: (options.timestamp ?? mostlyNow)(random),
    },
  });

  const sendUntilAcknowledged = async (orders: readonly Order[], isValid: boolean): Promise<void> => {
    for (let first = true; !giveUp.signal.aborted; first = false) {
      if (!first) await sleep(LEAST_PAUSE_MS + random.next() * (MOST_PAUSE_MS - LEAST_PAUSE_MS));
      const outcome = await attempt(random.pick(urls), orders, isValid);
      for (const { id } of orders) ledger.record(id, outcome);
      if (outcome === "acknowledged") return void acknowledged.push(...orders);
      if (!isValid && outcome === "refused") return;
    }
    if (isValid) untaken += orders.length;
  };

  const send = (orders: readonly Order[], isValid = true, dueMs = performance.now()): Promise<void> => {
    for (const { id, body } of orders) if (!ledger.get(id)) ledger.add(id, body, dueMs);
    const sending = sendUntilAcknowledged(orders, isValid).finally(() => under.delete(sending));
    under.add(sending);
    return sending;
  };

  const sendNext = (dueMs: number): void => {
    const chance = random.next();
    const { batch, invalid, again } = SHARES;
    if (chance < batch)
      void send(Array.from({ length: 2 + random.below(BATCH_ORDERS - 1) }, order), true, dueMs);
    else if (chance < batch + invalid) void send([order()], false, dueMs);
    else if (chance < batch + invalid + again && acknowledged.length > 0)
      void send([random.pick(acknowledged)]);
    else void send([order()], true, dueMs);
  };

  const arrivals = openArrivals(random, requestsPerSecond, sendNext);
  return {
    requests,
    send,
    order,
    lateP99Ms: arrivals.lateP99Ms,
    stop: async (withinMs) => {
      await arrivals.stop();
      const timer = setTimeout(() => giveUp.abort(), withinMs);
      await Promise.all(under);
      clearTimeout(timer);
      return untaken;
    },
  };
};

/** Calls `onDue` at the times of a Poisson process, however long what it begins may take. */
const openArrivals = (random: Random, perSecond: number, onDue: (dueMs: number) => void) => {
  const lateMs: number[] = [];
  let isOver = false;
  const arrive = async (): Promise<void> => {
    for (let dueMs = performance.now(); !isOver; ) {
      dueMs += random.gap(1_000 / perSecond);
      const waitMs = dueMs - performance.now();
      if (waitMs > 0) await sleep(waitMs);
      lateMs.push(performance.now() - dueMs);
      onDue(dueMs);
    }
  };
  const ended = arrive();
  return {
    lateP99Ms: (): number => lateMs.sort((a, b) => a - b)[Math.floor(lateMs.length * 0.99)] ?? 0,
    stop: (): Promise<void> => {
      isOver = true;
      return ended;
    },
  };
};

/** Sends requests and records what each one says about the mode of its API. */
const openAttempts = (mode: string, giveUp: AbortSignal) => {
  const requests: OrderRequest[] = [];
  const attempt = async (url: string, orders: readonly Order[], isValid: boolean): Promise<Outcome> => {
    const sentMs = performance.now();
    const { outcome, result } = await exchange(url, mode, orders, isValid, giveUp);
    // a request that was given up says nothing
    const isDecided = isValid && result !== null && !giveUp.aborted;
    if (isDecided) requests.push({ url, sentMs, decidedMs: performance.now(), result });
    return outcome;
  };
  return { requests, attempt };
};

type Exchanged = { readonly outcome: Outcome; readonly result: OrderResult | null };

const exchange = async (...request: Parameters<typeof post>): Promise<Exchanged> => {
  try {
    const response = await post(...request);
    const reply = (await response.json()) as Reply;
    return {
      outcome: outcomeOf(response.status, reply, request[2]),
      result: resultOf(response.status, reply.type),
    };
  } catch (error) {
    // connection refused, reset, cut off or too late: the outcome is unknown; only a late reply is a refusal
    const isLate = (error as Error).name === "TimeoutError";
    return { outcome: "unknown", result: isLate ? resultOf(null) : null };
  }
};

/** One request. An invalid one carries a price that no order may have. */
export const post = (
  url: string,
  mode: string,
  orders: readonly Order[],
  isValid: boolean,
  signal: AbortSignal,
): Promise<Response> => {
  const [single] = orders.length === 1 ? orders : [];
  const bodies = orders.map(({ id, body: { drink, store, cents, timestamp } }) => ({
    ...(single ? {} : { id }),
    drink,
    store,
    price: isValid ? cents / 100 : -1,
    ...(timestamp !== null && { timestamp }),
  }));
  return fetch(`${url}/api/${mode}/${single ? "order" : "orders"}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(single && { "idempotency-key": single.id }) },
    body: JSON.stringify(single ? bodies[0] : bodies),
    signal: AbortSignal.any([AbortSignal.timeout(REPLY_WITHIN_MS), signal]),
  });
};

type Reply = { type?: string; detail?: string; ids?: string[] };

const outcomeOf = (status: number, { detail = "", ids }: Reply, orders: readonly Order[]): Outcome => {
  if (status === 200 || status === 201 || status === 202) {
    // a part of a valid batch was refused: it is sent again, and reported if it is never accepted
    return ids === undefined || ids.length === orders.length ? "acknowledged" : "unknown";
  }
  if (status === 422 || (status === 503 && detail.includes("not taken"))) return "refused";
  return "unknown";
};
