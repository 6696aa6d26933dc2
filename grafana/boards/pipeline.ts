import { type Board, maxOf, OF_MODES, perSecond, quantile, quantileOf, rateOf } from "../board.ts";

const BY_MODE = "{{mode}}";

export const pipeline: Board = {
  name: "pipeline",
  title: "Pipeline",
  description: "From the accepted order to the published board.",
  hasModes: true,
  rows: [
    {
      title: "Counting",
      panels: [
        {
          title: "Pending orders",
          unit: "short",
          description:
            "Accepted and not yet counted. When it rises, compare the next panel: workers that count nothing have stopped; workers that count less than is accepted need more workers.",
          queries: [{ expr: `mode:coffee_ingest_lag_orders:max{${OF_MODES}}`, legend: BY_MODE }],
        },
        {
          title: "Accepted and counted",
          unit: "ops",
          description:
            "Both per second. The two lines of a mode normally coincide. Counted above accepted means a shrinking backlog, below it a growing one.",
          queries: [
            rateOf("coffee_orders_accepted_total", "mode", OF_MODES, "accepted"),
            rateOf("coffee_orders_counted_total", "mode", OF_MODES, "counted"),
          ],
        },
        {
          title: "Orders per batch",
          unit: "short",
          description:
            "Orders that one statement counts, as median and p99. Batches grow with the load; at the limit of the mode (V2_BATCH_MAX_ORDERS, V3_BATCH_MAX_ORDERS) the workers are at capacity. v1 counts up to 20 000 orders in a batch, more than this histogram covers.",
          queries: [
            quantileOf(0.5, "coffee_batch_orders", "mode", OF_MODES, "p50"),
            quantileOf(0.99, "coffee_batch_orders", "mode", OF_MODES, "p99"),
          ],
        },
        {
          title: "Batches",
          unit: "ops",
          description:
            "Counting statements per second. Many small batches cost PostgreSQL more than few large ones: if it is busy and batches are small, run fewer workers.",
          queries: [rateOf("coffee_batch_orders_count", "mode", OF_MODES)],
        },
        {
          title: "Age of v1's watermark",
          unit: "s",
          limit: 5,
          description:
            "Age of the oldest writing transaction in the PostgreSQL cluster: v1 counts no order stored after it started. Without the right to see other sessions there is no data (docs/operations.md). When it rises, find the transaction in pg_stat_activity by its xact_start and end it.",
          queries: [{ expr: "max(coffee_watermark_age_seconds)", legend: "age" }],
        },
        {
          title: "Duplicate orders",
          unit: "ops",
          description:
            "Deliveries of orders that were counted before; each order counts once. Some are normal after a worker restart. A steady flow comes from a client or a transport that resends.",
          queries: [rateOf("coffee_orders_duplicate_total", "mode", `job="worker",${OF_MODES}`)],
        },
      ],
    },
    {
      title: "Needs an operator",
      panels: [
        {
          title: "Open dead letters",
          unit: "short",
          limit: 1,
          description:
            "Dead letters that are neither replayed nor discarded. List the reasons with npm run dead-letters -- list, fix the cause, then replay.",
          queries: [maxOf("coffee_dead_letters_open", "mode", OF_MODES)],
        },
        {
          title: "Dead letters, by reason",
          unit: "ops",
          description:
            "New dead letters per second, by SQLSTATE or cause. A single repeated reason points to a faulty producer. Many at once stop the worker (POISON_STOP_ORDERS).",
          queries: [rateOf("coffee_dead_letters_total", "mode, reason", OF_MODES)],
        },
        {
          title: "Keys with two bodies",
          unit: "ops",
          description:
            "Orders that reused the key of another order; the first one counts. Clients must create a new key for each order: the table order_conflicts lists the others.",
          queries: [rateOf("coffee_order_conflicts_total", "mode", OF_MODES)],
        },
        {
          title: "Miscounted orders",
          unit: "short",
          limit: 1,
          description:
            "Difference between the rollups of sampled hours and the orders in those hours. If it is not 0, npm run reconcile lists the differences and -- --repair fixes them.",
          queries: [maxOf("coffee_reconcile_difference_orders", "mode", OF_MODES)],
        },
        {
          title: "Time since the last sample",
          unit: "s",
          limit: 600,
          description:
            "Time since the rollups were last compared with their orders. Above some minutes the worker no longer samples: its log says why (or RECONCILE_EVERY_MS is 0).",
          queries: [
            {
              expr: `time() - max by (mode) (coffee_reconcile_sampled_timestamp_seconds{${OF_MODES}})`,
              legend: BY_MODE,
            },
          ],
        },
      ],
    },
    {
      title: "Publishing",
      panels: [
        {
          title: "Boards published",
          unit: "ops",
          description:
            "Boards per second, of all workers together: one per second without orders, up to ten under load. At 0 no dashboard is updated.",
          queries: [{ expr: perSecond("coffee_board_publish_seconds_count", "job"), legend: "boards" }],
        },
        {
          title: "Publishing time (p99)",
          unit: "s",
          limit: 0.1,
          description:
            "From reading PostgreSQL until the board is in Redis. The goal is 50 ms with 10 000 stores. A rise is caused by PostgreSQL (see its board) or by very many stores.",
          queries: [{ expr: quantile(0.99, "coffee_board_publish_seconds", "job"), legend: "p99" }],
        },
        {
          title: "Age of the board",
          unit: "s",
          limit: 15,
          description:
            "Age of the newest board in each API process. If one process is behind the others, it lost the board's Redis; if all are, no worker publishes.",
          queries: [{ expr: "coffee_board_age_seconds", legend: "{{instance}}" }],
        },
      ],
    },
  ],
};
