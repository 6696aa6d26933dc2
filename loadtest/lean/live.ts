/** A WebSocket to the dashboard, by ws. */
import { WebSocket } from "ws";
import { LIVE_PROTOCOL, type Live, type LiveHandlers } from "../lib/live.ts";

export const openLive = (url: string, { onText, onOpen, onEnd }: LiveHandlers): Live => {
  const socket = new WebSocket(url, LIVE_PROTOCOL);
  socket.on("open", onOpen);
  socket.on("message", (data) => onText(String(data)));
  socket.on("close", onEnd);
  // followed by its close
  socket.on("error", () => undefined);
  return {
    send: (text) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    close: () => socket.terminate(),
  };
};
