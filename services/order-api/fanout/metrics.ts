import { Counter, Gauge, type Registry } from "prom-client";

export type SocketMetrics = {
  sockets(open: number): void;
  /** A frame was put into bytes; it is then sent to any number of sockets. */
  made(kind: string): void;
  sent(kind: string): void;
  conflated(): void;
  resynced(): void;
  /** By the server: `slow`, `silent` or `refused` (what the client sent). */
  closed(reason: string): void;
};

export const openSocketMetrics = (registry: Registry): SocketMetrics => {
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name, help, labelNames, registers });
  const sockets = new Gauge({ name: "coffee_ws_connections", help: "Open WebSockets", registers });
  const made = counter("coffee_ws_made_total", "WebSocket frames serialised, once for all sockets", ["kind"]);
  const sent = counter("coffee_ws_sent_total", "WebSocket frames sent", ["kind"]);
  const conflated = counter(
    "coffee_ws_conflated_total",
    "Frames left out for sockets that were still busy with the one before",
  );
  const resyncs = counter("coffee_ws_resyncs_total", "Snapshots sent because a client asked");
  const closed = counter("coffee_ws_closed_total", "WebSockets that the server closed, by reason", [
    "reason",
  ]);
  // what begins at its first event is missed by every rate
  for (const reason of ["slow", "silent", "refused"]) closed.inc({ reason }, 0);
  return {
    sockets: (open) => sockets.set(open),
    made: (kind) => made.inc({ kind }),
    sent: (kind) => sent.inc({ kind }),
    conflated: () => conflated.inc(),
    resynced: () => resyncs.inc(),
    closed: (reason) => closed.inc({ reason }),
  };
};
