/** A WebSocket to the dashboard, by k6. */
import { WebSocket } from "k6/websockets";
import { LIVE_PROTOCOL, type LiveHandlers } from "../lib/live.ts";

/** k6 takes a protocol, which its types of this version do not say. */
const Socket = WebSocket as unknown as new (url: string, protocol: string) => WebSocket;

export const openLive = (url: string, { onText, onOpen, onEnd }: LiveHandlers): WebSocket => {
  const socket = new Socket(url, LIVE_PROTOCOL);
  let isOver = false;
  const over = (): void => {
    if (isOver) return;
    isOver = true;
    onEnd();
  };
  socket.onopen = onOpen;
  socket.onmessage = (event) => {
    if (typeof event?.data === "string") onText(event.data);
  };
  socket.onclose = over;
  socket.onerror = over;
  return socket;
};
