import { Counter, Gauge, type Registry } from "prom-client";
import {
  BATCH_BUCKETS_ORDERS,
  FRESHNESS_BUCKETS_SECONDS,
  openHistogram,
  PUBLISH_BUCKETS_SECONDS,
} from "#shared/runtime/prometheus.ts";

export type WorkerMetrics = {
  counted(orders: number, duplicates: number): void;
  batch(orders: number): void;
  deadLetter(reason: string): void;
  conflicts(orders: number): void;
  /** `stage`: from accept until committed, or until published. */
  fresh(stage: "committed" | "published", seconds: number, orders: number): void;
  /** A board was read and published in this time. */
  published(seconds: number): void;
  /** The result of comparing two hours; `null` when it failed. */
  reconciled(apartOrders: number | null): void;
};

export const openWorkerMetrics = (registry: Registry, mode: string): WorkerMetrics => {
  const registers = [registry];
  const byMode = ["mode"] as const;
  const counted = new Counter({
    name: "coffee_orders_counted_total",
    help: "Orders counted into the rollups by this process",
    labelNames: byMode,
    registers,
  });
  const duplicates = new Counter({
    name: "coffee_orders_duplicate_total",
    help: "Deliveries of orders that had been counted before",
    labelNames: byMode,
    registers,
  });
  const deadLetters = new Counter({
    name: "coffee_dead_letters_total",
    help: "Orders stored as dead letters because they can never be counted, by SQLSTATE or cause",
    labelNames: ["mode", "reason"],
    registers,
  });
  const conflicts = new Counter({
    name: "coffee_order_conflicts_total",
    help: "Orders that came under the key of an order with another body, which is the one that counts",
    labelNames: byMode,
    registers,
  });
  const batches = openHistogram({
    name: "coffee_batch_orders",
    help: "Orders per counted batch",
    labelNames: byMode,
    buckets: BATCH_BUCKETS_ORDERS,
    registry,
  });
  const freshness = openHistogram({
    name: "coffee_order_freshness_seconds",
    help: "From accept until the order is committed to the rollups, and until a board that has it is published",
    labelNames: ["mode", "stage"],
    buckets: FRESHNESS_BUCKETS_SECONDS,
    registry,
  });
  const publishes = openHistogram({
    name: "coffee_board_publish_seconds",
    help: "From reading PostgreSQL until the board stands in Redis; its count is the boards published",
    labelNames: [],
    buckets: PUBLISH_BUCKETS_SECONDS,
    registry,
  });
  // a counter that starts at its first event is missed by every rate
  counted.inc({ mode }, 0);
  duplicates.inc({ mode }, 0);
  conflicts.inc({ mode }, 0);
  deadLetters.inc({ mode, reason: "malformed" }, 0);
  for (const stage of ["committed", "published"]) freshness(0, 0, mode, stage);
  return {
    counted: (orders, repeated) => {
      counted.inc({ mode }, orders);
      duplicates.inc({ mode }, repeated);
    },
    batch: (orders) => batches(orders, 1, mode),
    deadLetter: (reason) => deadLetters.inc({ mode, reason }),
    conflicts: (orders) => conflicts.inc({ mode }, orders),
    fresh: (stage, seconds, orders) => freshness(seconds, orders, mode, stage),
    published: (seconds) => publishes(seconds, 1),
    reconciled: openReconciled(registry, mode),
  };
};

const openReconciled = (registry: Registry, mode: string): WorkerMetrics["reconciled"] => {
  const registers = [registry];
  const labelNames = ["mode"] as const;
  const difference = new Gauge({
    name: "coffee_reconcile_difference_orders",
    help: "Orders by which the sampled hours of a rollup differ from the orders in them; 0 when they are exact",
    labelNames,
    registers,
  });
  const sampledAt = new Gauge({
    name: "coffee_reconcile_sampled_timestamp_seconds",
    help: "When the rollups were last sampled",
    labelNames,
    registers,
  });
  return (apartOrders) => {
    if (apartOrders === null) {
      // an old value would hide a new difference
      difference.remove({ mode });
      return;
    }
    difference.set({ mode }, apartOrders);
    sampledAt.setToCurrentTime({ mode });
  };
};
