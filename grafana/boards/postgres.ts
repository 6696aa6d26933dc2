import { type Board, perSecond } from "../board.ts";

/** The database of the orders; the exporter tells of the templates too. */
const OURS = 'datname!~"template.*"';

export const postgres: Board = {
  name: "postgresql",
  title: "PostgreSQL",
  description: "The truth of every mode, by postgres_exporter. When it is slow, all modes count slowly.",
  rows: [
    {
      title: "Is it there, and busy with what",
      panels: [
        {
          title: "Answers",
          unit: "short",
          isNow: true,
          isLeft: true,
          limit: 1,
          description:
            "1 while the exporter gets answers. At 0 v1 is down, and v2 and v3 accept up to their bound of lag.",
          queries: [{ expr: "min(pg_up)", legend: "up" }],
        },
        {
          title: "Size of the database",
          unit: "bytes",
          isNow: true,
          description:
            "Of all orders and rollups. It grows with the orders until retention drops whole weeks; when it outgrows the disk, shorten ORDERS_KEEP_DAYS.",
          queries: [{ expr: `sum(pg_database_size_bytes{${OURS}})`, legend: "size" }],
        },
        {
          title: "Oldest transaction",
          unit: "s",
          isNow: true,
          limit: 30,
          description:
            "Longest running transaction of any session. A long one holds back vacuum and, if it writes, v1's watermark: find it in pg_stat_activity.",
          queries: [{ expr: "max(pg_stat_activity_max_tx_duration)", legend: "oldest" }],
        },
        {
          title: "Connections left",
          unit: "short",
          isNow: true,
          isLeft: true,
          limit: 10,
          description:
            "Of max_connections. Below ten new processes may not start: run fewer, or raise max_connections.",
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
            "Transactions each second. Commits follow the batches of the workers and the groups of v1. Rollbacks should be near 0: a rise is a deadlock, a timeout or poison, and stands in the workers' log.",
          queries: [
            {
              expr: perSecond("pg_stat_database_xact_commit", "datname", OURS),
              legend: "{{datname}} commits",
            },
            {
              expr: perSecond("pg_stat_database_xact_rollback", "datname", OURS),
              legend: "{{datname}} rollbacks",
            },
          ],
        },
        {
          title: "Rows written",
          unit: "ops",
          description:
            "Inserted and updated each second. Inserts are orders, updates are rollups: many updates for few inserts means small batches, which fewer workers would make larger.",
          queries: [
            {
              expr: perSecond("pg_stat_database_tup_inserted", "datname", OURS),
              legend: "{{datname}} inserted",
            },
            {
              expr: perSecond("pg_stat_database_tup_updated", "datname", OURS),
              legend: "{{datname}} updated",
            },
          ],
        },
        {
          title: "Reads found in memory",
          unit: "percentunit",
          isLeft: true,
          limit: 0.95,
          description:
            "Share of the blocks read that were in shared_buffers. Below 95 % for long, the rollups of the current hours do not fit: raise shared_buffers.",
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
      title: "Waiting",
      panels: [
        {
          title: "Sessions by state",
          unit: "short",
          description:
            "active is work, idle is a pool at rest. idle in transaction should be 0: a client left a transaction open, which the programs' own end after 2 s.",
          queries: [{ expr: "sum by (state) (pg_stat_activity_count)", legend: "{{state}}" }],
        },
        {
          title: "Deadlocks",
          unit: "ops",
          limit: 0.1,
          description:
            "Each second. Batches are sorted by key so that there are none; a rise means that somebody else writes to these tables in another order.",
          queries: [
            { expr: perSecond("pg_stat_database_deadlocks", "datname", OURS), legend: "{{datname}}" },
          ],
        },
        {
          title: "Locks held",
          unit: "short",
          description:
            "By kind. accessexclusivelock for longer than a moment is a migration or a repair, and all else waits for it.",
          queries: [{ expr: `sum by (mode) (pg_locks_count{${OURS}})`, legend: "{{mode}}" }],
        },
        {
          title: "Temporary files",
          unit: "Bps",
          description:
            "Bytes each second that did not fit into work_mem. Sales over long ranges write some; if counting does (it should not), raise work_mem.",
          queries: [
            { expr: perSecond("pg_stat_database_temp_bytes", "datname", OURS), legend: "{{datname}}" },
          ],
        },
      ],
    },
  ],
};
