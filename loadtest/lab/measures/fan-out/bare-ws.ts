/**
 * The ceiling of a fan-out: `ws` and nothing else. It sends the text that it is given to every client, and skips clients
 * that are still busy with the frame before; else it would buffer without limit what slow ones do not read.
 */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import { serveParent } from "../../run/child-process.ts";

export type ToBare = { readonly send: string } | "port" | "figures";
export type FanOutFigures = {
  readonly sockets: number;
  /** Frames that were not sent to a busy socket, and the process's CPU time; both since it started. */
  readonly skipped: number;
  readonly cpuSeconds: number;
};

/** As in the order API. */
const LISTEN_BACKLOG = 4_096;

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, backlog: LISTEN_BACKLOG });
const listening = once(server, "listening");
// of a client that disconnects within a frame; its "close" follows
server.on("connection", (socket) => socket.on("error", () => undefined));
let skipped = 0;

const send = (text: string): void => {
  const data = Buffer.from(text);
  for (const socket of server.clients)
    if (socket.bufferedAmount > 0) skipped++;
    else socket.send(data, { binary: false });
};

const figures = (): FanOutFigures => {
  const { user, system } = process.cpuUsage();
  return { sockets: server.clients.size, skipped, cpuSeconds: (user + system) / 1e6 };
};

serveParent(async (message: ToBare) => {
  await listening;
  if (message === "port") return (server.address() as AddressInfo).port;
  return message === "figures" ? figures() : send(message.send);
});
