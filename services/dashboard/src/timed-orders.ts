/** Sends one order through each mode and times it: until it is acknowledged, counted, and shown on this page. */
import type { Setup } from "../../../shared/wire/operations.ts";
import { type Api, isUnconfirmed, messageOf, orderIdOf, randomOrder } from "./api.ts";

/** One order; times are in milliseconds since it was sent. */
export type TimedOrder = {
  readonly id: string;
  /** By the page's clock. */
  readonly sentMs: number;
  /** The status in the reply and its time; null before. */
  readonly acknowledged: { readonly status: string; readonly ms: number } | null;
  /** When GET /api/orders/{id} reported it as counted; null if it was not asked, or not yet. */
  readonly countedMs: number | null;
  /** When it was among the recent orders sent to this page. */
  readonly shownMs: number | null;
  /** The server's reason for rejecting it. */
  readonly rejection: string | null;
  /** The reason why it may have been accepted or not: no reply, or one that says so. */
  readonly doubt: string | null;
  /** The page no longer waits for it. */
  readonly isTimedOut: boolean;
};

/** The page waits this long for the acknowledgement and the count. */
export const TIMEOUT_MS = 30_000;

export const sent = (id: string, sentMs: number): TimedOrder => ({
  id,
  sentMs,
  acknowledged: null,
  countedMs: null,
  shownMs: null,
  rejection: null,
  doubt: null,
  isTimedOut: false,
});

/** The order may be shown before its reply arrives; both times are kept. */
export const acknowledged = (order: TimedOrder, status: string, nowMs: number): TimedOrder => ({
  ...order,
  acknowledged: { status, ms: Math.max(0, nowMs - order.sentMs) },
});

export const rejected = (order: TimedOrder, reason: string): TimedOrder => ({ ...order, rejection: reason });

export const doubted = (order: TimedOrder, reason: string): TimedOrder => ({ ...order, doubt: reason });

export const counted = (order: TimedOrder, nowMs: number): TimedOrder => ({
  ...order,
  countedMs: order.countedMs ?? nowMs - order.sentMs,
});

/** Only the first time counts. */
export const shown = (order: TimedOrder, nowMs: number): TimedOrder =>
  order.shownMs === null ? { ...order, shownMs: nowMs - order.sentMs } : order;

export const timedOut = (order: TimedOrder): TimedOrder => ({ ...order, isTimedOut: true });

/** Whether the page waits for nothing more; a counted order may still be shown. */
export const isOver = ({ acknowledged: reply, doubt, rejection, ...order }: TimedOrder): boolean => {
  const isReplied = reply !== null || doubt !== null;
  const hasArrived = order.shownMs !== null || order.countedMs !== null;
  return rejection !== null || order.isTimedOut || (isReplied && hasArrived);
};

/** The length of the order's bar on the time scale. */
export const reachedMs = (order: TimedOrder, nowMs: number): number => {
  const known = order.shownMs ?? order.countedMs;
  if (known !== null) return Math.max(known, order.acknowledged?.ms ?? 0);
  if (order.rejection !== null) return 0;
  return Math.min(TIMEOUT_MS, nowMs - order.sentMs);
};

/** The scale that all bars share: the first round value above the longest one. */
const SCALES_MS = [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000];
export const scaleFor = (ms: number): number => SCALES_MS.find((scale) => ms <= scale) ?? ms;

/** The order's stages in a sentence. `isReceiving`: the page receives new figures. `span` formats a duration. */
export const orderText = (order: TimedOrder, isReceiving: boolean, span: (ms: number) => string): string => {
  if (order.rejection !== null) return order.rejection;
  const reply = replyText(order, span);
  if (order.shownMs !== null) return `${reply}; counted and shown here after ${span(order.shownMs)}.`;
  const notReceiving = isReceiving ? "" : " This page receives no new figures.";
  if (order.countedMs !== null) {
    const why = isReceiving ? ", but not among the latest orders that this page received" : "";
    return `${reply}; counted within ${span(order.countedMs)}${why}.${notReceiving}`;
  }
  if (!order.isTimedOut) return `${reply}.`;
  const safe = order.acknowledged === null ? "" : ", but not lost";
  return `${reply}; not known to be counted within ${span(TIMEOUT_MS)}${safe}.${notReceiving}`;
};

