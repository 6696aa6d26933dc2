import { Value } from "typebox/value";
import type { WebSocket } from "ws";
import type { Dashboard } from "#shared/domain/dashboard.ts";
import { liveResync } from "#shared/wire/dashboard.ts";
import { type Frame, type Frames, openFrames } from "./frames.ts";
import type { SocketMetrics } from "./metrics.ts";
import { CLOSE, send } from "./sockets.ts";
import type { Stream } from "./whole.ts";

type Client = {
  readonly socket: WebSocket;
  /** It missed a frame because it was busy: only a snapshot helps. */
  isLost: boolean;
  resyncedAt: number;
  /** It asked again within the second. */
  wantsResync: boolean;
  /** Frames it sent since the last heartbeat. */
  heard: number;
};

type Audience = {
  readonly clients: Set<Client>;
  readonly frames: Frames;
  lookedAt: number;
  /** When a frame last came of it. */
  toldAt: number;
  timer: NodeJS.Timeout | undefined;
};

/** Up to 10 frames a second and filter: what an eye follows, and how often boards are published. */
const LOOK_EVERY_MS = 100;
const HEARTBEAT_MS = 1_000;
/** A snapshot is all a client can make the server send; once a second is as often as a healthy one may need it. */
const RESYNC_EVERY_MS = 1_000;
/** Between two heartbeats; a healthy client sends one or two. */
const MOST_HEARD = 20;

/** For clients of `coffee-rt.v1`: a snapshot, then what changed, and a heartbeat every second. */
export const openLiveStream = (dashboard: (filter: string) => Dashboard, metrics: SocketMetrics): Stream => {
  const audiences = new Map<string, Audience>();

  const audienceOf = (filter: string): Audience => {
    const known = audiences.get(filter);
    if (known) return known;
    const audience = {
      clients: new Set<Client>(),
      frames: openFrames(metrics.made),
      lookedAt: 0,
      toldAt: 0,
      timer: undefined,
    };
    audiences.set(filter, audience);
    return audience;
  };
  const look = (filter: string, audience: Audience, withDrift: boolean): void => {
    clearTimeout(audience.timer);
    audience.timer = undefined;
    audience.lookedAt = inStep(audience.lookedAt, performance.now());
    const frame = audience.frames.next(dashboard(filter), withDrift);
    if (frame === null) return;
    audience.toldAt = performance.now();
    for (const client of audience.clients) tell(client, frame, audience.frames, metrics);
  };
  const beat = (): void => {
    for (const [filter, audience] of audiences) {
      if (audience.clients.size === 0) continue;
      // time too changes the picture: the hour turns, minutes slide, a board grows stale, a mode's health; a frame of
      // just before has all of it, and another would be the eleventh of its second
      if (performance.now() - audience.toldAt >= LOOK_EVERY_MS) look(filter, audience, true);
      const heartbeat = audience.frames.heartbeat();
      for (const client of audience.clients) beatFor(client, heartbeat, audience.frames, metrics);
    }
  };
  const beating = setInterval(beat, HEARTBEAT_MS);

  const follow = (socket: WebSocket, filter: string): void => {
    const audience = audienceOf(filter);
    // however many come at once, they share the snapshot; the first of all disturbs nobody with the drift
    if (performance.now() - audience.lookedAt >= LOOK_EVERY_MS)
      look(filter, audience, audience.clients.size === 0);
    const client = { socket, isLost: true, resyncedAt: 0, wantsResync: false, heard: 0 };
    audience.clients.add(client);
    socket.once("close", () => audience.clients.delete(client));
    socket.on("message", (data, isBinary) => {
      const refusal = refusalOf(client, String(data), isBinary);
      if (refusal === null) resync(client, audience.frames, metrics);
      else if (socket.readyState === socket.OPEN) {
        metrics.closed("refused");
        socket.close(...refusal);
      }
    });
    sendSnapshot(client, audience.frames, metrics);
  };
  const changed = (): void => {
    for (const [filter, audience] of audiences) {
      if (audience.clients.size === 0) continue;
      const dueInMs = Math.max(0, audience.lookedAt + LOOK_EVERY_MS - performance.now());
      // never at once: while one board goes out to many, several may have come, and only the last of them is worth it
      audience.timer ??= setTimeout(() => look(filter, audience, false), dueInMs);
    }
  };
  const close = (): void => {
    clearInterval(beating);
    for (const { timer } of audiences.values()) clearTimeout(timer);
  };
  return { follow, changed, close };
};

/** A look that is a little late must not make the next one late, or boards at the same pace would be left out. */
const inStep = (lookedAt: number, now: number): number =>
  now - lookedAt < 2 * LOOK_EVERY_MS ? lookedAt + LOOK_EVERY_MS : now;

/** A socket that missed a frame is behind by more than this one: the latest state instead. */
const tell = (client: Client, frame: Frame, frames: Frames, metrics: SocketMetrics): void => {
  if (client.isLost) sendSnapshot(client, frames, metrics);
  else if (!send(client.socket, frame.kind, frame.data, metrics)) {
    client.isLost = true;
    metrics.conflated();
  }
};

const sendSnapshot = (client: Client, frames: Frames, metrics: SocketMetrics): void => {
  const { kind, data } = frames.snapshot();
  client.isLost = !send(client.socket, kind, data, metrics);
  if (client.isLost) metrics.conflated();
};

/** Once a second; also the second look at who was lost, and who asked too often. */
const beatFor = (client: Client, heartbeat: Frame, frames: Frames, metrics: SocketMetrics): void => {
  client.heard = 0;
  if (client.wantsResync) resync(client, frames, metrics);
  if (client.isLost) sendSnapshot(client, frames, metrics);
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

/** Why a client's frame ends its connection: close code and reason; null for the one request there is. */
const refusalOf = (client: Client, text: string, isBinary: boolean): [number, string] | null => {
  if (++client.heard > MOST_HEARD) return [CLOSE.policy, "too many frames"];
  if (isBinary) return [CLOSE.unsupportedData, "frames are JSON texts"];
  try {
    if (Value.Check(liveResync, JSON.parse(text))) return null;
  } catch {
    // what is no JSON is no request either
  }
  return [CLOSE.policy, 'the one request is {"type":"resync"}'];
};
