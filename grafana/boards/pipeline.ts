import { type Board, OF_MODES, perSecond, quantile } from "../board.ts";

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
          title: "Orders that wait",
          unit: "short",
          description:
            "Accepted and not yet counted. When it climbs, compare the next panel: workers that count nothing stand still, workers that count less than what comes need company.",
          queries: [{ expr: `mode:coffee_ingest_lag_orders:max{${OF_MODES}}`, legend: BY_MODE }],
        },
        {
          title: "Accepted and counted",
          unit: "ops",
          description:
            "Both each second. The lines of a mode lie on one another; counted above accepted is a backlog that shrinks, below it one that grows.",
          queries: [
            {
              expr: perSecond("coffee_orders_accepted_total", "mode", OF_MODES),
              legend: "{{mode}} accepted",
            },
            { expr: perSecond("coffee_orders_counted_total", "mode", OF_MODES), legend: "{{mode}} counted" },
          ],
        },
        {
          title: "Orders in a batch",
          unit: "short",
          description:
            "Orders that one statement counts: the median, and one batch of a hundred. Batches grow with the load; at the bound of the mode (V2_BATCH_MAX_ORDERS, V3_BATCH_MAX_ORDERS) workers are at their limit. v1 takes up to 20 000, which is more than the scale of this figure.",
          queries: [
            { expr: quantile(0.5, "coffee_batch_orders", "mode", OF_MODES), legend: "{{mode}} p50" },
            { expr: quantile(0.99, "coffee_batch_orders", "mode", OF_MODES), legend: "{{mode}} p99" },
          ],
        },
        {
          title: "Batches",
          unit: "ops",
          description:
            "Statements that count, each second. Many small ones cost PostgreSQL more than few large ones: if it is busy and batches are small, run fewer workers.",
          queries: [{ expr: perSecond("coffee_batch_orders_count", "mode", OF_MODES), legend: BY_MODE }],
        },
        {
          title: "Age of v1's watermark",
          unit: "s",
          limit: 5,
          description:
            "Age of the oldest transaction that writes, anywhere in the cluster: v1 counts nothing stored after it began. There is no figure where the programs' role may not see the sessions of others (docs/operations.md). When it climbs, find it in pg_stat_activity by its xact_start and end it.",
          queries: [{ expr: "max(coffee_watermark_age_seconds)", legend: "age" }],
        },
        {
          title: "Orders that had come before",
          unit: "ops",
          description:
            "Deliveries of orders that were counted already; each counts once. Some after a worker's restart are well, a steady flow is a client or a transport that repeats.",
          queries: [
            {
              expr: perSecond("coffee_orders_duplicate_total", "mode", `job="worker",${OF_MODES}`),
              legend: BY_MODE,
            },
          ],
        },
      ],
    },
    {
      title: "What needs a person",
      panels: [
        {
          title: "Open dead letters",
          unit: "short",
          limit: 1,
          description:
            "Orders set aside that nobody has replayed or discarded. Look at the reasons with npm run dead-letters -- list, mend the cause, replay.",
          queries: [{ expr: `max by (mode) (coffee_dead_letters_open{${OF_MODES}})`, legend: BY_MODE }],
        },
        {
          title: "Dead letters, by reason",
          unit: "ops",
          description:
            "Set aside each second, by SQLSTATE or cause. One reason in a row is a producer that went wrong; many at once stop the worker by themselves (POISON_STOP_ORDERS).",
          queries: [
            {
              expr: perSecond("coffee_dead_letters_total", "mode, reason", OF_MODES),
              legend: "{{mode}} {{reason}}",
            },
          ],
        },
        {
          title: "Keys with two bodies",
          unit: "ops",
          description:
            "Orders that came under the key of another order; the first one counts. Clients must make a new key for each order: the table order_conflicts says which did not.",
          queries: [{ expr: perSecond("coffee_order_conflicts_total", "mode", OF_MODES), legend: BY_MODE }],
        },
        {
          title: "Orders counted wrongly",
          unit: "short",
          limit: 1,
          description:
            "By how many orders the sampled hours of the rollups differ from the orders in them. Anything but 0: npm run reconcile says where, -- --repair mends it.",
          queries: [
            { expr: `max by (mode) (coffee_reconcile_difference_orders{${OF_MODES}})`, legend: BY_MODE },
          ],
        },
        {
          title: "Last sample taken",
          unit: "s",
          limit: 600,
          description:
            "How long ago the rollups were last held against their orders. Above some minutes nobody looks: the worker's log says why (or RECONCILE_EVERY_MS is 0).",
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
            "By all workers together: one a second when nothing happens, up to ten under load. 0 means that no dashboard moves.",
          queries: [{ expr: perSecond("coffee_board_publish_seconds_count", "job"), legend: "boards" }],
        },
        {
          title: "A board takes (p99)",
          unit: "s",
          limit: 0.1,
          description:
            "From reading PostgreSQL until the board stands in Redis. 50 ms are the aim with 10 000 stores. A rise is PostgreSQL (see its board) or very many stores.",
          queries: [{ expr: quantile(0.99, "coffee_board_publish_seconds", "job"), legend: "p99" }],
        },
        {
          title: "Age of the board",
          unit: "s",
          limit: 15,
          description:
            "Age of the newest board that each API process has. One process that is older than the others lost the board's Redis; all of them, nobody publishes.",
          queries: [{ expr: "coffee_board_age_seconds", legend: "{{instance}}" }],
        },
      ],
    },
  ],
};
