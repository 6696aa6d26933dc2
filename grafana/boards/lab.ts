import { type Board, maxOf, OF_MODES, perSecond, quantile, rateOf } from "../board.ts";

export const lab: Board = {
  name: "lab",
  title: "Lab run",
  description: "One experiment: load, latency and resource use, with annotations for the phases of the run.",
  hasModes: true,
  isMarkedByLab: true,
  rows: [
    {
      title: "Load and objective",
      panels: [
        {
          title: "Orders accepted and rejected",
          unit: "ops",
          description:
            "What the generator sent. Compare it with the planned rate: if fewer orders are accepted and none is rejected, the generator could not keep up and the run is invalid.",
          queries: [
            rateOf("coffee_orders_accepted_total", "mode", OF_MODES, "accepted"),
            rateOf("coffee_orders_rejected_total", "mode", OF_MODES, "rejected"),
          ],
        },
        {
          title: "Acknowledgement latency",
          unit: "s",
          limit: 0.1,
          description:
            "p50, p99 and p99.9, measured by the server. The lab measures from the planned send time, so its latencies are higher under overload; use those in reports.",
          queries: [0.5, 0.99, 0.999].map((share) => ({
            expr: quantile(share, "coffee_ingest_ack_seconds", "mode", OF_MODES),
            legend: `{{mode}} p${share * 100}`,
          })),
        },
        {
          title: "Time until published",
          unit: "s",
          limit: 1,
          description:
            "p50 and p99 from acceptance to a published board. When p99 is above 1 s the interactive objective is missed and the step fails.",
          queries: [0.5, 0.99].map((share) => ({
            expr: quantile(share, "coffee_order_freshness_seconds", "mode", `stage="published",${OF_MODES}`),
            legend: `{{mode}} p${share * 100}`,
          })),
        },
        {
          title: "Pending orders",
          unit: "short",
          description:
            "At a sustainable rate this does not grow during a step. If it grows, the step is above capacity, whatever the latencies are.",
          queries: [maxOf("coffee_ingest_lag_orders", "mode", OF_MODES)],
        },
      ],
    },
    {
      title: "Resource use",
      panels: [
        {
          title: "Processor of the programs",
          unit: "percentunit",
          limit: 0.8,
          description:
            "Share of the one core that a process can use, for the busiest process of each program. The first one to reach 100 % is the bottleneck of the run.",
          queries: [
            {
              expr: 'max by (job, mode) (rate(process_cpu_seconds_total{job=~"order-api|worker"}[$__rate_interval]))',
              legend: "{{job}} {{mode}}",
            },
          ],
        },
        {
          title: "Memory of the programs",
          unit: "bytes",
          description:
            "Resident memory by program. It should be the same in each repetition of a step; if it grows from one to the next, a program leaks memory.",
          queries: [
            {
              expr: 'sum by (job, mode) (process_resident_memory_bytes{job=~"order-api|worker|kafka"})',
              legend: "{{job}} {{mode}}",
            },
          ],
        },
        {
          title: "Machine",
          unit: "percentunit",
          limit: 0.9,
          description:
            "Share of all cores in use, by kind. With much iowait the run measured the disk. Above 90 % in total the generator and the system competed for the processor.",
          queries: [
            {
              expr: 'sum by (kind) (label_replace(rate(node_cpu_seconds_total{mode!="idle"}[$__rate_interval]), "kind", "$1", "mode", "(.*)")) / scalar(count(node_cpu_seconds_total{mode="idle"}))',
              legend: "{{kind}}",
            },
          ],
        },
        {
          title: "Disk",
          unit: "percentunit",
          limit: 0.8,
          description:
            "Share of the time in which a disk was busy. Near 100 % its flushes are the bottleneck: compare with the fsync rate of that machine.",
          queries: [rateOf("node_disk_io_time_seconds_total", "device")],
        },
        {
          title: "Commits of PostgreSQL",
          unit: "ops",
          description:
            "Transactions per second. Accepted orders divided by this are the orders per commit, which should rise with the load.",
          queries: [{ expr: perSecond("pg_stat_database_xact_commit", "job"), legend: "commits" }],
        },
        {
          title: "Processor of the broker",
          unit: "percentunit",
          description:
            "Kafka's processor use in cores; it uses several. When it approaches the number of cores it has, the broker is the bottleneck of the run.",
          queries: [rateOf("process_cpu_seconds_total", "job", 'job="kafka"')],
        },
      ],
    },
  ],
};
