import type { WebSocket } from "ws";
import type { Dashboard } from "#shared/domain/dashboard.ts";
import type { SocketMetrics } from "../metrics.ts";
import { type Feed, send } from "./feed.ts";

/** The clients of one filter. */
type Channel = {
  readonly sockets: Set<WebSocket>;
  /** Those that were busy when the last dashboard was sent. */
  behind: Set<WebSocket>;
  /** The content of the dashboard that was sent last. */
  sent: string;
  sentAt: number;
  timer: NodeJS.Timeout | undefined;
};

/** Clients without a subprotocol are sent changes at most this often. */
const SEND_EVERY_MS = 1_000;
/** And a dashboard this often, changed or not. */
const SEND_AT_LEAST_MS = 10_000;

/** For clients without a subprotocol, those of the earlier system: the whole dashboard each time. */
export const openWholeFeed = (
  dashboard: (filter: string) => Dashboard,
  text: (filter: string) => string,
  metrics: SocketMetrics,
): Feed => {
  const channels = new Map<string, Channel>();
  const sendAll = (): void => {
    for (const [filter, channel] of channels) sendNews(channel, () => dashboard(filter), metrics);
  };
  // time changes the dashboard too: minutes slide, a board becomes stale
  const sending = setInterval(sendAll, SEND_EVERY_MS);

  const follow = (socket: WebSocket, filter: string): void => {
    const channel = channels.get(filter) ?? newChannel();
    channels.set(filter, channel);
    // the first client is sent the current dashboard, so the next change need not wait for its second
    if (channel.sockets.size === 0) channel.sent = contentOf(dashboard(filter));
    channel.sockets.add(socket);
    socket.once("close", () => {
      channel.sockets.delete(socket);
      channel.behind.delete(socket);
    });
    send(socket, "dashboard", Buffer.from(text(filter)), metrics);
  };
  const close = (): void => {
    clearInterval(sending);
    for (const { timer } of channels.values()) clearTimeout(timer);
  };
  return { follow, changed: sendAll, close };
};

/** What makes a change: not the clock, nor rates and ages, which drift and would cost a frame every second. */
const contentOf = ({ server_timestamp, as_of, rate, modes, ...content }: Dashboard): string => {
  const health = Object.values(modes).map((mode) => mode.health);
  return JSON.stringify([content, health]);
};

const newChannel = (): Channel => ({
  sockets: new Set(),
  behind: new Set(),
  sent: "",
  sentAt: 0,
  timer: undefined,
});

/** Sends a change to all sockets, else to those that missed the last one; not before its time. */
const sendNews = (channel: Channel, dashboard: () => Dashboard, metrics: SocketMetrics): void => {
  if (channel.sockets.size === 0) return;
  const now = performance.now();
  const dueInMs = channel.sentAt + SEND_EVERY_MS - now;
  if (dueInMs > 0) {
    channel.timer ??= setTimeout(() => {
      channel.timer = undefined;
      sendNews(channel, dashboard, metrics);
    }, dueInMs);
    return;
  }
  const current = dashboard();
  const content = contentOf(current);
  const isNews = content !== channel.sent || now - channel.sentAt >= SEND_AT_LEAST_MS;
  const receivers = isNews ? channel.sockets : channel.behind;
  if (receivers.size === 0) return;
  channel.sent = content;
  channel.sentAt = now;
  metrics.made("dashboard");
  const data = Buffer.from(JSON.stringify(current));
  const busy = [...receivers].filter((socket) => !send(socket, "dashboard", data, metrics));
  for (const _ of busy) metrics.conflated();
  channel.behind = new Set(busy);
};
