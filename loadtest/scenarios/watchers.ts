/** Dashboards that are held open: many connections to one virtual user. */
import { setTimeout } from "k6/timers";
import type { WebSocket } from "k6/websockets";
import { arrival, nowMs } from "../lib/clock.ts";
import { followed, headOf } from "../lib/frame-head.ts";
import { liveUrl, RESYNC } from "../lib/live.ts";
import { wsConnections, wsDelay, wsFrames, wsGaps, wsLost } from "../lib/metrics.ts";
import { plan, settings } from "../lib/run.ts";
import { CONNECTIONS_PER_VU } from "../lib/scenarios.ts";
import { openLive } from "./live.ts";

const url = liveUrl(settings.baseUrl, settings.mode);
/** All of them at once would be another experiment. */
const OPEN_WITHIN_MS = 5_000;
/** A sample of k6's for each frame would cost more than the frame. */
const COUNT_EVERY_MS = 1_000;
const RECONNECT_AFTER_MS = 1_000;

type Totals = { frames: number };

export const watch = (): void => {
  const { planned, iteration, plannedMs } = arrival();
  const first = iteration * CONNECTIONS_PER_VU;
  const connections = Math.min(CONNECTIONS_PER_VU, plan.watchers - first);
  const endMs = plannedMs + planned.durationMs;
  const totals: Totals = { frames: 0 };
  const gapMs = Math.min(OPEN_WITHIN_MS, planned.durationMs / 2) / connections;
  for (let index = 0; index < connections; index++)
    setTimeout(() => hold(index, connections, endMs, totals), Math.round(index * gapMs));
  const flush = (): void => {
    if (totals.frames > 0) wsFrames.add(totals.frames);
    totals.frames = 0;
    if (nowMs() < endMs) setTimeout(flush, Math.max(1, Math.min(COUNT_EVERY_MS, endMs - nowMs())));
  };
  flush();
};

/** One dashboard until the end; a connection that the server ends is opened again. */
const hold = (index: number, connections: number, endMs: number, totals: Totals): void => {
  let held: number | null = null;
  let frames = 0;
  let isEnding = false;
  const onText = (text: string): void => {
    totals.frames++;
    frames++;
    const head = headOf(text);
    if (head === null) return;
    const next = followed(held, head);
    held = next.held;
    if (next.isGap) {
      wsGaps.add(1);
      socket.send(RESYNC);
    }
    // of each of the connections in turn
    if (head.type === "delta" && head.asOfMs !== null && (frames + index) % connections === 0)
      wsDelay.add(Math.max(0, Date.now() - head.asOfMs));
  };
  const onEnd = (): void => {
    if (isEnding) return;
    wsLost.add(1);
    if (nowMs() + RECONNECT_AFTER_MS < endMs)
      setTimeout(() => hold(index, connections, endMs, totals), RECONNECT_AFTER_MS);
  };
  const socket: WebSocket = openLive(url, { onText, onEnd, onOpen: () => wsConnections.add(1) });
  setTimeout(
    () => {
      isEnding = true;
      socket.close();
    },
    Math.max(1, endMs - nowMs()),
  );
};
