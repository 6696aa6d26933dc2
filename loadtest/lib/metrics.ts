/** The figures of a run; times are milliseconds. README.md says what each means. */
import { Counter, Rate, Trend } from "k6/metrics";

export const orderLatency = new Trend("order_latency", true);
export const scheduleLag = new Trend("schedule_lag", true);
export const orderFreshness = new Trend("order_freshness", true);
export const dashboardLatency = new Trend("dashboard_latency", true);
export const wsDelay = new Trend("ws_delay", true);

export const ordersAcknowledged = new Counter("orders_acknowledged");
export const ordersRefused = new Counter("orders_refused");
export const ordersUnknown = new Counter("orders_unknown");
export const ordersReplayed = new Counter("orders_replayed");
export const ordersFailed = new Rate("orders_failed");

export const probesPlanned = new Counter("probes_planned");
export const freshnessMissed = new Counter("freshness_missed");
export const freshnessSkipped = new Counter("freshness_skipped");

export const wsConnections = new Counter("ws_connections");
export const wsFrames = new Counter("ws_frames");
export const wsGaps = new Counter("ws_gaps");
export const wsLost = new Counter("ws_lost");
