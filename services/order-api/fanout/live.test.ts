/** Sockets that do not read, with dashboards so large that the kernel's buffers fill. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Registry } from "prom-client";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { type Dashboard, dashboardOf } from "#shared/domain/dashboard.ts";
import { until } from "../../../test/fresh.ts";
import { type Listener, listen } from "../live.fixture.ts";
import { openSocketMetrics } from "../metrics.ts";
import { SOCKET_OPTIONS } from "../sockets.ts";
import type { Feed } from "./feed.ts";
import { openLiveFeed } from "./live.ts";

/** Longer than the step in which frames go out. */
const QUIET_MS = 150;

let server: WebSocketServer;
let stream: Feed;
let registry: Registry;
let version: number;
let drinkBytes: number;
let listeners: Listener[];

/** Every version has another drink of the hour, with a very long name. */
const dashboard = (): Dashboard => ({
  ...dashboardOf(null, "all", {}, Date.now()),
  version,
  top5_drinks: [`${version} `.padEnd(drinkBytes, "x")],
});
const publish = (): void => {
  version++;
  stream.changed();
};

beforeEach(async () => {
  [registry, version, listeners] = [new Registry(), 0, []];
  stream = openLiveFeed(dashboard, openSocketMetrics(registry));
  server = new WebSocketServer({ ...SOCKET_OPTIONS, host: "127.0.0.1", port: 0 });
  server.on("connection", (socket) => stream.follow(socket, "all"));
  await once(server, "listening");
});
afterEach(() => {
  stream.close();
  for (const { socket } of listeners) socket.terminate();
  server.close();
});

const connect = async (): Promise<Listener> => {
  const listener = listen(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  listeners.push(listener);
  await until("it is connected", () => listener.frames.length > 0);
  return listener;
};
const count = async (name: string): Promise<number> => {
  const { values } = (await registry.getSingleMetric(name)?.get()) ?? { values: [] };
  return values.reduce((sum, { value }) => sum + value, 0);
};
const mostBuffered = (): number => Math.max(0, ...[...server.clients].map((socket) => socket.bufferedAmount));

test("a socket that missed frames is sent the latest state once it reads, without a queue for it", async () => {
  drinkBytes = 400_000;
  const [slow, quick] = [await connect(), await connect()];
  slow.socket.pause();
  let most = 0;
  await until("frames were skipped for it", async () => {
    publish();
    most = Math.max(most, mostBuffered());
    return (await count("coffee_ws_conflated_total")) > 5;
  });
  slow.socket.resume();
  await until("it has the latest state", () => slow.frames.at(-1)?.version === version);
  expect(slow.snapshots()).toHaveLength(2);
  expect(slow.deltas().length).toBeLessThan(quick.deltas().length);
  expect(most).toBeLessThan(2 * drinkBytes);
  for (const { frames } of [slow, quick])
    for (const [index, frame] of frames.entries())
      if (frame.type === "delta") expect(frame.previous).toBe(frames[index - 1]?.seq);
  expect(quick.snapshots()).toHaveLength(1);
});

test("sends only the newest of several boards, also after a pause", async () => {
  drinkBytes = 10;
  const client = await connect();
  await sleep(QUIET_MS);
  for (const _ of [1, 2, 3]) publish();
  await until("it has the newest", () => client.frames.at(-1)?.version === version);
  expect(client.deltas()).toHaveLength(1);
});

test("closes a socket with more than 1 MiB unread with 1013", async () => {
  drinkBytes = 8_000_000;
  const slow = await connect();
  slow.socket.pause();
  await until("it is closed", async () => {
    publish();
    return (await count("coffee_ws_closed_total")) === 1;
  });
  slow.socket.resume();
  expect(await slow.closed).toEqual({ code: 1013, reason: "too slow" });
});
