/**
 * Demo traffic: customers of shared/domain/demand.ts buy through every mode in turn, at Poisson times that follow
 * the shop's day. It is decoration: it drops what it cannot send and never fails the stack that shows it.
 */
import type { Catalogue } from "#shared/domain/catalogue.ts";
import { demandAt, ITEMS_PER_SALE, openCustomers } from "#shared/domain/demand.ts";
import { randomFrom } from "#shared/domain/random.ts";
import { openConnections } from "./system/client/connections.ts";
import { paced } from "./system/client/pacing.ts";

export type DemoOptions = {
  /** The order API, as http://127.0.0.1:8005 */
  readonly url: string;
  readonly modes: readonly string[];
  readonly catalogue: Catalogue;
  /** Where the API requires one. */
  readonly token?: string | null;
  /** Over all modes together, at the mean of the open hours. */
  readonly ordersPerSecond?: number;
  readonly seed?: number;
  readonly signal: AbortSignal;
};

export type Demo = {
  counts(): { readonly accepted: number; readonly dropped: number };
  /** Resolves, never rejects, once `signal` has aborted and nothing is in flight. */
  readonly done: Promise<void>;
};

const DEFAULT_ORDERS_PER_SECOND = 12;
/** Visible at night, and no load on a laptop at Saturday's noon. */
const INTENSITY = { least: 0.3, most: 2 };
/** Five seconds of the default rate: when the API hangs, further orders are dropped, not queued. */
const MOST_IN_FLIGHT = 64;
const REPLY_WITHIN_MS = 5_000;
/** A process that was suspended must not send a night's sales in a burst. */
const MOST_CATCH_UP_MS = 1_000;

export const startDemo = (options: DemoOptions): Demo => {
  const { url, modes, catalogue, signal, seed = Date.now() } = options;
  const customers = openCustomers(seed, catalogue);
  const random = randomFrom(seed + 1);
  const salesPerMs = (options.ordersPerSecond ?? DEFAULT_ORDERS_PER_SECOND) / ITEMS_PER_SALE / 1_000;
  const connections = openConnections(url, REPLY_WITHIN_MS, options.token);
  const counts = { accepted: 0, dropped: 0 };
  const startMs = performance.now();
  /** The modes that answered 401 or 403: their further orders would be denied as well. */
  const denied = new Set<string>();
  let dueMs = 0;

  const nextDueMs = (): number => {
    const intensity = Math.min(INTENSITY.most, Math.max(INTENSITY.least, demandAt(Date.now())));
    dueMs += random.gap(1 / (salesPerMs * intensity));
    dueMs = Math.max(dueMs, performance.now() - startMs - MOST_CATCH_UP_MS);
    return dueMs;
  };
  const send = (mode: string, body: string): void => {
    if (denied.has(mode)) return;
    if (connections.underWay() >= MOST_IN_FLIGHT) return void counts.dropped++;
    connections.post(`/api/${mode}/order`, body, null, ({ status }) => {
      if (status === 401 || status === 403) denied.add(mode);
      counts[status >= 200 && status < 300 ? "accepted" : "dropped"]++;
    });
  };
  const sell = (sale: number): void => {
    const mode = modes[sale % modes.length] ?? "";
    for (const order of customers.nextSale(Date.now())) send(mode, JSON.stringify(order));
  };
  const run = async (): Promise<void> => {
    const durationMs = modes.length === 0 ? 0 : Number.POSITIVE_INFINITY;
    await paced({ offsetOf: nextDueMs, durationMs, send: sell, signal }, startMs);
    await connections.close();
  };
  return { counts: () => ({ ...counts }), done: run() };
};
