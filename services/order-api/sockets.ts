/** What all WebSockets of the API have in common: which upgrades are accepted, how many are open, and which are silent. */
import type { FastifyReply, FastifyRequest } from "fastify";
import type { WebSocket } from "ws";
import { LIVE_PROTOCOL } from "#shared/wire/dashboard.ts";
import { ORDERS_PROTOCOL } from "#shared/wire/order-socket.ts";
import { isAllowedOrigin } from "./headers.ts";
import type { SocketMetrics } from "./metrics.ts";
import { problemOf, sendProblem, sendUnavailable } from "./problems.ts";

/** Close codes of RFC 6455, section 7.4.1, and of the IANA registry. */
export const CLOSE = {
  goingAway: 1001,
  unsupportedData: 1003,
  policy: 1008,
  internal: 1011,
  tryAgainLater: 1013,
} as const;

const PROTOCOLS = [LIVE_PROTOCOL, ORDERS_PROTOCOL];

export const SOCKET_OPTIONS = {
  /** One order, or `{"type":"resync"}`; more closes the socket with 1009. */
  maxPayload: 4_096,
  perMessageDeflate: false,
  // called only when a client offers protocols; if ours are not among them none is chosen, as RFC 6455 has it
  handleProtocols: (offered: ReadonlySet<string>): string | false =>
    PROTOCOLS.find((protocol) => offered.has(protocol)) ?? false,
  /** A client that does not answer the closing handshake must not delay the shutdown, nor keep its buffer. */
  closeTimeout: 1_000,
};

/** The open WebSockets of this process. */
export type Sockets = {
  add(socket: WebSocket): void;
  count(): number;
  /** Stops the pings. */
  close(): void;
};

const PING_MS = 15_000;

/** Counts the sockets, and terminates those whose client has disappeared without closing. */
export const openSockets = (metrics: SocketMetrics): Sockets => {
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
    add: (socket) => {
      answered.set(socket, true);
      metrics.sockets(answered.size);
      socket.on("pong", () => answered.set(socket, true));
      socket.once("close", () => {
        answered.delete(socket);
        metrics.sockets(answered.size);
      });
    },
    count: () => answered.size,
    close: () => clearInterval(pinging),
  };
};

export type UpgradeRules = {
  readonly sockets: Sockets;
  readonly maxSockets: number;
  readonly allowedOrigins: readonly string[];
};

/**
 * The options of a route that is a WebSocket alone. A client is rejected before the upgrade, in HTTP; `instead` says
 * what a request without an upgrade could use.
 */
export const socketRoute = ({ sockets, maxSockets, allowedOrigins }: UpgradeRules, instead: string) => ({
  websocket: true as const,
  onRequest: (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    if (request.ws) {
      done();
      return;
    }
    const detail = `this path is a WebSocket; ${instead}`;
    reply.headers({ upgrade: "websocket", connection: "upgrade" });
    sendProblem(reply, problemOf("upgrade-required", { detail }));
  },
  preHandler: (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    if (!isAllowedOrigin(request.headers, allowedOrigins)) sendProblem(reply, problemOf("origin"));
    else if (sockets.count() >= maxSockets) sendUnavailable(reply, "too-many-sockets");
    else done();
  },
});
