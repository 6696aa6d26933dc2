import { Gauge, type Registry } from "prom-client";
import { ACK_BUCKETS_SECONDS, openHistogram, openTally } from "#shared/runtime/prometheus.ts";
import { openSocketMetrics, type SocketMetrics } from "./fanout/metrics.ts";
import type { ModeState } from "./intakes.ts";
import { type OrderMetrics, openOrderMetrics } from "./order-metrics.ts";

export type ApiMetrics = OrderMetrics &
  SocketMetrics & {
    answered(method: string, endpoint: string, status: number, seconds: number): void;
  };

/** `states` is asked at each scrape, so the gauges are never older than the last poll. */
export const openApiMetrics = (
  registry: Registry,
  catalogue: { stores: readonly string[]; drinks: readonly string[] },
  states: () => ReadonlyMap<string, ModeState>,
): ApiMetrics => {
  const requests = openTally({
    name: "http_requests_total",
    help: "HTTP requests answered",
    labelNames: ["method", "endpoint", "status_code"],
    registry,
  });
  const durations = openHistogram({
    name: "http_request_duration_seconds",
    help: "HTTP request duration",
    labelNames: ["method", "endpoint"],
    buckets: ACK_BUCKETS_SECONDS,
    registry,
  });
  openLagGauges(registry, states);
  return {
    ...openOrderMetrics(registry, catalogue, states().keys()),
    answered: (method, endpoint, status, seconds) => {
      requests(1, method, endpoint, String(status));
      durations(seconds, 1, method, endpoint);
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
  gauge("coffee_mode_up", "1 while the mode's backend takes orders", ({ problem }) =>
    problem === null ? 1 : 0,
  );
};
