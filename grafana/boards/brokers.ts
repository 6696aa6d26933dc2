import { modes } from "#shared/modes/all.ts";
import { type Board, maxOf, perSecond, rateOf } from "../board.ts";

const SERVER = "{{server}}";
const ON_KAFKA = modes
  .filter(({ backend }) => backend === "kafka")
  .map(({ name }) => name)
  .join("|");

export const redis: Board = {
  name: "redis",
  title: "Redis and streams",
  description: "The board's Redis and the stream's Redis, by redis_exporter.",
  rows: [
    {
      title: "The stream",
      panels: [
        {
          title: "Entries in the stream",
          unit: "short",
          description:
            "Entries in the stream; under load one entry holds many orders. Counted entries are trimmed every second. A rise means that the workers have stopped or another group keeps entries.",
          queries: [maxOf("redis_stream_length", "stream")],
        },
        {
          title: "Pending entries",
          unit: "short",
          description:
            "Entries delivered to a worker and not acknowledged, by group. It follows the load. A constant value belongs to a dead worker: another one claims the entries after V2_CLAIM_IDLE_MS.",
          queries: [
            { expr: "max by (stream, group) (redis_stream_group_messages_pending)", legend: "{{group}}" },
          ],
        },
        {
          title: "Memory used of maxmemory",
          unit: "percentunit",
          limit: 0.8,
          description:
            "Only the stream's Redis sets maxmemory. At 100 % v2 rejects orders and loses none. Restore the workers first, then raise maxmemory.",
          queries: [{ expr: "server:redis_memory_used:ratio", legend: SERVER }],
        },
      ],
    },
    {
      title: "Servers",
      panels: [
        {
          title: "Up",
          unit: "short",
          isLeft: true,
          limit: 1,
          description:
            "1 while the exporter can query it. With the stream at 0, v2 is unavailable. With the board at 0, dashboards are not updated and v1 does not count.",
          queries: [{ expr: "min by (server) (redis_up)", legend: SERVER }],
        },
        {
          title: "Memory",
          unit: "bytes",
          description:
            "Memory used by each server. The board needs some megabytes and does not grow; the stream follows the backlog.",
          queries: [maxOf("redis_memory_used_bytes", "server")],
        },
        {
          title: "Commands",
          unit: "ops",
          description:
            "Commands per second. The stream's follow the groups of orders, the board's the published boards and v1's schedule. Many more come from another client: see CLIENT LIST.",
          queries: [rateOf("redis_commands_processed_total", "server")],
        },
        {
          title: "Time in commands",
          unit: "percentunit",
          limit: 0.8,
          description:
            "Share of its single thread that a server spends in commands. Near 100 % the server is the bottleneck: for the stream use a faster machine, not more workers.",
          queries: [rateOf("redis_commands_duration_seconds_total", "server")],
        },
        {
          title: "Clients",
          unit: "short",
          description:
            "Connected and blocked clients. Each API and worker holds a fixed number. A rising value is a client that does not close its connections.",
          queries: [
            maxOf("redis_connected_clients", "server", "", "connected"),
            maxOf("redis_blocked_clients", "server", "", "blocked"),
          ],
        },
        {
          title: "Last write of the append-only file",
          unit: "short",
          isLeft: true,
          limit: 1,
          description:
            "1 if the last write succeeded. 0 on the stream means a full or broken disk: v2 rejects orders until there is space.",
          queries: [{ expr: "min by (server) (redis_aof_last_write_status)", legend: SERVER }],
        },
        {
          title: "Keys evicted",
          unit: "ops",
          limit: 0.1,
          description:
            "Must be 0 on both, as maxmemory-policy is noeviction. Any other value is a wrong setting that loses acknowledged orders: correct it at once.",
          queries: [rateOf("redis_evicted_keys_total", "server")],
        },
      ],
    },
  ],
};

export const kafka: Board = {
  name: "kafka",
  title: "Kafka",
  description: "The broker, by the JMX exporter inside it.",
  rows: [
    {
      title: "Orders",
      panels: [
        {
          title: "Records received",
          unit: "ops",
          description:
            "Records per second over all topics, the broker's own included; an order is a record. It follows the accepted orders; many more come from another producer.",
          queries: [
            { expr: perSecond("kafka_server_brokertopicmetrics_messagesin_total", "job"), legend: "records" },
          ],
        },
        {
          title: "Bytes in and out",
          unit: "Bps",
          description:
            "Bytes out follow bytes in while the workers keep up. Bytes out far above bytes in mean that a group reads again from the start.",
          queries: [
            { expr: perSecond("kafka_server_brokertopicmetrics_bytesin_total", "job"), legend: "in" },
            { expr: perSecond("kafka_server_brokertopicmetrics_bytesout_total", "job"), legend: "out" },
          ],
        },
        {
          title: "Pending orders",
          unit: "short",
          description:
            "Records of the topic that the consumer group has not committed, as the order API reports it. When it rises although the workers run, add partitions to the topic and run as many workers.",
          queries: [{ expr: `mode:coffee_ingest_lag_orders:max{mode=~"${ON_KAFKA}"}`, legend: "{{mode}}" }],
        },
      ],
    },
    {
      title: "Broker",
      panels: [
        {
          title: "Produce request time (p99)",
          unit: "s",
          limit: 0.1,
          description:
            "Inside the broker, until all in-sync replicas have the records. When it rises together with the disk's load, the disk is the bottleneck; with the next panel near 0, the broker's threads are.",
          queries: [{ expr: "max(kafka_network_produce_total_time_p99_seconds)", legend: "p99" }],
        },
        {
          title: "Idle request threads",
          unit: "percentunit",
          isLeft: true,
          limit: 0.3,
          description:
            "Share of the time in which the request threads are idle. Below 30 % the broker is near its capacity: send fewer, larger requests (V3_LINGER_MS), or add brokers.",
          queries: [{ expr: "min(kafka_server_requesthandler_idle_ratio)", legend: "idle" }],
        },
        {
          title: "Under-replicated partitions",
          unit: "short",
          limit: 1,
          description:
            "Partitions with fewer in-sync replicas than configured. With one broker it is always 0; with several, a broker is down or cannot keep up.",
          queries: [
            { expr: "sum(kafka_server_replicamanager_underreplicatedpartitions)", legend: "partitions" },
          ],
        },
        {
          title: "Log on disk",
          unit: "bytes",
          description:
            "Bytes by topic. It grows until V3_RETENTION_HOURS have passed and then stays constant: make sure that the disk is large enough.",
          queries: [{ expr: "sum by (topic) (kafka_log_log_size_bytes)", legend: "{{topic}}" }],
        },
        {
          title: "Heap",
          unit: "bytes",
          description:
            "Heap used by the broker, and its maximum. A sawtooth is normal. If its minimum rises towards the maximum, long pauses follow: give it more (KAFKA_HEAP_OPTS).",
          queries: [
            { expr: 'sum(jvm_memory_used_bytes{job="kafka",area="heap"})', legend: "used" },
            { expr: 'sum(jvm_memory_max_bytes{job="kafka",area="heap"} > 0)', legend: "maximum" },
          ],
        },
        {
          title: "Garbage collection",
          unit: "percentunit",
          limit: 0.1,
          description:
            "Share of the time that the broker spends on garbage collection. Above 10 %, its heap is too small for the load.",
          queries: [rateOf("jvm_gc_collection_seconds_sum", "gc", 'job="kafka"')],
        },
      ],
    },
  ],
};
