import { type Board, OF_MODES, quantileOf, rateOf } from "../board.ts";

const BY_MODE = "{{mode}}";

export const ingest: Board = {
  name: "ingest",
  title: "Ingest by mode",
  description: "How each mode accepts orders: the same metrics for every mode.",
  hasModes: true,
  rows: [
    {
      title: "Incoming orders",
      panels: [
        {
          title: "Orders accepted",
          unit: "ops",
          description:
            "Orders accepted durably per second. Under the same load the lines of all modes should coincide.",
          queries: [rateOf("coffee_orders_accepted_total", "mode", OF_MODES)],
        },
        {
          title: "Orders rejected, by reason",
          unit: "ops",
          description:
            "queue_full, timeout and overloaded: more orders arrive than can be written; add API processes or a faster disk. backend_away and outcome_unknown: the backend does not answer. lag: the workers are behind. invalid, malformed, conflict: client errors.",
          queries: [rateOf("coffee_orders_rejected_total", "mode, reason", OF_MODES)],
        },
        {
          title: "Duplicate orders",
          unit: "ops",
          description:
            "Orders that were accepted before, found by the API in v1 and by the worker in the other modes. Clients resend after a 503 or a lost reply, so a rise follows an outage. Without an outage a client resends needlessly.",
          queries: [rateOf("coffee_orders_duplicate_total", "mode", OF_MODES)],
        },
      ],
    },
    {
      title: "Acknowledgement",
      panels: [
        {
          title: "Acknowledgement latency (p50)",
          unit: "s",
          description:
            "Half of the requests take less, from arrival to durable acceptance. It is little more than one flush of the backend's disk. A rise in all modes points to the machine, in one mode to its backend.",
          queries: [quantileOf(0.5, "coffee_ingest_ack_seconds", "mode", OF_MODES)],
        },
        {
          title: "Acknowledgement latency (p99)",
          unit: "s",
          limit: 0.1,
          description:
            "One request in a hundred takes longer. The objective is 100 ms. If only p99 is high, look for stalls: event loop lag (Node runtime), checkpoints of PostgreSQL, rewrites of Redis' append-only file.",
          queries: [quantileOf(0.99, "coffee_ingest_ack_seconds", "mode", OF_MODES)],
        },
        {
          title: "Replies by status",
          unit: "ops",
          description:
            "Replies of the routes that accept orders. 5xx are server errors, 4xx client errors. A 500 is a bug: the API's log has its stack.",
          queries: [
            rateOf(
              "http_requests_total",
              "endpoint, status_code",
              'endpoint=~"/api/[^/]+/orders?",method="POST"',
            ),
          ],
        },
      ],
    },
    {
      title: "Freshness",
      panels: [
        {
          title: "Time until counted (p99)",
          unit: "s",
          limit: 1,
          description:
            "From acceptance until the order is committed to the rollups. v1 counts once every V1_TICK_MS. A rise means that the workers are behind or PostgreSQL is slow.",
          queries: [
            quantileOf(0.99, "coffee_order_freshness_seconds", "mode", `stage="committed",${OF_MODES}`),
          ],
        },
        {
          title: "Time until published (p99)",
          unit: "s",
          limit: 1,
          description:
            "From acceptance until a published board contains the order. The difference from the previous panel is the publisher: PUBLISH_EVERY_MS and the time to read the board from PostgreSQL.",
          queries: [
            quantileOf(0.99, "coffee_order_freshness_seconds", "mode", `stage="published",${OF_MODES}`),
          ],
        },
        {
          title: "Oldest pending order",
          unit: "s",
          limit: 10,
          description:
            "Age of the oldest order not yet counted, as the API reports it. It grows by one second per second when no worker counts: see the alert CoffeeAggregatorSilent.",
          queries: [{ expr: `mode:coffee_ingest_oldest_pending_seconds:max{${OF_MODES}}`, legend: BY_MODE }],
        },
      ],
    },
  ],
};
