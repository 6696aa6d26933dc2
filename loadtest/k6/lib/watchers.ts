/** Dashboards that are held open and only receive: a group of connections that share one clock and one counter of frames. */
import type { Counter } from "./ledger.ts";
import { followed, headOf, type Live, liveUrl, type OpenLive, RESYNC } from "./live.ts";
import type { Settings } from "./settings.ts";

/** What a generator provides. */
export type WatchWorld = {
  readonly settings: Pick<Settings, "baseUrl" | "mode">;
  readonly figures: Readonly<Record<"wsConnections" | "wsFrames" | "wsGaps" | "wsLost" | "wsDelay", Counter>>;
  readonly open: OpenLive;
  /** Milliseconds since the run began. */
  nowMs(): number;
  after(ms: number, act: () => void): void;
};

/** Opening all at once would measure connection setup instead of fan-out. */
const OPEN_WITHIN_MS = 5_000;
/** In k6 a sample for each frame would cost more than the frame. */
const COUNT_EVERY_MS = 1_000;
const RECONNECT_AFTER_MS = 1_000;

/** Returns at once; the connections are opened one after the other and closed at `startMs + durationMs`. */
export const holdDashboards = (
  world: WatchWorld,
  connections: number,
  startMs: number,
  durationMs: number,
): void => {
  const { figures, nowMs, after } = world;
  const endMs = startMs + durationMs;
  const group: Group = { connections, endMs, frames: 0 };
  const gapMs = Math.min(OPEN_WITHIN_MS, durationMs / 2) / connections;
  for (let index = 0; index < connections; index++)
    after(Math.round(index * gapMs), () => hold(world, group, index));
  const flush = (): void => {
    if (group.frames > 0) figures.wsFrames.add(group.frames);
    group.frames = 0;
    if (nowMs() < endMs) after(Math.max(1, Math.min(COUNT_EVERY_MS, endMs - nowMs())), flush);
  };
  flush();
};

type Group = { readonly connections: number; readonly endMs: number; frames: number };

/** One dashboard until the end; a connection that the server ends is opened again. */
const hold = (world: WatchWorld, group: Group, index: number): void => {
  const { settings, figures, nowMs, after } = world;
  const { connections, endMs } = group;
  let held: number | null = null;
  let frames = 0;
  let isEnding = false;
  const onText = (text: string): void => {
    group.frames++;
    frames++;
    const head = headOf(text);
    if (head === null) return;
    const next = followed(held, head);
    held = next.held;
    if (next.isGap) {
      figures.wsGaps.add(1);
      socket.send(RESYNC);
    }
    // a sample: of each connection in turn
    if (head.type === "delta" && head.asOfMs !== null && (frames + index) % connections === 0)
      figures.wsDelay.add(Math.max(0, Date.now() - head.asOfMs));
  };
  const onEnd = (): void => {
    if (isEnding) return;
    figures.wsLost.add(1);
    if (nowMs() + RECONNECT_AFTER_MS < endMs) after(RECONNECT_AFTER_MS, () => hold(world, group, index));
  };
  const onOpen = (): void => void figures.wsConnections.add(1);
  const socket: Live = world.open(liveUrl(settings.baseUrl, settings.mode), { onText, onEnd, onOpen });
  after(Math.max(1, endMs - nowMs()), () => {
    isEnding = true;
    socket.close();
  });
};
