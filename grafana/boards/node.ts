import { type Board, perSecond } from "../board.ts";

const OURS = 'job=~"order-api|worker"';
const PROGRAM = "{{job}} {{mode}} {{instance}}";
const EACH = "job, mode, instance";

export const node: Board = {
  name: "node",
  title: "Node runtime",
  description: "The processes of the order API and the workers. One process uses one core.",
  rows: [
    {
      title: "Time",
      panels: [
        {
          title: "Processor",
          unit: "percentunit",
          limit: 0.8,
          description:
            "Share of one core. A process near 100 % is the limit of what it does: run another of it, rather than tune.",
          queries: [{ expr: perSecond("process_cpu_seconds_total", EACH, OURS), legend: PROGRAM }],
        },
        {
          title: "Longest wait of the event loop",
          unit: "s",
          limit: 0.25,
          description:
            "The longest that anything waited for its turn since the last scrape. Above a quarter of a second something blocks: very large batches, a starved machine, swapping. See CoffeeEventLoopStall.",
          queries: [
            { expr: `max by (${EACH}) (nodejs_eventloop_lag_max_seconds{${OURS}})`, legend: PROGRAM },
          ],
        },
        {
          title: "Wait of the event loop (p99)",
          unit: "s",
          limit: 0.1,
          description:
            "What one turn of a hundred waited. It should lie near 10 ms, which is how finely it is measured. It rises before latency does.",
          queries: [
            { expr: `max by (${EACH}) (nodejs_eventloop_lag_p99_seconds{${OURS}})`, legend: PROGRAM },
          ],
        },
        {
          title: "Collecting garbage",
          unit: "percentunit",
          limit: 0.1,
          description:
            "Share of the time spent collecting garbage. Above a tenth, memory is short or much is made and thrown away: look at the heap beside it.",
          queries: [{ expr: perSecond("nodejs_gc_duration_seconds_sum", EACH, OURS), legend: PROGRAM }],
        },
      ],
    },
    {
      title: "Memory and files",
      panels: [
        {
          title: "Resident memory",
          unit: "bytes",
          description:
            "Of each process. It rises with the load and stays. A line that climbs for days is a leak: take a heap snapshot before you restart.",
          queries: [{ expr: `max by (${EACH}) (process_resident_memory_bytes{${OURS}})`, legend: PROGRAM }],
        },
        {
          title: "Heap in use",
          unit: "bytes",
          description:
            "JavaScript's own part of the memory. A sawtooth is well; what counts is whether its floor climbs.",
          queries: [{ expr: `max by (${EACH}) (nodejs_heap_size_used_bytes{${OURS}})`, legend: PROGRAM }],
        },
        {
          title: "Open files",
          unit: "short",
          description:
            "Sockets are files too. Near the limit of the process (ulimit -n) connections are refused: raise it where very many dashboards connect.",
          queries: [{ expr: `max by (${EACH}) (process_open_fds{${OURS}})`, legend: PROGRAM }],
        },
        {
          title: "Up for",
          unit: "s",
          description:
            "How long each process has run. A sawtooth is a process that ends again and again: its log says why in the last line before each start.",
          queries: [
            { expr: `time() - max by (${EACH}) (process_start_time_seconds{${OURS}})`, legend: PROGRAM },
          ],
        },
        {
          title: "Versions",
          unit: "short",
          description:
            "Processes of each version. Two versions at a time are a release under way; for long, one that stopped half way.",
          queries: [
            {
              expr: "count by (program, version, node) (coffee_build_info)",
              legend: "{{program}} {{version}} {{node}}",
            },
          ],
        },
      ],
    },
  ],
};
