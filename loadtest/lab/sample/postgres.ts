/** What PostgreSQL did in a run: its own counters (PostgreSQL 18's statistics views) and what its sessions waited for. */
import type { Pool } from "#shared/store/pool.ts";

/** Counters since the server started; a run's figures are differences. */
export type PostgresCounters = {
  readonly walBytes: number;
  readonly walRecords: number;
  readonly walSyncs: number;
  readonly walSyncSeconds: number;
  readonly commits: number;
  readonly deadlocks: number;
  readonly tempBytes: number;
  readonly autovacuums: number;
  readonly checkpoints: number;
};

/** Sessions at work at one moment, by what they were waiting for. */
export type PostgresWaits = {
  readonly active: number;
  /** Writing or syncing the log: commits. */
  readonly wal: number;
  /** Rows, relations, transactions of others. */
  readonly lock: number;
  readonly io: number;
  /** Lightweight locks inside the server. */
  readonly internal: number;
  /** Waiting for nothing: computing, or for a core. */
  readonly computing: number;
};

const COUNTERS = `
SELECT (SELECT wal_bytes FROM pg_stat_wal)::float8 AS "walBytes",
       (SELECT wal_records FROM pg_stat_wal)::float8 AS "walRecords",
       coalesce(sum(fsyncs), 0)::float8 AS "walSyncs",
       (coalesce(sum(fsync_time), 0) / 1000)::float8 AS "walSyncSeconds",
       (SELECT sum(xact_commit) FROM pg_stat_database)::float8 AS "commits",
       (SELECT sum(deadlocks) FROM pg_stat_database)::float8 AS "deadlocks",
       (SELECT sum(temp_bytes) FROM pg_stat_database)::float8 AS "tempBytes",
       (SELECT coalesce(sum(autovacuum_count), 0) FROM pg_stat_user_tables)::float8 AS "autovacuums",
       (SELECT num_timed + num_requested FROM pg_stat_checkpointer)::float8 AS "checkpoints"
FROM pg_stat_io WHERE object = 'wal'`;

const WAITS = `
SELECT count(*)::float8 AS active,
       count(*) FILTER (WHERE wait_event IN ('WalSync', 'WalWrite', 'WALSync', 'WALWrite', 'WALWriteLock', 'WalInsert', 'WALInsert'))::float8 AS wal,
       count(*) FILTER (WHERE wait_event_type = 'Lock')::float8 AS lock,
       count(*) FILTER (WHERE wait_event_type = 'IO' AND wait_event !~* '^wal')::float8 AS io,
       count(*) FILTER (WHERE wait_event_type = 'LWLock' AND wait_event !~* '^wal')::float8 AS internal,
       count(*) FILTER (WHERE wait_event IS NULL)::float8 AS computing
FROM pg_stat_activity WHERE state = 'active' AND backend_type = 'client backend' AND pid <> pg_backend_pid()`;

const SIZES = `
SELECT pg_database_size(current_database())::float8 AS "databaseBytes",
       coalesce((SELECT sum(pg_relation_size(relid)) FROM pg_partition_tree('orders') WHERE isleaf), 0)::float8 AS "ordersBytes",
       coalesce((SELECT sum(pg_indexes_size(relid)) FROM pg_partition_tree('orders') WHERE isleaf), 0)::float8 AS "orderIndexBytes",
       coalesce((SELECT sum(n_dead_tup) FROM pg_stat_user_tables), 0)::float8 AS "deadRows"`;

const first = async <T extends object>(pool: Pool, sql: string): Promise<T> => {
  const [row] = (await pool.query<T>(sql)).rows;
  if (row === undefined) throw new Error("an aggregate without a row");
  return row;
};

export const postgresCounters = (pool: Pool): Promise<PostgresCounters> => first(pool, COUNTERS);
export const postgresWaits = (pool: Pool): Promise<PostgresWaits> => first(pool, WAITS);
/** At the end of a run. */
export const postgresSizes = (pool: Pool): Promise<Record<string, number>> => first(pool, SIZES);
