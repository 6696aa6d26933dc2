import { expect, test } from "vitest";
import type { LiveHandlers } from "./live.ts";
import { holdDashboards, type WatchWorld } from "./watchers.ts";

/** A clock of its own, the sockets that were opened, and the sums of the figures. */
const openWorld = () => {
  const sums: Record<string, number> = {};
  const sockets: (LiveHandlers & { readonly sent: string[]; isClosed: boolean })[] = [];
  let timers: { readonly atMs: number; readonly act: () => void }[] = [];
  let nowMs = 0;
  const counter = (name: string) => ({
    add: (value: number) => {
      sums[name] = (sums[name] ?? 0) + (name === "delays" ? 1 : value);
    },
  });
  const world: WatchWorld = {
    settings: { baseUrl: "http://host:1", mode: "v2" },
    figures: {
      wsConnections: counter("connections"),
      wsFrames: counter("frames"),
      wsGaps: counter("gaps"),
      wsLost: counter("lost"),
      wsDelay: counter("delays"),
    },
    nowMs: () => nowMs,
    after: (ms, act) => void timers.push({ atMs: nowMs + ms, act }),
    open: (_url, handlers) => {
      const socket = { ...handlers, sent: [] as string[], isClosed: false };
      sockets.push(socket);
      return {
        send: (text) => void socket.sent.push(text),
        close: () => {
          socket.isClosed = true;
          handlers.onEnd();
        },
      };
    },
  };
  const until = (ms: number): void => {
    for (;;) {
      const [next] = timers.filter(({ atMs }) => atMs <= ms).sort((a, b) => a.atMs - b.atMs);
      if (next === undefined) break;
      timers = timers.filter((each) => each !== next);
      nowMs = next.atMs;
      next.act();
    }
    nowMs = ms;
  };
  return { world, sums, sockets, until };
};

const frame = (type: string, seq: number): string => {
  const previous = type === "delta" ? `,"previous":${seq - 1}` : "";
  return `{"type":"${type}","seq":${seq},"epoch":1,"version":2,"as_of":"2026-11-21T10:00:00Z"${previous},"data":{}}`;
};

test("opens dashboards one after the other and closes them at the end, without losing any", () => {
  const { world, sums, sockets, until } = openWorld();
  holdDashboards(world, 4, 0, 8_000);
  until(2_000);
  expect(sockets).toHaveLength(3);
  until(3_000);
  for (const socket of sockets) socket.onOpen();
  until(8_000);
  expect(sockets.map(({ isClosed }) => isClosed)).toEqual([true, true, true, true]);
  expect(sums).toEqual({ connections: 4 });
});

test("counts frames, samples their delay, and asks for a snapshot after a gap", () => {
  const { world, sums, sockets, until } = openWorld();
  holdDashboards(world, 1, 0, 10_000);
  until(0);
  const [socket] = sockets;
  for (const text of [frame("snapshot", 1), frame("delta", 2), frame("delta", 4), frame("snapshot", 4)])
    socket?.onText(text);
  expect(socket?.sent).toEqual(['{"type":"resync"}']);
  until(10_000);
  expect(sums).toEqual({ frames: 4, gaps: 1, delays: 2 });
});

test("reopens a connection that the server ends, until the end", () => {
  const { world, sums, sockets, until } = openWorld();
  holdDashboards(world, 1, 0, 5_000);
  until(100);
  sockets[0]?.onEnd();
  until(2_000);
  expect(sockets).toHaveLength(2);
  until(4_500);
  sockets[1]?.onEnd();
  until(6_000);
  expect(sockets).toHaveLength(2);
  expect(sums).toEqual({ lost: 2 });
});
