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
  /** Those that were busy when the others were told. */
  behind: Set<WebSocket>;
  /** The content of what was sent last. */
  sent: string;
  sentAt: number;
  timer: NodeJS.Timeout | undefined;
};

/** Clients without a subprotocol are told of changes at most this often. */
const SEND_EVERY_MS = 1_000;
/** And told something this often, changed or not. */
const SEND_AT_LEAST_MS = 10_000;
const PING_MS = 15_000;
/** A client that does not answer the goodbye must not hold up the stop. */
const GOODBYE_MS = 1_000;
const GOING_AWAY = 1001;
/** Readers within this time share one text. */
const TEXT_MS = 100;

export const openFanout = (board: () => Board | null, intakes: Intakes, metrics: ApiMetrics): Fanout => {
  const audiences = new Map<string, Audience>();
  const pings = openPings();
  let open = 0;
  const dashboard = (filter: string): Dashboard =>
    dashboardOf(board(), filter, intakes.statuses(), Date.now());
  const texts = openTexts(dashboard);
  const tellAll = (): void => {
    for (const [filter, audience] of audiences) tell(audience, () => dashboard(filter), metrics);
  };
  // time too changes the picture: minutes slide, a board grows stale
  const telling = setInterval(tellAll, SEND_EVERY_MS);

  const follow = (socket: WebSocket, filter: string): void => {
    const audience = audiences.get(filter) ?? newAudience();
    audiences.set(filter, audience);
    // the first one is sent what is news so far, so the next change need not wait for its second
    if (audience.sockets.size === 0) audience.sent = contentOf(dashboard(filter));
    audience.sockets.add(socket);
    pings.watch(socket);
    metrics.sockets(++open);
    socket.once("close", () => {
      audience.sockets.delete(socket);
      audience.behind.delete(socket);
      metrics.sockets(--open);
    });
    // a protocol error closes the socket, which is all that can be done about it
    socket.on("error", () => socket.terminate());
    send(socket, Buffer.from(texts.of(filter)), metrics);
  };
  const close = (): void => {
    clearInterval(telling);
    pings.close();
    for (const { sockets, timer } of audiences.values()) {
      clearTimeout(timer);
      for (const socket of sockets) goodbye(socket);
    }
  };
  const changed = (): void => {
    texts.forget();
    tellAll();
  };
  return { text: texts.of, follow, changed, sockets: () => open, close };
};

/** What makes a change: not the clock, nor rates and ages, which drift by themselves and would take every second's frame. */
const contentOf = ({ server_timestamp, as_of, rate, modes, ...content }: Dashboard): string => {
  const health = Object.values(modes).map((mode) => mode.health);
  return JSON.stringify([content, health]);
};

const newAudience = (): Audience => ({
  sockets: new Set(),
  behind: new Set(),
  sent: "",
  sentAt: 0,
  timer: undefined,
});

/** Tells everybody what changed, and those that were busy the last time what they missed; not before its time. */
const tell = (audience: Audience, dashboard: () => Dashboard, metrics: ApiMetrics): void => {
  if (audience.sockets.size === 0) return;
  const now = performance.now();
  const dueInMs = audience.sentAt + SEND_EVERY_MS - now;
  if (dueInMs > 0) {
    audience.timer ??= setTimeout(() => {
      audience.timer = undefined;
      tell(audience, dashboard, metrics);
    }, dueInMs);
    return;
  }
  const current = dashboard();
  const content = contentOf(current);
  const isNews = content !== audience.sent || now - audience.sentAt >= SEND_AT_LEAST_MS;
  const listeners = isNews ? audience.sockets : audience.behind;
  if (listeners.size === 0) return;
  audience.sent = content;
  audience.sentAt = now;
  const data = Buffer.from(JSON.stringify(current));
  audience.behind = new Set([...listeners].filter((socket) => !send(socket, data, metrics)));
};

/**
 * False for a socket that is still busy with the frame before: it gets a later state, which is absolute, so nothing
 * piles up for it. One that never reads is ended by the ping.
 */
const send = (socket: WebSocket, data: Buffer, metrics: ApiMetrics): boolean => {
  if (socket.readyState !== socket.OPEN) return true;
  if (socket.bufferedAmount > 0) {
    metrics.conflated();
    return false;
  }
  socket.send(data, { binary: false });
  metrics.sent();
  return true;
};

const goodbye = (socket: WebSocket): void => {
  socket.close(GOING_AWAY, "the server is stopping");
  setTimeout(() => socket.terminate(), GOODBYE_MS).unref();
};

/** Dashboards as text, made once for all who read within `TEXT_MS` of the same board. */
const openTexts = (dashboard: (filter: string) => Dashboard) => {
  const texts = new Map<string, { readonly text: string; readonly at: number }>();
  return {
    of: (filter: string): string => {
      const now = performance.now();
      const held = texts.get(filter);
      if (held && now - held.at < TEXT_MS) return held.text;
      const text = JSON.stringify(dashboard(filter));
      texts.set(filter, { text, at: now });
      return text;
    },
    forget: (): void => texts.clear(),
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
