/** A client of `coffee-rt.v1` that keeps what it hears, and only that. */
import { WebSocket } from "ws";
import type { LiveDelta, LiveFrame, LiveHeartbeat, LiveSnapshot } from "#shared/domain/dashboard.ts";
import { LIVE_PROTOCOL } from "#shared/wire/dashboard.ts";

export type Listener = {
  readonly socket: WebSocket;
  readonly frames: LiveFrame[];
  /** When each of them came. */
  readonly times: number[];
  readonly closed: Promise<{ code: number; reason: string }>;
  snapshots(): LiveSnapshot[];
  deltas(): LiveDelta[];
  heartbeats(): LiveHeartbeat[];
};

export const listen = (url: string, filter = "", protocols: string | string[] = LIVE_PROTOCOL): Listener => {
  const socket = new WebSocket(`${url.replace("http", "ws")}/ws/dashboard${filter}`, protocols);
  const frames: LiveFrame[] = [];
  const times: number[] = [];
  socket.on("message", (data) => {
    frames.push(JSON.parse(String(data)) as LiveFrame);
    times.push(performance.now());
  });
  socket.on("error", () => undefined);
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on("close", (code, reason) => resolve({ code, reason: String(reason) }));
  });
  const of =
    <T extends LiveFrame>(type: T["type"]) =>
    (): T[] =>
      frames.filter((frame): frame is T => frame.type === type);
  return {
    socket,
    frames,
    times,
    closed,
    snapshots: of<LiveSnapshot>("snapshot"),
    deltas: of<LiveDelta>("delta"),
    heartbeats: of<LiveHeartbeat>("heartbeat"),
  };
};
