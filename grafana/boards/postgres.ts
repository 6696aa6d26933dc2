import { type Board, perSecond, rateOf } from "../board.ts";

/** The database of the orders; the exporter also exposes the template databases. */
const OURS = 'datname!~"template.*"';

export const postgres: Board = {
  name: "postgresql",
  title: "PostgreSQL",
  description: "The database of every mode, by postgres_exporter. When it is slow, all modes count slowly.",
  rows: [
    {
      title: "Availability and size",
      panels: [
        {
          title: "Up",
          unit: "short",
          isNow: true,
          isLeft: true,
          limit: 1,
          description:
            "1 while the exporter can query it. At 0 v1 is unavailable, and the other modes accept orders up to MAX_LAG_ORDERS.",
          queries: [{ expr: "min(pg_up)", legend: "up" }],
        },
        {
          title: "Size of the database",
          unit: "bytes",
          isNow: true,
          description:
            "All orders and rollups. It grows with the orders until retention drops whole weeks. If it outgrows the disk, shorten ORDERS_KEEP_DAYS.",
          queries: [{ expr: `sum(pg_database_size_bytes{${OURS}})`, legend: "size" }],
        },
        {
          title: "Oldest transaction",
          unit: "s",
          isNow: true,
          limit: 30,
          description:
            "The longest running transaction of any session. A long one delays vacuum and, if it writes, the counting of v1: find it in pg_stat_activity.",
          queries: [{ expr: "max(pg_stat_activity_max_tx_duration)", legend: "oldest" }],
        },
        {
          title: "Connections left",
          unit: "short",
          isNow: true,
          isLeft: true,
          limit: 10,
          description:
            "Unused connections of max_connections. Below ten new processes may fail to start: run fewer, or raise max_connections.",
          queries: [
            { expr: "max(pg_settings_max_connections) - sum(pg_stat_activity_count)", legend: "left" },
          ],
        },
      ],
    },
    {
      title: "Work",
      panels: [
        {
          title: "Commits and rollbacks",
          unit: "ops",
          description:
            "Transactions per second. Commits follow the batches of the workers and the group commits of v1. Rollbacks should be near 0: a rise means deadlocks, timeouts or invalid orders, which the workers log.",
          queries: [
            rateOf("pg_stat_database_xact_commit", "datname", OURS, "commits"),
            rateOf("pg_stat_database_xact_rollback", "datname", OURS, "rollbacks"),
          ],
        },
        {
          title: "Rows written",
          unit: "ops",
          description:
            "Rows inserted and updated per second. Inserts are orders, updates are rollups. Many updates for few inserts mean small batches: fewer workers make them larger.",
          queries: [
            rateOf("pg_stat_database_tup_inserted", "datname", OURS, "inserted"),
            rateOf("pg_stat_database_tup_updated", "datname", OURS, "updated"),
          ],
        },
        {
          title: "Cache hit ratio",
          unit: "percentunit",
          isLeft: true,
          limit: 0.95,
          description:
            "Share of block reads found in shared_buffers. If it stays below 95 %, the rollups of the current hours do not fit: raise shared_buffers.",
          queries: [
            {
              expr: `${perSecond("pg_stat_database_blks_hit", "datname", OURS)} / (${perSecond("pg_stat_database_blks_hit", "datname", OURS)} + ${perSecond("pg_stat_database_blks_read", "datname", OURS)} > 0)`,
              legend: "{{datname}}",
            },
          ],
        },
      ],
    },
    {
      title: "Sessions and locks",
      panels: [
        {
          title: "Sessions by state",
          unit: "short",
          description:
            "active sessions work, idle ones are pooled. idle in transaction should be 0: a client left a transaction open. Those of the programs end after 2 s.",
          queries: [{ expr: "sum by (state) (pg_stat_activity_count)", legend: "{{state}}" }],
        },
        {
          title: "Deadlocks",
          unit: "ops",
          limit: 0.1,
          description:
            "Deadlocks per second. Batches are sorted by key to avoid them; a rise means that another program writes to these tables in another order.",
          queries: [rateOf("pg_stat_database_deadlocks", "datname", OURS)],
        },
        {
          title: "Locks held",
          unit: "short",
          description:
            "Locks by kind. An accessexclusivelock held for more than a moment is a migration or a repair: all other statements wait for it.",
          queries: [{ expr: `sum by (mode) (pg_locks_count{${OURS}})`, legend: "{{mode}}" }],
        },
        {
          title: "Temporary files",
          unit: "Bps",
          description:
            "Bytes per second that did not fit into work_mem. Sales over long ranges write some. Counting should write none: if it does, raise work_mem.",
          queries: [rateOf("pg_stat_database_temp_bytes", "datname", OURS)],
        },
      ],
    },
  ],
};
