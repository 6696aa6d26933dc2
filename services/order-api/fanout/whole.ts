import type { WebSocket } from "ws";
import type { Dashboard } from "#shared/domain/dashboard.ts";
import type { SocketMetrics } from "./metrics.ts";
import { send } from "./sockets.ts";

/** What the sockets of one protocol are told. */
export type Stream = {
  /** Sends the dashboard at once and then whenever it changes. */
  follow(socket: WebSocket, filter: string): void;
  /** A newer board has come. */
  changed(): void;
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

/** For clients without a subprotocol, those of the earlier system: the whole dashboard each time. */
export const openWholeStream = (
  dashboard: (filter: string) => Dashboard,
  text: (filter: string) => string,
  metrics: SocketMetrics,
): Stream => {
  const audiences = new Map<string, Audience>();
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
    socket.once("close", () => {
      audience.sockets.delete(socket);
      audience.behind.delete(socket);
    });
    send(socket, "dashboard", Buffer.from(text(filter)), metrics);
  };
  const close = (): void => {
    clearInterval(telling);
    for (const { timer } of audiences.values()) clearTimeout(timer);
  };
  return { follow, changed: tellAll, close };
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
const tell = (audience: Audience, dashboard: () => Dashboard, metrics: SocketMetrics): void => {
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
  metrics.made("dashboard");
  const data = Buffer.from(JSON.stringify(current));
  const busy = [...listeners].filter((socket) => !send(socket, "dashboard", data, metrics));
  for (const _ of busy) metrics.conflated();
  audience.behind = new Set(busy);
};