const replyText = ({ acknowledged: reply, doubt }: TimedOrder, span: (ms: number) => string): string => {
  if (reply !== null) return `Acknowledged (${reply.status}) after ${span(reply.ms)}`;
  return doubt === null ? "Sent" : `${doubt} It may have been accepted`;
};

export type TimedOrders = {
  /** `serverMs` is the server's time: an order's key contains a time, and the page's clock may be wrong. */
  send(setup: Setup, serverMs: number): void;
  /** These orders have just been sent to this page. */
  onRecent(orders: readonly { readonly id: string }[]): void;
  /** The latest order of each mode. */
  orders(): ReadonlyMap<string, TimedOrder>;
  isRunning(): boolean;
};

/** Under load an order may never be among the fifty recent ones: after this long the page asks for it. */
const ASK_AFTER_MS = 3_000;
const ASK_EVERY_MS = 1_000;
const RANDOM_BYTES = 10;

export const openTimedOrders = (api: Api, onChange: () => void): TimedOrders => {
  let orders = new Map<string, TimedOrder>();

  const isRunning = (): boolean => [...orders.values()].some((order) => !isOver(order));
  /** Ignores an order that a newer one of its mode has replaced. */
  const update = (mode: string, id: string, next: (order: TimedOrder) => TimedOrder): void => {
    const order = orders.get(mode);
    if (order?.id === id) orders.set(mode, next(order));
    onChange();
  };
  const watch = async (mode: string, id: string, sentMs: number): Promise<void> => {
    const isPending = (): boolean => {
      const order = orders.get(mode);
      return order?.id === id && !isOver(order);
    };
    await pause(ASK_AFTER_MS);
    for (; isPending(); await pause(ASK_EVERY_MS)) {
      if (await isCounted(api, id)) update(mode, id, (order) => counted(order, performance.now()));
      else if (performance.now() - sentMs > TIMEOUT_MS) update(mode, id, timedOut);
    }
  };
  const sendOne = async (mode: string, body: object, id: string): Promise<void> => {
    const path = `api/${mode}/order`;
    const sentMs = performance.now();
    orders.set(mode, sent(id, sentMs));
    void watch(mode, id, sentMs);
    try {
      const { status } = await api.post<{ status: string }>(path, body, { "idempotency-key": id });
      const repliedMs = replyTimeMs(new URL(path, api.url).href, sentMs);
      update(mode, id, (order) => acknowledged(order, status, repliedMs));
    } catch (error) {
      const failed = isUnconfirmed(error) ? doubted : rejected;
      update(mode, id, (order) => failed(order, messageOf(error)));
    }
  };
  return {
    send: (setup, serverMs) => {
      orders = new Map();
      // a load may have filled the browser's buffer of request timings
      performance.clearResourceTimings();
      const body = randomOrder(setup, Math.random);
      for (const { name } of setup.modes)
        void sendOne(name, body, orderIdOf(serverMs, crypto.getRandomValues(new Uint8Array(RANDOM_BYTES))));
      onChange();
    },
    onRecent: (recent) => {
      const nowMs = performance.now();
      for (const [mode, order] of orders)
        if (order.shownMs === null && recent.some(({ id }) => id === order.id))
          orders.set(mode, shown(order, nowMs));
    },
    orders: () => orders,
    isRunning,
  };
};

/** When the reply arrived by the browser's network timing: a busy page processes it later. */
const replyTimeMs = (url: string, sentMs: number): number => {
  const entry = performance.getEntriesByName(url, "resource").at(-1);
  if (!(entry instanceof PerformanceResourceTiming) || entry.startTime < sentMs) return performance.now();
  return entry.responseEnd > 0 ? entry.responseEnd : performance.now();
};

const isCounted = async (api: Api, id: string): Promise<boolean> => {
  try {
    return (await api.get<{ status: string }>(`api/orders/${id}`)).status === "counted";
  } catch {
    // not visible yet, or the server is unreachable: the caller asks again
    return false;
  }
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
