import type { WebSocket } from "ws";
import type { SocketMetrics } from "../metrics.ts";
import { CLOSE } from "../sockets.ts";

/** What the sockets of one protocol are sent. */
export type Feed = {
  /** Sends the dashboard at once and then whenever it changes. */
  follow(socket: WebSocket, filter: string): void;
  /** A newer board has arrived. */
  changed(): void;
  close(): void;
};

/** A client that reads nothing while it makes the server answer (pings, for example) must not fill its memory. */
const MAX_BUFFERED_BYTES = 1_048_576;

/**
 * False for a socket that is still busy with the frame before: it gets a later state, so nothing piles up for it. A
 * client that never reads is closed by the ping.
 */
export const send = (socket: WebSocket, kind: string, data: Buffer, metrics: SocketMetrics): boolean => {
  if (socket.readyState !== socket.OPEN) return true;
  const buffered = socket.bufferedAmount;
  if (buffered > 0) {
    if (buffered > MAX_BUFFERED_BYTES) {
      metrics.closed("slow");
      socket.close(CLOSE.tryAgainLater, "too slow");
    }
    return false;
  }
  socket.send(data, { binary: false });
  metrics.sent(kind);
  return true;
};
