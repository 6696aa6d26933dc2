import type { WebSocket } from "ws";
import { LIVE_PROTOCOL } from "#shared/wire/dashboard.ts";
import type { SocketMetrics } from "../metrics.ts";

/** What the sockets of one protocol are sent. */
export type Feed = {
  /** Sends the dashboard at once and then whenever it changes. */
  follow(socket: WebSocket, filter: string): void;
  /** A newer board has arrived. */
  changed(): void;
  close(): void;
};

/** Close codes of RFC 6455, section 7.4.1, and of the IANA registry. */
export const CLOSE = {
  goingAway: 1001,
  unsupportedData: 1003,
  policy: 1008,
  internal: 1011,
  tryAgainLater: 1013,
} as const;

export const SOCKET_OPTIONS = {
  /** All that a client can send is `{"type":"resync"}`. */
  maxPayload: 4_096,
  perMessageDeflate: false,
  // called only when a client offers protocols; if ours is not among them none is chosen, as RFC 6455 has it
  handleProtocols: (offered: ReadonlySet<string>): string | false =>
    offered.has(LIVE_PROTOCOL) && LIVE_PROTOCOL,
  /** A client that does not answer the closing handshake must not delay the shutdown, nor keep its buffer. */
  closeTimeout: 1_000,
};

/** A client that reads nothing while it makes the server answer (pings, for example) must not fill its memory. */
const MAX_BUFFERED_BYTES = 1_048_576;
const PING_MS = 15_000;

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

/** Terminates connections whose client has disappeared without closing. */
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
