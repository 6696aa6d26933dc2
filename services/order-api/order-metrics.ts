import { Counter, Histogram, type Registry } from "prom-client";
import type { Order } from "#shared/domain/order.ts";
import type { Outcome } from "#shared/ports.ts";
import { ACK_BUCKETS_SECONDS, boundedLabel } from "#shared/runtime/prometheus.ts";

export type OrderMetrics = {
  /** What became of the orders of one request, `ackMs` after it came. */
  taken(mode: string, orders: readonly Order[], outcomes: readonly Outcome[], ackMs: number): void;
  rejected(mode: string, reason: string, orders: number): void;
};

/** Ten thousand stores must not become ten thousand series. */
const MOST_LABELS = 50;

export const openOrderMetrics = (
  registry: Registry,
  catalogue: { readonly stores: readonly string[]; readonly drinks: readonly string[] },
  modes: Iterable<string>,
): OrderMetrics => {
  const storeLabel = boundedLabel(catalogue.stores, MOST_LABELS);
  const drinkLabel = boundedLabel(catalogue.drinks, MOST_LABELS);
  const counter = (name: string, help: string, labelNames: string[]) =>
    new Counter({ name, help, labelNames, registers: [registry] });
  const accepted = counter("coffee_orders_accepted_total", "Orders accepted durably", ["mode"]);
  const rejected = counter("coffee_orders_rejected_total", "Orders not accepted, by reason", [
    "mode",
    "reason",
  ]);
  const duplicates = counter("coffee_orders_duplicate_total", "Orders that had been accepted before", [
    "mode",
  ]);
  const created = counter("orders_created_total", "Orders accepted, by drink and store", [
    "drink",
    "store",
    "version",
  ]);
  const value = counter("order_value_total", "Revenue of accepted orders, in currency units", ["store"]);
  const ack = new Histogram({
    name: "coffee_ingest_ack_seconds",
    help: "From an order's arrival to its durable acceptance",
    labelNames: ["mode"],
    buckets: ACK_BUCKETS_SECONDS,
    registers: [registry],
  });
  for (const mode of modes) accepted.inc({ mode }, 0);
  return {
    taken: (mode, orders, outcomes, ackMs) => {
      for (const [index, { store: name, drink, priceCents }] of orders.entries()) {
        const outcome = outcomes[index];
        if (outcome === undefined || outcome instanceof Error) continue;
        if (outcome.replayed) {
          duplicates.inc({ mode });
          continue;
        }
        accepted.inc({ mode });
        ack.observe({ mode }, ackMs / 1_000);
        const store = storeLabel(name);
        created.inc({ drink: drinkLabel(drink), store, version: mode });
        value.inc({ store }, priceCents / 100);
      }
    },
    rejected: (mode, reason, orders) => {
      if (orders > 0) rejected.inc({ mode, reason }, orders);
    },
  };
};
