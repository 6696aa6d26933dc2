/**
 * What a fan-out is measured against: `ws` and nothing else. It sends the text that it is given to every client, and
 * leaves those out that are still busy with the frame before; else it would keep without end what slow ones do not take.
 */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import { answerQuestions } from "./forked.ts";

export type ToBare = { readonly send: string } | "port" | "figures";
export type BareFigures = {
  readonly sockets: number;
  /** Frames, one by one; and what the process took, since it started. */
  readonly leftOut: number;
  readonly cpuSeconds: number;
};

/** As many as the order API lets wait to be accepted. */
const MOST_UNACCEPTED = 4_096;

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, backlog: MOST_UNACCEPTED });
const listening = once(server, "listening");
// one that goes in the middle of a frame; its "close" follows
server.on("connection", (socket) => socket.on("error", () => undefined));
let leftOut = 0;

const send = (text: string): void => {
  const data = Buffer.from(text);
  for (const socket of server.clients)
    if (socket.bufferedAmount > 0) leftOut++;
    else socket.send(data, { binary: false });
};

const figures = (): BareFigures => {
  const { user, system } = process.cpuUsage();
  return { sockets: server.clients.size, leftOut, cpuSeconds: (user + system) / 1e6 };
};

answerQuestions(async (message: ToBare) => {
  await listening;
  if (message === "port") return (server.address() as AddressInfo).port;
  return message === "figures" ? figures() : send(message.send);
});
