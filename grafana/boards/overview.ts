import { type Board, OF_MODES, quantileOf, rateOf } from "../board.ts";

export const overview: Board = {
  name: "overview",
  title: "Overview",
  description: "Health and remaining capacity of the system. Start here.",
  hasModes: true,
  rows: [
    {
      title: "Health",
      panels: [
        {
          title: "Alerts firing",
          unit: "short",
          isNow: true,
          limit: 1,
          description:
            "Alerts that fire now, by name. Each has a section in grafana/RUNBOOK.md that says what it means and what to do.",
          queries: [
            {
              expr: 'count by (alertname, mode) (ALERTS{alertstate="firing"}) or on () vector(0)',
              legend: "{{alertname}} {{mode}}",
            },
          ],
        },
        {
          title: "Available modes",
          unit: "short",
          isNow: true,
          description:
            "Modes whose backend answers the order API. If it is below the number of modes you run, /readyz names the unavailable one: look at the board of its backend.",
          queries: [{ expr: "sum(min by (mode) (coffee_mode_up))", legend: "modes" }],
        },
        {
          title: "Age of the board",
          unit: "s",
          isNow: true,
          limit: 15,
          description:
            "Age of the data that dashboards show; a few seconds at most is normal. When it grows, no worker publishes: check the workers, PostgreSQL and the board's Redis.",
          queries: [{ expr: "max(coffee_board_age_seconds)", legend: "age" }],
        },
        {
          title: "Open dead letters",
          unit: "short",
          isNow: true,
          limit: 1,
          description:
            "Accepted orders that cannot be counted and need an operator. List them with npm run dead-letters -- list.",
          queries: [{ expr: "sum(max by (mode) (coffee_dead_letters_open))", legend: "letters" }],
        },
        {
          title: "Miscounted orders",
          unit: "short",
          isNow: true,
          limit: 1,
          description:
            "Difference between the rollups of sampled hours and the orders in those hours. Any value other than 0 is an error: run npm run reconcile.",
          queries: [{ expr: "max(coffee_reconcile_difference_orders)", legend: "orders" }],
        },
        {
          title: "Open WebSockets",
          unit: "short",
          isNow: true,
          description:
            "Connected dashboards. A sudden drop is a restart or a network failure: see the WebSocket board.",
          queries: [{ expr: "sum(coffee_ws_connections)", legend: "sockets" }],
        },
      ],
    },
    {
      title: "Golden signals",
      panels: [
        {
          title: "Orders accepted",
          unit: "ops",
          description:
            "Orders accepted durably per second. When it drops during opening hours, compare with the next panel: if no order is rejected, the clients stopped sending.",
          queries: [rateOf("coffee_orders_accepted_total", "mode", OF_MODES)],
        },
        {
          title: "Share of orders rejected by the server",
          unit: "percentunit",
          limit: 0.001,
          description:
            "Orders answered 503, out of all valid orders. The objective is 0.1 %. Above it, look at the reasons on Ingest by mode.",
          queries: [{ expr: `mode:coffee_orders_refused:ratio_rate5m{${OF_MODES}}`, legend: "{{mode}}" }],
        },
        {
          title: "Acknowledgement latency (p99)",
          unit: "s",
          limit: 0.1,
          description:
            "From a request to its durable acceptance. The objective is 100 ms. Above it the backend of the mode is slow (usually its disk) or the API has no processor time left.",
          queries: [quantileOf(0.99, "coffee_ingest_ack_seconds", "mode", OF_MODES)],
        },
        {
          title: "Time until published (p99)",
          unit: "s",
          limit: 1,
          description:
            "Freshness: from acceptance until a published board contains the order. The objective is 1 s. Above it, see Pipeline: either counting or publishing is slow.",
          queries: [
            quantileOf(0.99, "coffee_order_freshness_seconds", "mode", `stage="published",${OF_MODES}`),
          ],
        },
        {
          title: "Share of orders published late",
          unit: "percentunit",
          limit: 0.01,
          description:
            "Accepted orders that were not on a board within 1 s, pending ones included. The objective is 1 %. A stopped worker shows here at once.",
          queries: [{ expr: `mode:coffee_orders_late:ratio_rate5m{${OF_MODES}}`, legend: "{{mode}}" }],
        },
        {
          title: "Pending orders",
          unit: "short",
          description:
            "Accepted and not yet counted. A sawtooth is normal. A rising line means that more orders arrive than the workers count: add workers, or find out why they are slow.",
          queries: [{ expr: `mode:coffee_ingest_lag_orders:max{${OF_MODES}}`, legend: "{{mode}}" }],
        },
      ],
    },
    {
      title: "Remaining capacity",
      panels: [
        {
          title: "Processor time of the API",
          unit: "percentunit",
          isNow: true,
          isLeft: true,
          limit: 0.2,
          description:
            "Unused share of the one core that an API process can use, for the busiest process. Below 20 %, run more of them (RUNBOOK.md, CoffeeAvailabilityBurnFast).",
          queries: [{ expr: '1 - max(job:process_cpu_seconds:max_rate5m{job="order-api"})', legend: "left" }],
        },
        {
          title: "Processor time of the workers",
          unit: "percentunit",
          isNow: true,
          isLeft: true,
          limit: 0.2,
          description:
            "Unused share of the one core that a worker can use, for the busiest worker. Below 20 %, run more workers of that mode. v1 counts in one process at a time: there only a faster PostgreSQL helps.",
          queries: [{ expr: '1 - max(job:process_cpu_seconds:max_rate5m{job="worker"})', legend: "left" }],
        },
        {
          title: "Memory of the stream",
          unit: "percentunit",
          isNow: true,
          isLeft: true,
          limit: 0.2,
          description:
            "Unused share of the stream's maxmemory. At 0 the mode answers 503. Counting frees it: check the workers of v2 before you raise maxmemory.",
          queries: [{ expr: "1 - max(server:redis_memory_used:ratio)", legend: "left" }],
        },
        {
          title: "Connections of PostgreSQL",
          unit: "percentunit",
          isNow: true,
          isLeft: true,
          limit: 0.1,
          description:
            "Unused share of max_connections. Each API and worker holds a fixed number. Near 0 new processes cannot start: raise max_connections or run fewer.",
          queries: [
            {
              expr: "1 - sum(pg_stat_activity_count) / max(pg_settings_max_connections)",
              legend: "left",
            },
          ],
        },
        {
          title: "Disk space",
          unit: "percentunit",
          isNow: true,
          isLeft: true,
          limit: 0.1,
          description:
            "Free share of the fullest disk. Below 10 %, see PostgreSQL and Kafka for what grows, and docs/operations.md for how long data is kept.",
          queries: [{ expr: "min(instance_mountpoint:node_filesystem_avail:ratio)", legend: "left" }],
        },
        {
          title: "Processor time of the machine",
          unit: "percentunit",
          isNow: true,
          isLeft: true,
          limit: 0.1,
          description:
            "Unused share of all cores. Near 0 all processes compete for the processor: move the servers to separate machines before you tune anything.",
          queries: [{ expr: "min(instance:node_cpu_idle:ratio_rate5m)", legend: "left" }],
        },
      ],
    },
  ],
};
