import { type Board, OF_MODES, perSecond, quantile } from "../board.ts";

const BY_MODE = "{{mode}}";

export const ingest: Board = {
  name: "ingest",
  title: "Ingest by mode",
  description: "The three ways in, side by side: the same figures for each.",
  hasModes: true,
  rows: [
    {
      title: "What comes in",
      panels: [
        {
          title: "Orders accepted",
          unit: "ops",
          description: "Taken durably each second. Under the same load the modes should lie on one another.",
          queries: [{ expr: perSecond("coffee_orders_accepted_total", "mode", OF_MODES), legend: BY_MODE }],
        },
        {
          title: "Orders refused, by reason",
          unit: "ops",
          description:
            "queue_full, timeout and overloaded: more comes than can be written, add API processes or a faster disk. backend_away and outcome_unknown: the backend does not answer. lag: workers are behind. invalid, malformed, conflict: the client's own mistake.",
          queries: [
            {
              expr: perSecond("coffee_orders_rejected_total", "mode, reason", OF_MODES),
              legend: "{{mode}} {{reason}}",
            },
          ],
        },
        {
          title: "Orders that had come before",
          unit: "ops",
          description:
            "The same order again, found in v1 by the API and elsewhere by the worker. Clients repeat after a 503 or a lost reply: a rise follows an outage. Without one, a client repeats for nothing.",
          queries: [{ expr: perSecond("coffee_orders_duplicate_total", "mode", OF_MODES), legend: BY_MODE }],
        },
      ],
    },
    {
      title: "How fast it is acknowledged",
      panels: [
        {
          title: "Acknowledged within (p50)",
          unit: "s",
          description:
            "The usual request, from its arrival to the durable acceptance. It is one flush of the backend's disk and little more; a rise of all modes is the machine, of one its backend.",
          queries: [{ expr: quantile(0.5, "coffee_ingest_ack_seconds", "mode", OF_MODES), legend: BY_MODE }],
        },
        {
          title: "Acknowledged within (p99)",
          unit: "s",
          limit: 0.1,
          description:
            "One request of a hundred takes longer. The objective is 100 ms. If p50 is well and this is not, look for stalls: Node runtime, checkpoints of PostgreSQL, rewrites of Redis' log.",
          queries: [{ expr: quantile(0.99, "coffee_ingest_ack_seconds", "mode", OF_MODES), legend: BY_MODE }],
        },
        {
          title: "Replies by status",
          unit: "ops",
          description:
            "Of the routes that take orders. 5xx is ours, 4xx the client's; a reply of 500 is a fault of the program and stands in its log.",
          queries: [
            {
              expr: perSecond(
                "http_requests_total",
                "endpoint, status_code",
                'endpoint=~"/api/v[0-9]+/orders?"',
              ),
              legend: "{{endpoint}} {{status_code}}",
            },
          ],
        },
      ],
    },
    {
      title: "How fast it is seen",
      panels: [
        {
          title: "Counted within (p99)",
          unit: "s",
          limit: 1,
          description:
            "From accept until the order is committed to the rollups. v1 waits up to V1_TICK_MS for its turn. A rise means that workers are behind, or that PostgreSQL is slow.",
          queries: [
            {
              expr: quantile(0.99, "coffee_order_freshness_seconds", "mode", `stage="committed",${OF_MODES}`),
              legend: BY_MODE,
            },
          ],
        },
        {
          title: "On the board within (p99)",
          unit: "s",
          limit: 1,
          description:
            "From accept until a published board has it. What is more here than in the panel before is the publisher: PUBLISH_EVERY_MS and the reading of the board.",
          queries: [
            {
              expr: quantile(0.99, "coffee_order_freshness_seconds", "mode", `stage="published",${OF_MODES}`),
              legend: BY_MODE,
            },
          ],
        },
        {
          title: "Oldest order that waits",
          unit: "s",
          limit: 10,
          description:
            "Age of the oldest order not yet counted, by the API. It climbs second by second when nobody counts: see the alert CoffeeAggregatorSilent.",
          queries: [{ expr: `mode:coffee_ingest_oldest_pending_seconds:max{${OF_MODES}}`, legend: BY_MODE }],
        },
      ],
    },
  ],
};
