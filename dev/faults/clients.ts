/** Customers in an open loop, who resend each order under its id until it is acknowledged. */
import { v7 as newOrderId } from "uuid";
import type { Random } from "#shared/domain/random.ts";
import { DAY_MS, iso } from "#shared/domain/time.ts";
import catalogue from "../../services/order-api/catalogue.json" with { type: "json" };
import type { Ledger } from "../system/account.ts";
import { openConnections } from "../system/client/connections.ts";
import { type Attempt, deliver, type Order, sendOrders } from "../system/client/orders.ts";
import { paced, poissonOffsets } from "../system/client/pacing.ts";
import { openSocketConnection } from "../system/client/sockets.ts";
import { type OrderRequest, resultOf } from "./readiness.ts";

export type ClientOptions = {
  readonly urls: readonly string[];
  readonly mode: string;
  readonly random: Random;
  readonly requestsPerSecond: number;
  /** The event time of an order; by default that of its acceptance for nine of ten. */
  readonly timestamp?: (random: Random) => string | null;
};

export type Clients = {
  /**
   * Sends no new order; resolves when every order is acknowledged, or after `withinMs`, with how many valid orders were
   * not.
   */
  stop(withinMs: number): Promise<number>;
  /** How late requests were sent, 99th percentile in milliseconds: this machine's own slowness. */
  lateP99Ms(): number;
  /** Every request of valid orders whose reply, or missing reply, says whether the mode accepts orders. */
  readonly requests: readonly OrderRequest[];
  order(): Order;
  /** Delivers one more request of valid orders. */
  send(orders: readonly Order[]): Promise<void>;
  /** Sends one request to any API, once. The caller keeps the ledger. */
  attempt(orders: readonly Order[]): Promise<Attempt>;
};

const REPLY_WITHIN_MS = 4_000;
const LEAST_PAUSE_MS = 100;
const MOST_PAUSE_MS = 1_000;
const BATCH_ORDERS = 20;
/** Of all requests. */
const SHARES = { batch: 0.1, invalid: 0.03, again: 0.03 };
/** Of the attempts to send a single order. */
const SHARE_BY_SOCKET = 0.4;
/** Of all orders. */
const SHARE_LATE = 0.1;
const INVALID_CENTS = -100;

const mostlyNow = (random: Random): string | null =>
  random.next() < SHARE_LATE ? iso(Date.now() - random.below(2 * DAY_MS)) : null;

export const startClients = (ledger: Ledger, options: ClientOptions): Clients => {
  const { random, timestamp = mostlyNow } = options;
  const deliveries = openDeliveries(ledger, options);
  const pending = new Set<Promise<void>>();
  const acknowledged: Order[] = [];
  let unacknowledged = 0;

  const order = (): Order => ({
    id: newOrderId(),
    drink: random.pick(catalogue.drinks),
    store: random.pick(catalogue.stores),
    cents: 150 + random.below(600),
    timestamp: timestamp(random),
  });

  const send = (orders: readonly Order[], isValid = true, dueMs = performance.now()): Promise<void> => {
    for (const each of orders) if (!ledger.get(each.id)) ledger.add(each, dueMs);
    const sending = deliveries.deliver(orders, isValid).then((isAcknowledged) => {
      if (isAcknowledged) acknowledged.push(...orders);
      else if (isValid) unacknowledged += orders.length;
      pending.delete(sending);
    });
    pending.add(sending);
    return sending;
  };

  const arrivals = startArrivals(options, (dueMs) => {
    const chance = random.next();
    const { batch, invalid, again } = SHARES;
    if (chance < batch)
      void send(Array.from({ length: 2 + random.below(BATCH_ORDERS - 1) }, order), true, dueMs);
    else if (chance < batch + invalid) void send([order()], false, dueMs);
    else if (chance < batch + invalid + again && acknowledged.length > 0)
      void send([random.pick(acknowledged)]);
    else void send([order()], true, dueMs);
  });
  return {
    requests: deliveries.requests,
    order,
    send,
    attempt: deliveries.attempt,
    lateP99Ms: arrivals.lateP99Ms,
    stop: async (withinMs) => {
      await arrivals.stop();
      const timer = setTimeout(deliveries.giveUp, withinMs);
      await Promise.all(pending);
      clearTimeout(timer);
      deliveries.giveUp();
      return unacknowledged;
    },
  };
};

const startArrivals = (
  { random, requestsPerSecond }: ClientOptions,
  onDue: (dueMs: number) => void,
): Pick<Clients, "lateP99Ms"> & { stop(): Promise<unknown> } => {
  const lateMs: number[] = [];
  const stopping = new AbortController();
  const startMs = performance.now();
  const send = (_iteration: number, offsetMs: number): void => {
    lateMs.push(performance.now() - startMs - offsetMs);
    onDue(startMs + offsetMs);
  };
  const offsetOf = poissonOffsets(random, requestsPerSecond);
  const arrivals = paced(
    { offsetOf, durationMs: Number.POSITIVE_INFINITY, send, signal: stopping.signal },
    startMs,
  );
  return {
    lateP99Ms: () => lateMs.sort((a, b) => a - b)[Math.floor(lateMs.length * 0.99)] ?? 0,
    stop: () => {
      stopping.abort();
      return arrivals;
    },
  };
};

/** Sends orders to random APIs, by POST and over WebSockets, and records each reply in the ledger and as a request. */
const openDeliveries = (ledger: Ledger, { urls, mode, random }: ClientOptions) => {
  const apis = urls.map((url) => openConnections(url, REPLY_WITHIN_MS));
  const sockets = urls.map((url) => openSocketConnection(url, mode, REPLY_WITHIN_MS));
  const connectionFor = (orders: readonly Order[]) =>
    random.pick(orders.length === 1 && random.next() < SHARE_BY_SOCKET ? sockets : apis);
  const requests: OrderRequest[] = [];
  const givingUp = new AbortController();
  const record = (
    { url, received, outcome, outcomes }: Attempt,
    orders: readonly Order[],
    isValid: boolean,
  ): void => {
    for (const { id } of orders) ledger.record(id, outcome);
    const result = resultOf(received, outcomes.failure?.type);
    // a request that was given up says nothing
    if (!isValid || result === null || givingUp.signal.aborted) return;
    requests.push({ url, sentMs: received.sentMs, decidedMs: received.endMs, result });
  };
  return {
    requests,
    attempt: (orders: readonly Order[]): Promise<Attempt> => sendOrders(random.pick(apis), mode, orders),
    /** Until the orders are acknowledged, or refused if they are invalid; resolves with whether they were acknowledged. */
    deliver: async (orders: readonly Order[], isValid: boolean): Promise<boolean> => {
      const last = await deliver({
        connections: () => connectionFor(orders),
        mode,
        orders: isValid ? orders : orders.map((each) => ({ ...each, cents: INVALID_CENTS })),
        pauseMs: () => LEAST_PAUSE_MS + random.next() * (MOST_PAUSE_MS - LEAST_PAUSE_MS),
        signal: givingUp.signal,
        onAttempt: (attempt) => record(attempt, orders, isValid),
        isFinal: ({ outcome }) => outcome === "acknowledged" || (!isValid && outcome === "refused"),
      });
      return last?.outcome === "acknowledged";
    },
    /** Ends every delivery. */
    giveUp: (): void => {
      if (givingUp.signal.aborted) return;
      givingUp.abort();
      for (const { close } of [...apis, ...sockets]) void close();
    },
  };
};
