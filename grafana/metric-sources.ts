/**
 * What boards and rules read that the programs themselves do not expose: the names of the scrape jobs, the exporters'
 * metrics, and the queries of the earlier system's board.
 */

/** Rules and boards select jobs by these names. docs/operations.md lists the further labels that they need. */
export const JOBS = ["order-api", "worker", "postgres", "redis", "kafka", "node"] as const;
export type Job = (typeof JOBS)[number];

/**
 * By the exporter that exposes them; docs/operations.md says where each exporter comes from. Only
 * npm run check:observability can verify that they exist under these names.
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

/** The earlier Python system's board asks for these and keeps working: the metrics keep their names and labels. */
export const EARLIER_SYSTEM: readonly string[] = [
  "sum(rate(http_requests_total[$__rate_interval]))",
  "sum by (endpoint) (rate(http_requests_total[$__rate_interval]))",
  'sum by (status_code) (rate(http_requests_total{method="POST"}[$__rate_interval]))',
  "histogram_quantile(0.5, sum by (le) (rate(http_request_duration_seconds_bucket[$__rate_interval])))",
  "histogram_quantile(0.95, sum by (le, endpoint) (rate(http_request_duration_seconds_bucket[$__rate_interval])))",
  "histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[$__rate_interval])))",
  "sum by (drink) (rate(orders_created_total[$__rate_interval]))",
  "sum by (store) (rate(orders_created_total[$__rate_interval]))",
  "sum by (version) (rate(orders_created_total[$__rate_interval]))",
  "sum by (store) (rate(order_value_total[$__rate_interval]))",
  "sum(increase(order_value_total[$__rate_interval]))",
];
