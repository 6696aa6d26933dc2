import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { Order } from "#shared/domain/order.ts";
import { ACK_BUCKETS_SECONDS, boundedLabel } from "#shared/runtime/prometheus.ts";
import { openSocketMetrics, type SocketMetrics } from "./fanout/metrics.ts";
import type { ModeState } from "./intakes.ts";

export type ApiMetrics = SocketMetrics & {
  accepted(mode: string, order: Order, ackSeconds: number): void;
  replayed(mode: string): void;
  rejected(mode: string, reason: string): void;
  answered(method: string, endpoint: string, status: number, seconds: number): void;
};

/** Ten thousand stores must not become ten thousand series. */
const MOST_LABELS = 50;

/** `states` is asked at each scrape, so the gauges are never older than the last poll. */
export const openApiMetrics = (
  registry: Registry,
  catalogue: { stores: readonly string[]; drinks: readonly string[] },
  states: () => ReadonlyMap<string, ModeState>,
): ApiMetrics => {
  const registers = [registry];
  const storeLabel = boundedLabel(catalogue.stores, MOST_LABELS);
  const drinkLabel = boundedLabel(catalogue.drinks, MOST_LABELS);
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name, help, labelNames, registers });
  const accepted = counter("coffee_orders_accepted_total", "Orders accepted durably", ["mode"]);
  const rejected = counter("coffee_orders_rejected_total", "Orders not accepted, by reason", [
    "mode",
    "reason",
  ]);
  const duplicates = counter("coffee_orders_duplicate_total", "Orders that had been accepted before", [
    "mode",
  ]);
  const requests = counter("http_requests_total", "HTTP requests answered", [
    "method",
    "endpoint",
    "status_code",
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
    registers,
  });
  const durations = new Histogram({
    name: "http_request_duration_seconds",
    help: "HTTP request duration",
    labelNames: ["method", "endpoint"],
    buckets: ACK_BUCKETS_SECONDS,
    registers,
  });
  openLagGauges(registry, states);
  for (const mode of states().keys()) accepted.inc({ mode }, 0);
  return {
    accepted: (mode, order, seconds) => {
      accepted.inc({ mode });
      ack.observe({ mode }, seconds);
      const store = storeLabel(order.store);
      created.inc({ drink: drinkLabel(order.drink), store, version: mode });
      value.inc({ store }, order.priceCents / 100);
    },
    replayed: (mode) => duplicates.inc({ mode }),
    rejected: (mode, reason) => rejected.inc({ mode, reason }),
    answered: (method, endpoint, status, seconds) => {
      requests.inc({ method, endpoint, status_code: status });
      durations.observe({ method, endpoint }, seconds);
    },
    ...openSocketMetrics(registry),
  };
};

/** Lag and age come from the API: a dead worker cannot report on itself. Without an answer there is no figure. */
const openLagGauges = (registry: Registry, states: () => ReadonlyMap<string, ModeState>): void => {
  const gauge = (name: string, help: string, of: (state: ModeState) => number | null) => {
    new Gauge({
      name,
      help,
      labelNames: ["mode"],
      registers: [registry],
      collect() {
        this.reset();
        for (const [mode, state] of states()) {
          const figure = of(state);
          if (figure !== null) this.set({ mode }, figure);
        }
      },
    });
  };
  gauge(
    "coffee_ingest_lag_orders",
    "Orders accepted and not yet counted",
    (state) => state.backlog?.orders ?? null,
  );
  gauge("coffee_ingest_oldest_pending_seconds", "Age of the oldest order not yet counted", (state) =>
    state.backlog ? state.backlog.oldestMs / 1000 : null,
  );
  gauge("coffee_mode_up", "1 while the mode's backend answers", (state) => (state.backlog ? 1 : 0));
};
