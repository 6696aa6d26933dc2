/** WebSockets: the probe is one iteration of one virtual user; a virtual user holds many open dashboards. */
import http from "k6/http";
import { setTimeout } from "k6/timers";
import { WebSocket } from "k6/websockets";
import { CONNECTIONS_PER_VU } from "../lib/k6-options.ts";
import { authorizationOf, LIVE_PROTOCOL, type LiveHandlers } from "../lib/live.ts";
import { sendProbes } from "../lib/probes.ts";
import { holdDashboards } from "../lib/watchers.ts";
import { figures, log, settle } from "./figures.ts";
import { anyDrink, arrival, nowMs, plan, settings } from "./run.ts";

/** k6 accepts a protocol; the types of this version lack it. */
const Socket = WebSocket as unknown as new (
  url: string,
  protocol: string,
  params: { readonly headers: object },
) => WebSocket;
const authorization = authorizationOf(settings.apiToken);

const openLive = (url: string, { onText, onOpen, onEnd }: LiveHandlers): WebSocket => {
  const socket = new Socket(url, LIVE_PROTOCOL, { headers: authorization });
  let isOver = false;
  const over = (): void => {
    if (isOver) return;
    isOver = true;
    onEnd();
  };
  socket.onopen = onOpen;
  socket.onmessage = (event) => {
    if (typeof event?.data === "string") onText(event.data);
  };
  socket.onclose = over;
  socket.onerror = over;
  return socket;
};

const timeout = `${settings.replyWithinSeconds}s`;
const post = async (path: string, body: string, key: string) => {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": key, ...authorization };
  const response = await http.asyncRequest("POST", settings.baseUrl + path, body, { headers, timeout });
  return { status: response.status, body: String(response.body ?? ""), isReplay: false };
};

const world = {
  ...{ settings, drink: anyDrink, figures, settle, log, nowMs, post, open: openLive },
  after: (ms: number, act: () => void) => void setTimeout(act, ms),
};

export const probe = (): void => {
  const { planned, plannedMs: startMs } = arrival();
  void sendProbes(world, planned, startMs);
};

export const watch = (): void => {
  const { planned, iteration, plannedMs } = arrival();
  const connections = Math.min(CONNECTIONS_PER_VU, plan.watchers - iteration * CONNECTIONS_PER_VU);
  holdDashboards(world, connections, plannedMs, planned.durationMs);
};
