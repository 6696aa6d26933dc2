import type { Registry } from "prom-client";
import type { Order } from "#shared/domain/order.ts";
import type { Outcome, UnavailableReason } from "#shared/ports.ts";
import { ACK_BUCKETS_SECONDS, boundedLabel, openHistogram, openTally } from "#shared/runtime/prometheus.ts";

export type OrderMetrics = {
  /** What became of the orders of one request, `ackMs` after it came. */
  taken(mode: string, orders: readonly Order[], outcomes: readonly Outcome[], ackMs: number): void;
  rejected(mode: string, reason: string, orders: number): void;
};

/** A client's own mistake; the objective of availability leaves these out (grafana/rules/recording.ts). */
export const REFUSED_FOR_CLIENTS = ["invalid", "malformed", "too_large", "media_type", "conflict"];
/** A backend that is full or away, and a fault of ours; a type, so that a reason that is new is not left out. */
const REFUSED_FOR_US: Record<UnavailableReason | "internal", true> = {
  queue_full: true,
  timeout: true,
  backend_away: true,
  outcome_unknown: true,
  lag: true,
  overloaded: true,
  closing: true,
  internal: true,
};
const REJECTION_REASONS = [...REFUSED_FOR_CLIENTS, ...Object.keys(REFUSED_FOR_US)];

/** Ten thousand stores must not become ten thousand series. */
const MOST_LABELS = 50;

export const openOrderMetrics = (
  registry: Registry,
  catalogue: { readonly stores: readonly string[]; readonly drinks: readonly string[] },
  modes: Iterable<string>,
): OrderMetrics => {
  const storeLabel = boundedLabel(catalogue.stores, MOST_LABELS);
  const drinkLabel = boundedLabel(catalogue.drinks, MOST_LABELS);
  const counter = (name: string, help: string, labelNames: string[], unit = 1) =>
    openTally({ name, help, labelNames, registry, unit });
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
  const value = counter(
    "order_value_total",
    "Revenue of accepted orders, in currency units",
    ["store"],
    0.01,
  );
  const ack = openHistogram({
    name: "coffee_ingest_ack_seconds",
    help: "From a request's arrival to the durable acceptance of its orders",
    labelNames: ["mode"],
    buckets: ACK_BUCKETS_SECONDS,
    registry,
  });
  // what begins at its first event is missed by every rate
  for (const mode of modes) {
    accepted(0, mode);
    duplicates(0, mode);
    for (const reason of REJECTION_REASONS) rejected(0, mode, reason);
  }
  return {
    taken: (mode, orders, outcomes, ackMs) => {
      let news = 0;
      let replayed = 0;
      for (const [index, outcome] of outcomes.entries()) {
        const order = orders[index];
        if (order === undefined || outcome instanceof Error) continue;
        if (outcome.replayed) {
          replayed++;
          continue;
        }
        news++;
        const store = storeLabel(order.store);
        created(1, drinkLabel(order.drink), store, mode);
        value(order.priceCents, store);
      }
      if (replayed > 0) duplicates(replayed, mode);
      if (news === 0) return;
      accepted(news, mode);
      ack(ackMs / 1_000, 1, mode);
    },
    rejected: (mode, reason, orders) => {
      if (orders > 0) rejected(orders, mode, reason);
    },
  };
};
