import { Counter, Gauge, type Registry } from "prom-client";
import type { Board } from "#shared/domain/board.ts";
import type { Order } from "#shared/domain/order.ts";
import type { Outcome, UnavailableReason } from "#shared/ports.ts";
import { ACK_BUCKETS_SECONDS, boundedLabel, openHistogram, openTally } from "#shared/runtime/prometheus.ts";
import { DENIAL_REASONS, type DenialReason } from "./access.ts";
import type { ModeState } from "./intakes.ts";

export type ApiMetrics = OrderMetrics &
  SocketMetrics & {
    answered(method: string, endpoint: string, status: number, seconds: number): void;
  };

type Names = { readonly stores: readonly string[]; readonly drinks: readonly string[] };

/** `states` is read at each scrape, so the gauges are never older than the last poll. */
export const openApiMetrics = (
  registry: Registry,
  catalogue: Names,
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

/** Lag and age come from the API: a dead worker cannot report on itself. Without a reading there is no value. */
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
          const value = of(state);
          if (value !== null) this.set({ mode }, value);
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

/** Before the first board its age is that of the process: a process that never gets one has to be noticed too. */
export const openBoardAge = (registry: Registry, latest: () => Board | null): void => {
  const openedAtMs = Date.now();
  new Gauge({
    name: "coffee_board_age_seconds",
    help: "Age of the newest board that this process has; before the first one, how long it has waited for it",
    registers: [registry],
    collect() {
      const board = latest();
      const asOfMs = board === null ? openedAtMs : board.asOfUs / 1_000;
      this.set(Math.max(0, Date.now() - asOfMs) / 1_000);
    },
  });
};

export type OrderMetrics = {
  /** What became of the orders of one request, `ackMs` after it came. */
  taken(mode: string, orders: readonly Order[], outcomes: readonly Outcome[], ackMs: number): void;
  rejected(mode: string, reason: string, orders: number): void;
};

/** Errors of the client; the objective of availability leaves them out (grafana/rules/recording.ts). */
export const CLIENT_REJECTIONS = [
  "invalid",
  "malformed",
  "too_large",
  "media_type",
  "conflict",
  "rate_limited",
];
/** A backend that is full or unreachable, and internal errors. The type makes a new reason fail to compile until it is here. */
const SERVER_REJECTIONS: Record<UnavailableReason | "internal", true> = {
  queue_full: true,
  timeout: true,
  backend_away: true,
  outcome_unknown: true,
  lag: true,
  overloaded: true,
  closing: true,
  internal: true,
};
const REJECTION_REASONS = [...CLIENT_REJECTIONS, ...Object.keys(SERVER_REJECTIONS)];

/** Ten thousand stores must not become ten thousand series. */
const MAX_LABELS = 50;

const openOrderMetrics = (registry: Registry, catalogue: Names, modes: Iterable<string>): OrderMetrics => {
  const storeLabel = boundedLabel(catalogue.stores, MAX_LABELS);
  const drinkLabel = boundedLabel(catalogue.drinks, MAX_LABELS);
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
  const revenue = "Revenue of accepted orders, in currency units";
  const value = counter("order_value_total", revenue, ["store"], 0.01);
  const ack = openHistogram({
    name: "coffee_ingest_ack_seconds",
    help: "From a request's arrival to the durable acceptance of its orders",
    labelNames: ["mode"],
    buckets: ACK_BUCKETS_SECONDS,
    registry,
  });
  // a series that starts at its first event is invisible to rate() until the second
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

export type SocketMetrics = {
  sockets(open: number): void;
  /** A frame was serialised; it is then sent to any number of sockets. */
  made(kind: string): void;
  sent(kind: string): void;
  conflated(): void;
  resynced(): void;
  /** By the server: `slow`, `silent` or `refused` (what the client sent). */
  closed(reason: string): void;
};

export const openSocketMetrics = (registry: Registry): SocketMetrics => {
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name, help, labelNames, registers });
  const sockets = new Gauge({ name: "coffee_ws_connections", help: "Open WebSockets", registers });
  const made = counter("coffee_ws_made_total", "WebSocket frames serialised, once for all sockets", ["kind"]);
  const sent = counter("coffee_ws_sent_total", "WebSocket frames sent", ["kind"]);
  const conflated = counter(
    "coffee_ws_conflated_total",
    "Frames left out for sockets that were still busy with the one before",
  );
  const resyncs = counter("coffee_ws_resyncs_total", "Snapshots sent because a client asked");
  const closed = counter("coffee_ws_closed_total", "WebSockets that the server closed, by reason", [
    "reason",
  ]);
  for (const reason of ["slow", "silent", "refused"]) closed.inc({ reason }, 0);
  return {
    sockets: (open) => sockets.set(open),
    made: (kind) => made.inc({ kind }),
    sent: (kind) => sent.inc({ kind }),
    conflated: () => conflated.inc(),
    resynced: () => resyncs.inc(),
    closed: (reason) => closed.inc({ reason }),
  };
};

/** By reason, and by no name of a token: a scrape shows the attack, the name is in the client's reply. */
export const openAccessMetrics = (registry: Registry): ((reason: DenialReason) => void) => {
  const denied = new Counter({
    name: "coffee_access_denied_total",
    help: "Requests without the token that they need, by reason",
    labelNames: ["reason"],
    registers: [registry],
  });
  for (const reason of DENIAL_REASONS) denied.inc({ reason }, 0);
  return (reason) => denied.inc({ reason });
};

export const openTokenGauge = (registry: Registry, isRejected: () => boolean): void => {
  new Gauge({
    name: "coffee_tokens_rejected",
    help: "1 while the content of TOKENS_FILE is wrong and an earlier list is in use",
    registers: [registry],
    collect() {
      this.set(isRejected() ? 1 : 0);
    },
  });
};
