import type { WebSocket } from "ws";
import type { Board } from "#shared/domain/board.ts";
import { type Dashboard, dashboardOf } from "#shared/domain/dashboard.ts";
import { LIVE_PROTOCOL } from "#shared/wire/dashboard.ts";
import type { Intakes } from "../intakes.ts";
import type { SocketMetrics } from "../metrics.ts";
import { CLOSE } from "../sockets.ts";
import { openLiveFeed } from "./live.ts";
import { openWholeFeed } from "./whole.ts";

/** The latest board, as the clients of one filter see it; serialised once for all of them. */
export type Fanout = {
  /** The dashboard as JSON text, at most `TEXT_MS` old. */
  text(filter: string): string;
  /** Sends the dashboard at once and then whenever it changes, by the socket's protocol. */
  follow(socket: WebSocket, filter: string): void;
  /** A newer board has arrived. */
  changed(): void;
  close(): void;
};

/** Readers within this time share one text. */
const TEXT_MS = 100;

export const openFanout = (board: () => Board | null, intakes: Intakes, metrics: SocketMetrics): Fanout => {
  const dashboard = (filter: string): Dashboard =>
    dashboardOf(board(), filter, intakes.statuses(), Date.now());
  const texts = openTexts(dashboard);
  const whole = openWholeFeed(dashboard, texts.of, metrics);
  const live = openLiveFeed(dashboard, metrics);
  const sockets = new Set<WebSocket>();

  const follow = (socket: WebSocket, filter: string): void => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    // a socket that offered only unknown protocols has none, and is served like one that offered none
    (socket.protocol === LIVE_PROTOCOL ? live : whole).follow(socket, filter);
  };
  const changed = (): void => {
    texts.clear();
    live.changed();
    whole.changed();
  };
  const close = (): void => {
    for (const feed of [whole, live]) feed.close();
    for (const socket of sockets) socket.close(CLOSE.goingAway, "the server is stopping");
  };
  return { text: texts.of, follow, changed, close };
};

/** Dashboards as text, serialised once for all reads of the same board within `TEXT_MS`. */
const openTexts = (dashboard: (filter: string) => Dashboard) => {
  const texts = new Map<string, { readonly text: string; readonly at: number }>();
  return {
    of: (filter: string): string => {
      const now = performance.now();
      const cached = texts.get(filter);
      if (cached && now - cached.at < TEXT_MS) return cached.text;
      const text = JSON.stringify(dashboard(filter));
      texts.set(filter, { text, at: now });
      return text;
    },
    clear: (): void => texts.clear(),
  };
};
