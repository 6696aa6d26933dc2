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
  const pings = openPings();
  let open = 0;
  const dashboard = (filter: string): Dashboard =>
    dashboardOf(board(), filter, intakes.statuses(), Date.now());
  const text = openTexts(dashboard);

  const tell = (filter: string, audience: Audience): void => {
    const now = performance.now();
    if (audience.sockets.size === 0 || now - audience.sentAt < SEND_EVERY_MS) return;
    const current = dashboard(filter);
    const content = JSON.stringify({ ...current, server_timestamp: "", as_of: "" });
    if (content === audience.sent && now - audience.sentAt < SEND_AT_LEAST_MS) return;
    audience.sent = content;
    audience.sentAt = now;
    const data = Buffer.from(JSON.stringify(current));
    for (const socket of audience.sockets) send(socket, data, metrics);
  };
  const tellAll = (): void => {
    for (const [filter, audience] of audiences) tell(filter, audience);
  };
  // time too changes the picture: minutes slide, a board grows stale
  const telling = setInterval(tellAll, SEND_EVERY_MS);

  const follow = (socket: WebSocket, filter: string): void => {
    const audience = audiences.get(filter) ?? { sockets: new Set(), sent: "", sentAt: 0 };
    audiences.set(filter, audience);
    audience.sockets.add(socket);
    pings.watch(socket);
    metrics.sockets(++open);
    socket.once("close", () => {
      audience.sockets.delete(socket);
      metrics.sockets(--open);
    });
    // a protocol error closes the socket, which is all that can be done about it
    socket.on("error", () => socket.terminate());
    send(socket, Buffer.from(text(filter)), metrics);
  };
  const close = (): void => {
    clearInterval(telling);
    pings.close();
    for (const { sockets } of audiences.values())
      for (const socket of sockets) socket.close(GOING_AWAY, "the server is stopping");
  };
  return { text, follow, changed: tellAll, sockets: () => open, close };
};

/** A slow socket never holds up the others: it is passed over, and closed when it does not read at all. */
const send = (socket: WebSocket, data: Buffer, metrics: ApiMetrics): void => {
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

/** Dashboards as text, made once for all who read within `TEXT_MS`. */
const openTexts = (dashboard: (filter: string) => Dashboard): ((filter: string) => string) => {
  const texts = new Map<string, { readonly text: string; readonly at: number }>();
  return (filter) => {
    const now = performance.now();
    const held = texts.get(filter);
    if (held && now - held.at < TEXT_MS) return held.text;
    const text = JSON.stringify(dashboard(filter));
    texts.set(filter, { text, at: now });
    return text;
  };
};

/** Ends connections whose other side has gone without a word. */
const openPings = (): { watch(socket: WebSocket): void; close(): void } => {
  const answered = new Map<WebSocket, boolean>();
  const pingAll = (): void => {
    for (const [socket, hasAnswered] of answered) {
      answered.set(socket, false);
      if (hasAnswered) socket.ping();
      else socket.terminate();
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
