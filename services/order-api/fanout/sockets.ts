import type { WebSocket } from "ws";
import { LIVE_PROTOCOL } from "#shared/wire/dashboard.ts";
import type { SocketMetrics } from "./metrics.ts";

/** Close codes of RFC 6455, section 7.4.1, and of the IANA registry. */
export const CLOSE = {
  goingAway: 1001,
  unsupportedData: 1003,
  policy: 1008,
  internal: 1011,
  tryAgainLater: 1013,
} as const;

export const SOCKET_OPTIONS = {
  /** All that a client can say is `{"type":"resync"}`. */
  maxPayload: 4_096,
  perMessageDeflate: false,
  // asked only when a client offers protocols; if ours is not among them none is chosen, as RFC 6455 has it
  handleProtocols: (offered: ReadonlySet<string>): string | false =>
    offered.has(LIVE_PROTOCOL) && LIVE_PROTOCOL,
  /** A client that does not answer the goodbye must not hold up the stop, nor keep its buffer. */
  closeTimeout: 1_000,
};

/** One that takes nothing while it makes the server answer (pings, for instance) must not fill its memory. */
const MOST_BUFFERED_BYTES = 1_048_576;
const PING_MS = 15_000;

/**
 * False for a socket that is still busy with the frame before: it gets a later state, so nothing piles up for it. One
 * that never reads is ended by the ping.
 */
export const send = (socket: WebSocket, kind: string, data: Buffer, metrics: SocketMetrics): boolean => {
  if (socket.readyState !== socket.OPEN) return true;
  const buffered = socket.bufferedAmount;
  if (buffered > 0) {
    if (buffered > MOST_BUFFERED_BYTES) {
      metrics.closed("slow");
      socket.close(CLOSE.tryAgainLater, "too slow");
    }
    return false;
  }
  socket.send(data, { binary: false });
  metrics.sent(kind);
  return true;
};

/** Ends connections whose other side has gone without a word. */
export const openPings = (metrics: SocketMetrics): { watch(socket: WebSocket): void; close(): void } => {
  const answered = new Map<WebSocket, boolean>();
  const pingAll = (): void => {
    for (const [socket, hasAnswered] of answered) {
      answered.set(socket, false);
      if (hasAnswered) socket.ping();
      else {
        metrics.closed("silent");
        socket.terminate();
      }
    }
  };
  const pinging = setInterval(pingAll, PING_MS);
  return {
    watch: (socket) => {
      answered.set(socket, true);
      socket.on("pong", () => answered.set(socket, true));
      socket.once("close", () => answered.delete(socket));
    },
    close: () => clearInterval(pinging),
  };
};
