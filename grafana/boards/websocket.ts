import { type Board, perSecond } from "../board.ts";

export const websocket: Board = {
  name: "websocket",
  title: "WebSocket",
  description: "What dashboards are sent. A slow one never slows another down.",
  rows: [
    {
      title: "Who listens",
      panels: [
        {
          title: "Open sockets",
          unit: "short",
          description:
            "By API process. MAX_SOCKETS bounds each; beyond it 503 is answered. Uneven numbers even out as clients come back: no need to act.",
          queries: [{ expr: "max by (instance) (coffee_ws_connections)", legend: "{{instance}}" }],
        },
        {
          title: "Sockets closed by us",
          unit: "ops",
          limit: 1,
          description:
            "slow: over 1 MiB waited for it; silent: no answer to a ping; refused: it sent what it must not. Many slow ones at once are a network, not clients.",
          queries: [{ expr: perSecond("coffee_ws_closed_total", "reason"), legend: "{{reason}}" }],
        },
        {
          title: "Age of what they see",
          unit: "s",
          limit: 15,
          description:
            "Age of the newest board in each API process. If it grows here and boards are published (Pipeline), the process lost the board's Redis.",
          queries: [{ expr: "max by (instance) (coffee_board_age_seconds)", legend: "{{instance}}" }],
        },
      ],
    },
    {
      title: "What is sent",
      panels: [
        {
          title: "Frames made",
          unit: "ops",
          description:
            "Serialised once for all sockets: up to ten a second for each filter that somebody uses. More filters cost more, more sockets do not.",
          queries: [{ expr: perSecond("coffee_ws_made_total", "kind"), legend: "{{kind}}" }],
        },
        {
          title: "Frames sent",
          unit: "ops",
          description:
            "To all sockets together. When it falls while sockets stay, frames are left out: see the next panel and the processor of the API.",
          queries: [{ expr: perSecond("coffee_ws_sent_total", "kind"), legend: "{{kind}}" }],
        },
        {
          title: "Frames left out",
          unit: "ops",
          description:
            "For sockets still busy with the one before: they get the latest state later. Some are slow clients; with all of them, the API or the network is at its limit.",
          queries: [{ expr: perSecond("coffee_ws_conflated_total", "job"), legend: "left out" }],
        },
        {
          title: "Snapshots asked for again",
          unit: "ops",
          description:
            "A client saw a gap and asked for a whole picture. After a restart of the API many do once; a steady flow is a proxy that loses frames.",
          queries: [{ expr: perSecond("coffee_ws_resyncs_total", "job"), legend: "asked" }],
        },
      ],
    },
  ],
};
