import type { WebSocket } from "ws";
import type { Board } from "#shared/domain/board.ts";
import { type Dashboard, dashboardOf } from "#shared/domain/dashboard.ts";
import type { Intakes } from "./intakes.ts";
import type { ApiMetrics } from "./metrics.ts";

/** The latest board, as the clients of one filter see it; one text for all of them. */
export type Fanout = {
  /** The dashboard as JSON text, at most `TEXT_MS` old. */
  text(filter: string): string;
  /** Sends the dashboard at once and then whenever it changes. */
  follow(socket: WebSocket, filter: string): void;
  /** A newer board has come. */
  changed(): void;
  sockets(): number;
  close(): void;
};

type Audience = {
  readonly sockets: Set<WebSocket>;
  /** What was sent last, without the members that change by themselves. */
  sent: string;
  sentAt: number;
};

/** Clients without a subprotocol are told of changes at most this often. */
const SEND_EVERY_MS = 1_000;
/** And told something this often, changed or not. */
const SEND_AT_LEAST_MS = 10_000;
const PING_MS = 15_000;
/** More than this unsent means that the client does not read. */
const MOST_BUFFERED_BYTES = 1_048_576;
/** "Try again later" (RFC 6455 registry). */
const TRY_AGAIN_LATER = 1013;
const GOING_AWAY = 1001;
/** Readers within this time share one text. */
const TEXT_MS = 100;

export const openFanout = (board: () => Board | null, intakes: Intakes, metrics: ApiMetrics): Fanout => {
  const audiences = new Map<string, Audience>();
  const texts = new Map<string, { readonly text: string; readonly at: number }>();
  const alive = new WeakSet<WebSocket>();
  let open = 0;

  const dashboard = (filter: string): Dashboard =>
    dashboardOf(board(), filter, intakes.statuses(), Date.now());

  const text = (filter: string): string => {
    const now = performance.now();
    const held = texts.get(filter);
    if (held && now - held.at < TEXT_MS) return held.text;
    const fresh = { text: JSON.stringify(dashboard(filter)), at: now };
    texts.set(filter, fresh);
    return fresh.text;
  };

  const send = (socket: WebSocket, data: Buffer): void => {
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > MOST_BUFFERED_BYTES)
      socket.close(TRY_AGAIN_LATER, "the client reads too slowly");
    // still busy with the frame before: it gets the next state, which is absolute
    else if (socket.bufferedAmount > 0) metrics.conflated();
    else {
      socket.send(data, { binary: false });
      metrics.sent();
    }
  };

  const tell = (filter: string, audience: Audience): void => {
    const now = performance.now();
    if (audience.sockets.size === 0 || now - audience.sentAt < SEND_EVERY_MS) return;
    const current = dashboard(filter);
    const content = JSON.stringify({ ...current, server_timestamp: "", as_of: "" });
    if (content === audience.sent && now - audience.sentAt < SEND_AT_LEAST_MS) return;
    audience.sent = content;
    audience.sentAt = now;
    const data = Buffer.from(JSON.stringify(current));
    for (const socket of audience.sockets) send(socket, data);
  };

  const tellAll = (): void => {
    for (const [filter, audience] of audiences) tell(filter, audience);
  };

  const pingAll = (): void => {
    for (const { sockets } of audiences.values())
      for (const socket of sockets) {
        if (!alive.delete(socket)) socket.terminate();
        else socket.ping();
      }
  };

  // time too changes the picture: minutes slide, a board grows stale
  const telling = setInterval(tellAll, SEND_EVERY_MS);
  const pinging = setInterval(pingAll, PING_MS);

  const follow = (socket: WebSocket, filter: string): void => {
    const audience = audiences.get(filter) ?? { sockets: new Set(), sent: "", sentAt: 0 };
    audiences.set(filter, audience);
    audience.sockets.add(socket);
    alive.add(socket);
    metrics.sockets(++open);
    socket.on("pong", () => alive.add(socket));
    socket.once("close", () => {
      audience.sockets.delete(socket);
      metrics.sockets(--open);
    });
    // a protocol error closes the socket, which is all that can be done about it
    socket.on("error", () => socket.terminate());
    send(socket, Buffer.from(text(filter)));
  };

  return {
    text,
    follow,
    changed: tellAll,
    sockets: () => open,
    close: () => {
      clearInterval(telling);
      clearInterval(pinging);
      for (const { sockets } of audiences.values())
        for (const socket of sockets) socket.close(GOING_AWAY, "the server is stopping");
    },
  };
};
