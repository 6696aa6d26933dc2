/**
 * Demo traffic: customers of shared/domain/demand.ts buy through every mode in turn, at Poisson times that follow
 * the shop's day. It is decoration: it drops what it cannot send and never fails the stack that shows it.
 */
import type { Catalogue } from "#shared/domain/catalogue.ts";
import { demandAt, ITEMS_PER_SALE, openCustomers } from "#shared/domain/demand.ts";
import type { OrderRequest } from "#shared/domain/order.ts";
import { randomFrom } from "#shared/domain/random.ts";
import { pause } from "#shared/runtime/retry.ts";

export type DemoOptions = {
  /** The order API, as http://127.0.0.1:8005 */
  readonly url: string;
  readonly modes: readonly string[];
  readonly catalogue: Catalogue;
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
/** At night a newcomer must still see it move, and Saturday's noon must not load a laptop. */
const INTENSITY = { least: 0.3, most: 2 };
/** Five seconds of the default rate: when the API hangs, further orders are dropped, not queued. */
const MOST_IN_FLIGHT = 64;
const TIMEOUT_MS = 5_000;

export const startDemo = (options: DemoOptions): Demo => {
  const seed = options.seed ?? Date.now();
  const customers = openCustomers(seed, options.catalogue);
  const random = randomFrom(seed + 1);
  const salesPerMs = (options.ordersPerSecond ?? DEFAULT_ORDERS_PER_SECOND) / ITEMS_PER_SALE / 1_000;
  const inFlight = new Set<Promise<void>>();
  const counts = { accepted: 0, dropped: 0 };

  const send = (mode: string, order: OrderRequest): void => {
    if (inFlight.size >= MOST_IN_FLIGHT) {
      counts.dropped++;
      return;
    }
    const sent = isAccepted(`${options.url}/api/${mode}/order`, order, options.signal).then((accepted) => {
      counts[accepted ? "accepted" : "dropped"]++;
      inFlight.delete(sent);
    });
    inFlight.add(sent);
  };

  const run = async (): Promise<void> => {
    if (options.modes.length === 0) return;
    let dueMs = Date.now();
    for (let sale = 0; ; sale++) {
      const intensity = Math.min(INTENSITY.most, Math.max(INTENSITY.least, demandAt(dueMs)));
      dueMs += random.gap(1 / (salesPerMs * intensity));
      // A laptop that slept must not catch up a night's sales in a burst.
      dueMs = Math.max(dueMs, Date.now() - 1_000);
      if (dueMs > Date.now()) await pause(dueMs - Date.now(), options.signal);
      if (options.signal.aborted) break;
      const mode = options.modes[sale % options.modes.length] ?? "";
      for (const order of customers.nextSale(Date.now())) send(mode, order);
    }
    await Promise.all(inFlight);
  };

  return { counts: () => ({ ...counts }), done: run() };
};

const isAccepted = async (url: string, order: OrderRequest, signal: AbortSignal): Promise<boolean> => {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(order),
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    // Read to its end, so that the connection is free for the next order.
    await response.arrayBuffer();
    return response.ok;
  } catch {
    // Refused, reset or timed out: the caller counts it as dropped.
    return false;
  }
};
