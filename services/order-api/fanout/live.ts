import type { WebSocket } from "ws";
import type { Dashboard } from "#shared/domain/dashboard.ts";
import { checkBy } from "#shared/runtime/schema.ts";
import { liveResync } from "#shared/wire/dashboard.ts";
import type { SocketMetrics } from "../metrics.ts";
import { CLOSE } from "../sockets.ts";
import { type Feed, send } from "./feed.ts";
import { type Frame, type Frames, openFrames } from "./frames.ts";

type Client = {
  readonly socket: WebSocket;
  /** It missed a frame because it was busy: only a snapshot helps. */
  hasGap: boolean;
  resyncedAt: number;
  /** It asked again within the second. */
  wantsResync: boolean;
  /** Frames it sent since the last heartbeat. */
  received: number;
};

/** The clients of one filter. */
type Channel = {
  readonly clients: Set<Client>;
  readonly frames: Frames;
  /** When the dashboard was last compared with the frame before. */
  refreshedAt: number;
  /** When that last made a frame. */
  framedAt: number;
  timer: NodeJS.Timeout | undefined;
};

/** Up to 10 frames a second and filter: what an eye can follow, and how often boards are published. */
const REFRESH_EVERY_MS = 100;
const HEARTBEAT_MS = 1_000;
/** A snapshot is all a client can make the server send; once a second is as often as a healthy one may need it. */
const RESYNC_EVERY_MS = 1_000;
/** Between two heartbeats; a healthy client sends one or two. */
const MAX_RECEIVED = 20;

/** For clients of `coffee-rt.v1`: a snapshot, then what changed, and a heartbeat every second. */
export const openLiveFeed = (dashboard: (filter: string) => Dashboard, metrics: SocketMetrics): Feed => {
  const channels = new Map<string, Channel>();

  const channelOf = (filter: string): Channel => {
    const known = channels.get(filter);
    if (known) return known;
    const channel = {
      clients: new Set<Client>(),
      frames: openFrames(metrics.made),
      refreshedAt: 0,
      framedAt: 0,
      timer: undefined,
    };
    channels.set(filter, channel);
    return channel;
  };
  const refresh = (filter: string, channel: Channel, withDrift: boolean): void => {
    clearTimeout(channel.timer);
    channel.timer = undefined;
    channel.refreshedAt = inStep(channel.refreshedAt, performance.now());
    const frame = channel.frames.next(dashboard(filter), withDrift);
    if (frame === null) return;
    channel.framedAt = performance.now();
    for (const client of channel.clients) sendFrame(client, frame, channel.frames, metrics);
  };
  const beat = (): void => {
    for (const [filter, channel] of channels) {
      if (channel.clients.size === 0) continue;
      // time changes the dashboard too: the hour turns, minutes slide, a board becomes stale, a mode's health changes; a
      // frame of just before has all of it, and another would be the eleventh of its second
      if (performance.now() - channel.framedAt >= REFRESH_EVERY_MS) refresh(filter, channel, true);
      const heartbeat = channel.frames.heartbeat();
      for (const client of channel.clients) beatFor(client, heartbeat, channel.frames, metrics);
    }
  };
  const beating = setInterval(beat, HEARTBEAT_MS);

  const follow = (socket: WebSocket, filter: string): void => {
    const channel = channelOf(filter);
    // clients that connect at once share the snapshot; only the first one makes a frame of the drift, disturbing no one
    if (performance.now() - channel.refreshedAt >= REFRESH_EVERY_MS)
      refresh(filter, channel, channel.clients.size === 0);
    const client = { socket, hasGap: true, resyncedAt: 0, wantsResync: false, received: 0 };
    channel.clients.add(client);
    socket.once("close", () => channel.clients.delete(client));
    socket.on("message", (data, isBinary) => {
      const refusal = refusalOf(client, String(data), isBinary);
      if (refusal === null) resync(client, channel.frames, metrics);
      else if (socket.readyState === socket.OPEN) {
        metrics.closed("refused");
        socket.close(...refusal);
      }
    });
    sendSnapshot(client, channel.frames, metrics);
  };
  const changed = (): void => {
    for (const [filter, channel] of channels) {
      if (channel.clients.size === 0) continue;
      const dueInMs = Math.max(0, channel.refreshedAt + REFRESH_EVERY_MS - performance.now());
      // never at once: while one board goes out to many, several may have arrived, and only the last of them is worth it
      channel.timer ??= setTimeout(() => refresh(filter, channel, false), dueInMs);
    }
  };
  const close = (): void => {
    clearInterval(beating);
    for (const { timer } of channels.values()) clearTimeout(timer);
  };
  return { follow, changed, close };
};

/** A refresh that is a little late must not make the next one late, or boards at the same pace would be left out. */
const inStep = (refreshedAt: number, now: number): number =>
  now - refreshedAt < 2 * REFRESH_EVERY_MS ? refreshedAt + REFRESH_EVERY_MS : now;

/** A socket that missed a frame is behind by more than this one: it gets the latest state instead. */
const sendFrame = (client: Client, frame: Frame, frames: Frames, metrics: SocketMetrics): void => {
  if (client.hasGap) sendSnapshot(client, frames, metrics);
  else if (!send(client.socket, frame.kind, frame.data, metrics)) {
    client.hasGap = true;
    metrics.conflated();
  }
};

const sendSnapshot = (client: Client, frames: Frames, metrics: SocketMetrics): void => {
  const { kind, data } = frames.snapshot();
  client.hasGap = !send(client.socket, kind, data, metrics);
  if (client.hasGap) metrics.conflated();
};

/** Once a second; also a second try for clients that have a gap or that asked too often. */
const beatFor = (client: Client, heartbeat: Frame, frames: Frames, metrics: SocketMetrics): void => {
  client.received = 0;
  if (client.wantsResync) resync(client, frames, metrics);
  if (client.hasGap) sendSnapshot(client, frames, metrics);
  else send(client.socket, heartbeat.kind, heartbeat.data, metrics);
};

const resync = (client: Client, frames: Frames, metrics: SocketMetrics): void => {
  const now = performance.now();
  client.wantsResync = now - client.resyncedAt < RESYNC_EVERY_MS;
  if (client.wantsResync) return;
  client.resyncedAt = now;
  metrics.resynced();
  sendSnapshot(client, frames, metrics);
};

const problemsOf = checkBy(liveResync);

/** Why a client's frame ends its connection, as close code and reason; null for the only valid request. */
const refusalOf = (client: Client, text: string, isBinary: boolean): [number, string] | null => {
  if (++client.received > MAX_RECEIVED) return [CLOSE.policy, "too many frames"];
  if (isBinary) return [CLOSE.unsupportedData, "frames are JSON texts"];
  try {
    if (problemsOf(JSON.parse(text)).length === 0) return null;
  } catch {
    // not JSON, so not a request either
  }
  return [CLOSE.policy, 'the only request is {"type":"resync"}'];
};
