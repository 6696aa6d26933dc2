/** A WebSocket to the dashboard. */
import { WebSocket } from "k6/websockets";

const PROTOCOL = "coffee-rt.v1";

/** Lab routes beside the three modes have no dashboard of their own. */
export const filterOf = (mode: string): string => (/^v\d+$/.test(mode) ? `?mode=${mode}` : "");

export const liveUrl = (baseUrl: string, mode: string): string =>
  `${baseUrl.replace(/^http/, "ws")}/ws/dashboard${filterOf(mode)}`;

/** k6 takes a protocol, which its types of this version do not say. */
const Socket = WebSocket as unknown as new (url: string, protocol: string) => WebSocket;

export type LiveHandlers = {
  onText(text: string): void;
  onOpen(): void;
  /** Once, however it ended. */
  onEnd(): void;
};

export const openLive = (url: string, { onText, onOpen, onEnd }: LiveHandlers): WebSocket => {
  const socket = new Socket(url, PROTOCOL);
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

export const RESYNC = '{"type":"resync"}';
