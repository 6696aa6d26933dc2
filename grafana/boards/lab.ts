import { type Board, OF_MODES, perSecond, quantile } from "../board.ts";

export const lab: Board = {
  name: "lab",
  title: "Lab run",
  description: "One experiment: load, latency and what it costs, with the phases of the run marked.",
  hasModes: true,
  isMarkedByLab: true,
  rows: [
    {
      title: "Load and objective",
      panels: [
        {
          title: "Orders accepted and refused",
          unit: "ops",
          description:
            "What the generator got through. Compare with the rate it was told: less accepted and nothing refused means that the generator itself could not keep up, and the run is void.",
          queries: [
            {
              expr: perSecond("coffee_orders_accepted_total", "mode", OF_MODES),
              legend: "{{mode}} accepted",
            },
            { expr: perSecond("coffee_orders_rejected_total", "mode", OF_MODES), legend: "{{mode}} refused" },
          ],
        },
        {
          title: "Acknowledged within",
          unit: "s",
          limit: 0.1,
          description:
            "p50, p99 and p99.9 as the server sees it. The lab's own figures count from the planned send time and are higher under overload: those are the ones that hold.",
          queries: [0.5, 0.99, 0.999].map((share) => ({
            expr: quantile(share, "coffee_ingest_ack_seconds", "mode", OF_MODES),
            legend: `{{mode}} p${share * 100}`,
          })),
        },
        {
          title: "On the board within",
          unit: "s",
          limit: 1,
          description:
            "p50 and p99 from accept to a published board. Above 1 s for p99 the interactive objective is missed: the step fails.",
          queries: [0.5, 0.99].map((share) => ({
            expr: quantile(share, "coffee_order_freshness_seconds", "mode", `stage="published",${OF_MODES}`),
            legend: `{{mode}} p${share * 100}`,
          })),
        },
        {
          title: "Orders that wait",
          unit: "short",
          description:
            "At a rate that holds it does not grow from the beginning of a step to its end. If it does, the step is above capacity, whatever the latencies say.",
          queries: [{ expr: `max by (mode) (coffee_ingest_lag_orders{${OF_MODES}})`, legend: "{{mode}}" }],
        },
      ],
    },
    {
      title: "What it costs",
      panels: [
        {
          title: "Processor of the programs",
          unit: "percentunit",
          limit: 0.8,
          description:
            "Share of the one core that a process can use, of the busiest of each program. The one that comes to 100 % first names the bottleneck of the run.",
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
            "Resident, by program. Between two repetitions of a step it should be alike; if it climbs from each to the next, something is kept.",
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
            "Share of all cores in use, by kind. Much iowait is the disk: then the run measured the disk. Above 90 % in all, generator and system took from each other.",
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
            "Share of the time in which a disk was busy. Near 100 % its flushes are the bottleneck: the figure to compare is the bare fsync of that machine.",
          queries: [{ expr: perSecond("node_disk_io_time_seconds_total", "device"), legend: "{{device}}" }],
        },
        {
          title: "Commits of PostgreSQL",
          unit: "ops",
          description:
            "Transactions each second. Orders accepted divided by this is how many share a commit: it should rise with the load.",
          queries: [{ expr: perSecond("pg_stat_database_xact_commit", "job"), legend: "commits" }],
        },
        {
          title: "Processor of the broker",
          unit: "percentunit",
          description:
            "Kafka's share of one core; it uses several. When it comes near those that it has, the broker is the bottleneck of the run.",
          queries: [
            { expr: perSecond("process_cpu_seconds_total", "job", 'job="kafka"'), legend: "{{job}}" },
          ],
        },
      ],
    },
  ],
};
