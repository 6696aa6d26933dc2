/** The figures of a run as k6's metrics, and its lines in k6's log. Times are milliseconds; README.md explains each figure. */
import { Counter, Rate, Trend } from "k6/metrics";
import { openSettle } from "../lib/ledger.ts";

/** Missing in the types of k6. */
declare const console: { log(text: string): void };

export const figures = {
  orderLatency: new Trend("order_latency", true),
  scheduleLag: new Trend("schedule_lag", true),
  orderFreshness: new Trend("order_freshness", true),
  dashboardLatency: new Trend("dashboard_latency", true),
  wsDelay: new Trend("ws_delay", true),

  ordersAcknowledged: new Counter("orders_acknowledged"),
  ordersRefused: new Counter("orders_refused"),
  ordersUnknown: new Counter("orders_unknown"),
  ordersReplayed: new Counter("orders_replayed"),
  ordersFailed: new Rate("orders_failed"),

  probesPlanned: new Counter("probes_planned"),
  freshnessMissed: new Counter("freshness_missed"),
  freshnessSkipped: new Counter("freshness_skipped"),

  wsConnections: new Counter("ws_connections"),
  wsFrames: new Counter("ws_frames"),
  wsGaps: new Counter("ws_gaps"),
  wsLost: new Counter("ws_lost"),
};

export const log = (line: string): void => console.log(line);
export const settle = openSettle(figures, log);
