import { type Board, perSecond } from "../board.ts";

const SERVER = "{{server}}";

export const redis: Board = {
  name: "redis",
  title: "Redis and streams",
  description: "The board's Redis and v2's stream, by redis_exporter.",
  rows: [
    {
      title: "The stream",
      panels: [
        {
          title: "Entries in the stream",
          unit: "short",
          description:
            "Entries that stand in v2's stream (an entry holds many orders under load). What is counted is trimmed each second: when it climbs, v2's workers stand still or another group holds entries.",
          queries: [{ expr: "max by (stream) (redis_stream_length)", legend: "{{stream}}" }],
        },
        {
          title: "Entries in hand",
          unit: "short",
          description:
            "Delivered to a worker and not acknowledged, by group. It follows the load. A number that does not move belongs to a worker that died: another claims it after V2_CLAIM_IDLE_MS.",
          queries: [
            { expr: "max by (stream, group) (redis_stream_group_messages_pending)", legend: "{{group}}" },
          ],
        },
        {
          title: "Memory used of what is allowed",
          unit: "percentunit",
          limit: 0.8,
          description:
            "Of maxmemory, where it is set: that is the stream's. At 100 % v2 refuses orders, loses none. Bring the workers back first, then raise maxmemory.",
          queries: [{ expr: "server:redis_memory_used:ratio", legend: SERVER }],
        },
      ],
    },
    {
      title: "The servers",
      panels: [
        {
          title: "Answers",
          unit: "short",
          isLeft: true,
          limit: 1,
          description:
            "1 while the exporter gets answers. The stream's at 0: v2 is down. The board's: dashboards stand still, and v1 is not told when to count.",
          queries: [{ expr: "min by (server) (redis_up)", legend: SERVER }],
        },
        {
          title: "Memory",
          unit: "bytes",
          description:
            "Used by each server. The board's is some megabytes and does not grow; the stream's follows what waits.",
          queries: [{ expr: "max by (server) (redis_memory_used_bytes)", legend: SERVER }],
        },
        {
          title: "Commands",
          unit: "ops",
          description:
            "Each second. The stream's follows the groups of orders, the board's the boards and v1's schedule. Many more than that is a stranger: see CLIENT LIST.",
          queries: [{ expr: perSecond("redis_commands_processed_total", "server"), legend: SERVER }],
        },
        {
          title: "Time in commands",
          unit: "percentunit",
          limit: 0.8,
          description:
            "Share of its one thread that a server spends in commands. Near 100 % it is the limit: of v2, add no workers, but give the stream a faster machine.",
          queries: [{ expr: perSecond("redis_commands_duration_seconds_total", "server"), legend: SERVER }],
        },
        {
          title: "Clients",
          unit: "short",
          description:
            "Connected and blocked. Each API and worker holds a fixed few; a number that climbs is a client that does not close.",
          queries: [
            { expr: "max by (server) (redis_connected_clients)", legend: "{{server}} connected" },
            { expr: "max by (server) (redis_blocked_clients)", legend: "{{server}} blocked" },
          ],
        },
        {
          title: "Last write of the log",
          unit: "short",
          isLeft: true,
          limit: 1,
          description:
            "1 while the append-only file could be written. 0 on the stream is a full or broken disk: v2 refuses orders until there is room.",
          queries: [{ expr: "min by (server) (redis_aof_last_write_status)", legend: SERVER }],
        },
        {
          title: "Keys evicted",
          unit: "ops",
          limit: 0.1,
          description:
            "Must be 0 on both: maxmemory-policy is noeviction. Anything else is a wrong setting that loses acknowledged orders: set it back at once.",
          queries: [{ expr: perSecond("redis_evicted_keys_total", "server"), legend: SERVER }],
        },
      ],
    },
  ],
};
