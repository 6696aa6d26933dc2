import { type Board, OF_MODES, perSecond, quantile } from "../board.ts";

export const overview: Board = {
  name: "overview",
  title: "Overview",
  description: "Is it well, and how much more can it take? Begin here.",
  hasModes: true,
  rows: [
    {
      title: "Is it well",
      panels: [
        {
          title: "Alerts firing",
          unit: "short",
          isNow: true,
          limit: 1,
          description:
            "Alerts that are true now, by name. Each has a section of its name in grafana/RUNBOOK.md that says what it means and what to do.",
          queries: [
            {
              expr: 'count by (alertname, mode) (ALERTS{alertstate="firing"}) or on () vector(0)',
              legend: "{{alertname}} {{mode}}",
            },
          ],
        },
        {
          title: "Modes that answer",
          unit: "short",
          isNow: true,
          description:
            "Modes whose backend answers the order API. Below the number of modes you run: see /readyz for the one that does not, and its backend's board.",
          queries: [{ expr: "sum(min by (mode) (coffee_mode_up))", legend: "modes" }],
        },
        {
          title: "Age of the board",
          unit: "s",
          isNow: true,
          limit: 15,
          description:
            "How old the picture is that dashboards show. Some seconds or less is well. When it grows, no worker publishes: look at workers, PostgreSQL and the board's Redis.",
          queries: [{ expr: "max(coffee_board_age_seconds)", legend: "age" }],
        },
        {
          title: "Open dead letters",
          unit: "short",
          isNow: true,
          limit: 1,
          description:
            "Accepted orders that cannot be counted and wait for a person. Look at them with npm run dead-letters -- list.",
          queries: [{ expr: "sum(max by (mode) (coffee_dead_letters_open))", legend: "letters" }],
        },
        {
          title: "Orders counted wrongly",
          unit: "short",
          isNow: true,
          limit: 1,
          description:
            "By how many orders sampled hours differ from the orders in them. Anything but 0 is a fault: run npm run reconcile.",
          queries: [{ expr: "max(coffee_reconcile_difference_orders)", legend: "orders" }],
        },
        {
          title: "Open WebSockets",
          unit: "short",
          isNow: true,
          description:
            "Dashboards that are connected. A sudden fall is a restart or a network; see the WebSocket board.",
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
            "Orders taken durably each second. When it falls and the shop is open, compare with what is refused beside it: if nothing is refused, the clients stopped sending.",
          queries: [
            { expr: perSecond("coffee_orders_accepted_total", "mode", OF_MODES), legend: "{{mode}}" },
          ],
        },
        {
          title: "Share of orders refused by us",
          unit: "percentunit",
          limit: 0.001,
          description:
            "Orders answered 503, out of all that could have been taken; those that were wrong themselves are left out. The objective is 0.1 %. Above it look at the reasons on Ingest by mode.",
          queries: [{ expr: `mode:coffee_orders_refused:ratio_rate5m{${OF_MODES}}`, legend: "{{mode}}" }],
        },
        {
          title: "Acknowledged within (p99)",
          unit: "s",
          limit: 0.1,
          description:
            "From a request to its durable acceptance. The objective is 100 ms. Above it the backend of the mode is slow (its disk, first of all) or the API has no time left.",
          queries: [
            { expr: quantile(0.99, "coffee_ingest_ack_seconds", "mode", OF_MODES), legend: "{{mode}}" },
          ],
        },
        {
          title: "On the board within (p99)",
          unit: "s",
          limit: 1,
          description:
            "Freshness: from accept until a published board has the order. The objective is 1 s. Above it look at Pipeline: either orders wait to be counted, or boards take long to publish.",
          queries: [
            {
              expr: quantile(0.99, "coffee_order_freshness_seconds", "mode", `stage="published",${OF_MODES}`),
              legend: "{{mode}}",
            },
          ],
        },
        {
          title: "Share of orders late on the board",
          unit: "percentunit",
          limit: 0.01,
          description:
            "Accepted orders that were not on a board within 1 s, those that still wait included. The objective is 1 %. A worker that stands still shows here at once.",
          queries: [{ expr: `mode:coffee_orders_late:ratio_rate5m{${OF_MODES}}`, legend: "{{mode}}" }],
        },
        {
          title: "Orders that wait",
          unit: "short",
          description:
            "Accepted and not yet counted. A sawtooth is well; a line that climbs means that workers take less than what comes: add workers, or look why they are slow.",
          queries: [{ expr: `mode:coffee_ingest_lag_orders:max{${OF_MODES}}`, legend: "{{mode}}" }],
        },
      ],
    },
    {
      title: "What is left",
      panels: [
        {
          title: "Time of the API",
          unit: "percentunit",
          isNow: true,
          isLeft: true,
          limit: 0.2,
          description:
            "What is left of the one core that an API process can use, of the busiest. Below a fifth run more of them (RUNBOOK.md, CoffeeAvailabilityBurnFast).",
          queries: [{ expr: '1 - max(job:process_cpu_seconds:max_rate5m{job="order-api"})', legend: "left" }],
        },
        {
          title: "Time of the workers",
          unit: "percentunit",
          isNow: true,
          isLeft: true,
          limit: 0.2,
          description:
            "What is left of the one core that a worker can use, of the busiest. Below a fifth run more workers of v2 or v3, whichever is busy; v1 counts in one process at a time, so there a faster PostgreSQL helps.",
          queries: [{ expr: '1 - max(job:process_cpu_seconds:max_rate5m{job="worker"})', legend: "left" }],
        },
        {
          title: "Memory of the stream",
          unit: "percentunit",
          isNow: true,
          isLeft: true,
          limit: 0.2,
          description:
            "What is left of the stream's maxmemory. At 0 v2 answers 503. It empties as orders are counted: look at what v2's workers do before you raise it.",
          queries: [{ expr: "1 - max(server:redis_memory_used:ratio)", legend: "left" }],
        },
        {
          title: "Connections of PostgreSQL",
          unit: "percentunit",
          isNow: true,
          isLeft: true,
          limit: 0.1,
          description:
            "What is left of max_connections. Each API and worker holds a fixed few; near 0 new processes cannot start. Raise max_connections or run fewer.",
          queries: [
            {
              expr: "1 - sum(pg_stat_activity_count) / max(pg_settings_max_connections)",
              legend: "left",
            },
          ],
        },
        {
          title: "Disk",
          unit: "percentunit",
          isNow: true,
          isLeft: true,
          limit: 0.1,
          description:
            "What is left of the fullest disk. Below a tenth see what grows on PostgreSQL and Kafka, and how long what is kept in docs/operations.md.",
          queries: [{ expr: "min(instance_mountpoint:node_filesystem_avail:ratio)", legend: "left" }],
        },
        {
          title: "Processors of the machine",
          unit: "percentunit",
          isNow: true,
          isLeft: true,
          limit: 0.1,
          description:
            "What is left of all cores. Near 0 everything waits for everything: move the servers to machines of their own before you tune anything.",
          queries: [{ expr: "min(instance:node_cpu_idle:ratio_rate5m)", legend: "left" }],
        },
      ],
    },
  ],
};
