/** The requests of a run, whoever sends them: path, headers and body by the number of the arrival. Pure. */
import { idsOf } from "./ids.ts";
import type { Orders } from "./orders.ts";
import type { Planned } from "./scenarios.ts";
import type { Settings } from "./settings.ts";

export type OrderRequest = {
  /** From the server's root. */
  readonly path: string;
  readonly body: string;
  /** The order's id; null for a batch, whose orders have theirs in the body. */
  readonly key: string | null;
};

/** `nowMs` is the time of the clock, which the app's users send. */
export type RequestOf = (planned: Planned, iteration: number, nowMs: number) => OrderRequest;

export const openOrderRequests = (
  { mode, run, runStartMs, ordersPerRequest }: Settings,
  orders: Orders,
): RequestOf => {
  const isBatch = ordersPerRequest > 1;
  const path = `/api/${mode}/${isBatch ? "orders" : "order"}`;
  /** By scenario. */
  const ids: ReturnType<typeof idsOf>[] = [];
  return ({ number, customers }, iteration, nowMs) => {
    const idOf = ids[number] ?? idsOf(run, number, runStartMs);
    ids[number] = idOf;
    if (!isBatch) {
      const body = orders.textOf(customers, number, iteration, 0, nowMs);
      return { path, body, key: idOf(iteration, 0) };
    }
    const texts: string[] = [];
    for (let item = 0; item < ordersPerRequest; item++)
      texts.push(orders.textWithId(customers, number, iteration, item, nowMs, idOf(iteration, item)));
    return { path, body: `[${texts.join(",")}]`, key: null };
  };
};
