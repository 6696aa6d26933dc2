import { type Board, maxOf, perSecond, rateOf } from "../board.ts";

const OURS = 'job=~"order-api|worker"';
const PROGRAM = "{{job}} {{mode}} {{instance}}";
const EACH = "job, mode, instance";

export const node: Board = {
  name: "node",
  title: "Node runtime",
  description: "The processes of the order API and the workers. One process uses at most one core.",
  rows: [
    {
      title: "Processor and event loop",
      panels: [
        {
          title: "Processor",
          unit: "percentunit",
          limit: 0.8,
          description:
            "Share of one core. A process near 100 % is at its capacity: run another one instead of tuning it.",
          queries: [rateOf("process_cpu_seconds_total", EACH, OURS)],
        },
        {
          title: "Event loop lag (maximum)",
          unit: "s",
          limit: 0.25,
          description:
            "The longest delay of a callback since the last scrape. Above 250 ms something blocks the event loop: very large batches, too little processor time, swapping. See CoffeeEventLoopStall.",
          queries: [maxOf("nodejs_eventloop_lag_max_seconds", EACH, OURS)],
        },
        {
          title: "Event loop lag (p99)",
          unit: "s",
          limit: 0.1,
          description:
            "One callback in a hundred is delayed by more. It should be near 10 ms, the resolution of the measurement. It rises before latency does.",
          queries: [maxOf("nodejs_eventloop_lag_p99_seconds", EACH, OURS)],
        },
        {
          title: "Garbage collection",
          unit: "percentunit",
          limit: 0.1,
          description:
            "Share of the time spent on garbage collection. Above 10 %, memory is short or the process allocates much: see the heap in use.",
          queries: [rateOf("nodejs_gc_duration_seconds_sum", EACH, OURS)],
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
            "Resident memory of each process. It rises with the load and then stays constant. A line that rises for days is a leak: take a heap snapshot before you restart the process.",
          queries: [maxOf("process_resident_memory_bytes", EACH, OURS)],
        },
        {
          title: "Heap in use",
          unit: "bytes",
          description: "The JavaScript heap. A sawtooth is normal; a rising minimum is a leak.",
          queries: [maxOf("nodejs_heap_size_used_bytes", EACH, OURS)],
        },
        {
          title: "Open files",
          unit: "short",
          description:
            "Open file descriptors, sockets included. Near the limit of the process (ulimit -n) connections are refused: raise it where very many dashboards connect.",
          queries: [maxOf("process_open_fds", EACH, OURS)],
        },
        {
          title: "Uptime",
          unit: "s",
          description:
            "Time since each process started. A sawtooth is a process that exits repeatedly: the last line of its log before each start says why.",
          queries: [
            { expr: `time() - max by (${EACH}) (process_start_time_seconds{${OURS}})`, legend: PROGRAM },
          ],
        },
        {
          title: "Versions",
          unit: "short",
          description:
            "Processes by version. Two versions at once are normal during a release; for longer, the release is stuck.",
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

export const websocket: Board = {
  name: "websocket",
  title: "WebSocket",
  description: "Frames sent to dashboards. A slow client never delays another one.",
  rows: [
    {
      title: "Sockets",
      panels: [
        {
          title: "Open sockets",
          unit: "short",
          description:
            "Open sockets by API process. Each accepts up to MAX_SOCKETS and then answers 503. Uneven numbers even out as clients reconnect: no action is needed.",
          queries: [maxOf("coffee_ws_connections", "instance")],
        },
        {
          title: "Sockets closed by the server",
          unit: "ops",
          limit: 1,
          description:
            "slow: more than 1 MiB was buffered for it; silent: it did not answer a ping; refused: it sent a forbidden message. Many slow ones at once point to the network, not to the clients.",
          queries: [rateOf("coffee_ws_closed_total", "reason")],
        },
        {
          title: "Age of the board",
          unit: "s",
          limit: 15,
          description:
            "Age of the newest board in each API process. If it grows although boards are published (see Pipeline), the process lost the board's Redis.",
          queries: [maxOf("coffee_board_age_seconds", "instance")],
        },
      ],
    },
    {
      title: "Frames",
      panels: [
        {
          title: "Frames serialised",
          unit: "ops",
          description:
            "Frames are serialised once for all sockets: up to ten per second for each filter in use. More filters cost more, more sockets do not.",
          queries: [rateOf("coffee_ws_made_total", "kind")],
        },
        {
          title: "Frames sent",
          unit: "ops",
          description:
            "Frames sent to all sockets together. When it drops while the sockets stay, frames are skipped: see the next panel and the processor of the API.",
          queries: [rateOf("coffee_ws_sent_total", "kind")],
        },
        {
          title: "Frames skipped",
          unit: "ops",
          description:
            "Frames not sent to sockets that are still busy with the previous one: they get the latest state later. Some come from slow clients. If all sockets skip, the API or the network is at capacity.",
          queries: [{ expr: perSecond("coffee_ws_conflated_total", "job"), legend: "skipped" }],
        },
        {
          title: "Snapshots requested again",
          unit: "ops",
          description:
            "A client found a gap and requested a snapshot. After a restart of the API many clients do so once. A steady flow points to a proxy that loses frames.",
          queries: [{ expr: perSecond("coffee_ws_resyncs_total", "job"), legend: "requested" }],
        },
      ],
    },
  ],
};
