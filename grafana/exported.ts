/**
 * The metrics of others that boards and rules read, by who tells them. All else is told by the programs themselves, or by
 * Prometheus. docs/operations.md says where each exporter comes from. That they exist under these names only
 * npm run check:observability can find.
 */
export const EXPORTED: Readonly<Record<string, readonly string[]>> = {
  postgres_exporter: [
    "pg_up",
    "pg_database_size_bytes",
    "pg_locks_count",
    "pg_settings_max_connections",
    "pg_stat_activity_count",
    "pg_stat_activity_max_tx_duration",
    "pg_stat_database_blks_hit",
    "pg_stat_database_blks_read",
    "pg_stat_database_deadlocks",
    "pg_stat_database_temp_bytes",
    "pg_stat_database_tup_inserted",
    "pg_stat_database_tup_updated",
    "pg_stat_database_xact_commit",
    "pg_stat_database_xact_rollback",
  ],
  redis_exporter: [
    "redis_up",
    "redis_aof_last_write_status",
    "redis_blocked_clients",
    "redis_commands_duration_seconds_total",
    "redis_commands_processed_total",
    "redis_connected_clients",
    "redis_evicted_keys_total",
    "redis_memory_max_bytes",
    "redis_memory_used_bytes",
    "redis_stream_group_messages_pending",
    "redis_stream_length",
  ],
  jmx_exporter: [
    "jvm_gc_collection_seconds_sum",
    "jvm_memory_max_bytes",
    "jvm_memory_used_bytes",
    "kafka_log_log_size_bytes",
    "kafka_network_produce_total_time_p99_seconds",
    "kafka_server_brokertopicmetrics_bytesin_total",
    "kafka_server_brokertopicmetrics_bytesout_total",
    "kafka_server_brokertopicmetrics_messagesin_total",
    "kafka_server_replicamanager_underreplicatedpartitions",
    "kafka_server_requesthandler_idle_ratio",
  ],
  node_exporter: [
    "node_cpu_seconds_total",
    "node_disk_io_time_seconds_total",
    "node_filesystem_avail_bytes",
    "node_filesystem_readonly",
    "node_filesystem_size_bytes",
  ],
};
