import { type Board, perSecond } from "../board.ts";

export const kafka: Board = {
  name: "kafka",
  title: "Kafka",
  description: "v3's broker, by the JMX exporter that runs inside it.",
  rows: [
    {
      title: "Orders",
      panels: [
        {
          title: "Records that come in",
          unit: "ops",
          description:
            "Each second, over all topics, the broker's own among them: an order is a record. It follows what v3 accepts; far more is another producer.",
          queries: [
            { expr: perSecond("kafka_server_brokertopicmetrics_messagesin_total", "job"), legend: "records" },
          ],
        },
        {
          title: "Bytes in and out",
          unit: "Bps",
          description:
            "Out follows in while workers keep up. Out far above in is a group that reads again from the beginning.",
          queries: [
            { expr: perSecond("kafka_server_brokertopicmetrics_bytesin_total", "job"), legend: "in" },
            { expr: perSecond("kafka_server_brokertopicmetrics_bytesout_total", "job"), legend: "out" },
          ],
        },
        {
          title: "Orders that wait in v3",
          unit: "short",
          description:
            "Records of the topic that the group has not committed, by the order API. When it climbs and workers are well, give the topic more partitions and run as many workers.",
          queries: [{ expr: 'mode:coffee_ingest_lag_orders:max{mode="v3"}', legend: "orders" }],
        },
      ],
    },
    {
      title: "The broker",
      panels: [
        {
          title: "A produce request takes (p99)",
          unit: "s",
          limit: 0.1,
          description:
            "Inside the broker, until all in-sync replicas have it. When it rises with the disk's work, the disk is the limit; with the next panel near 0, the broker's threads are.",
          queries: [{ expr: "max(kafka_network_produce_total_time_p99_seconds)", legend: "p99" }],
        },
        {
          title: "Request threads at rest",
          unit: "percentunit",
          isLeft: true,
          limit: 0.3,
          description:
            "Share of the time in which the threads that serve requests have nothing to do. Below 30 % the broker is near its limit: fewer, larger requests (V3_LINGER_MS), or more brokers.",
          queries: [{ expr: "min(kafka_server_requesthandler_idle_ratio)", legend: "at rest" }],
        },
        {
          title: "Partitions short of replicas",
          unit: "short",
          limit: 1,
          description:
            "Partitions with fewer in-sync replicas than they should have. With one broker always 0; else a broker is away or cannot follow.",
          queries: [
            { expr: "sum(kafka_server_replicamanager_underreplicatedpartitions)", legend: "partitions" },
          ],
        },
        {
          title: "Log on disk",
          unit: "bytes",
          description:
            "Bytes by topic. It grows until V3_RETENTION_HOURS and then stays; mind the disk before it does.",
          queries: [{ expr: "sum by (topic) (kafka_log_log_size_bytes)", legend: "{{topic}}" }],
        },
        {
          title: "Heap",
          unit: "bytes",
          description:
            "Used by the broker and allowed to it. A sawtooth is well; a floor that rises towards the limit ends in pauses: give it more (KAFKA_HEAP_OPTS).",
          queries: [
            { expr: 'sum(jvm_memory_used_bytes{job="kafka",area="heap"})', legend: "used" },
            { expr: 'sum(jvm_memory_max_bytes{job="kafka",area="heap"} > 0)', legend: "allowed" },
          ],
        },
        {
          title: "Collecting garbage",
          unit: "percentunit",
          limit: 0.1,
          description:
            "Share of the time that the broker spends collecting garbage. Above a tenth its heap is too small for its load.",
          queries: [
            { expr: perSecond("jvm_gc_collection_seconds_sum", "gc", 'job="kafka"'), legend: "{{gc}}" },
          ],
        },
      ],
    },
  ],
};
