/** The subprotocol `coffee-rt.v1` over the real wire. */
import { once } from "node:events";
import { request } from "node:http";
import { Value } from "typebox/value";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Dashboard } from "#shared/domain/dashboard.ts";
import { liveDelta, liveHeartbeat, liveSnapshot } from "#shared/wire/dashboard.ts";
import { metricOf } from "../../dev/system/programs.ts";
import { until } from "../../test/fresh.ts";
import { dashboardOf, postOrder } from "../../test/requests.ts";
import { type System, startSystem } from "../../test/system.ts";
import { type Listener, listen } from "./live.fixture.ts";

let system: System;
const listeners: Listener[] = [];
beforeAll(async () => {
  system = await startSystem({ modes: ["v1", "v2"], env: { MAX_SOCKETS: "4" } });
});
afterEach(async () => {
  for (const { socket } of listeners.splice(0)) socket.terminate();
  await until("the sockets are gone", async () => (await metric("coffee_ws_connections")) === 0);
});
afterAll(() => system.close());

/** Resolves when it has its first frame. */
const follow = async (filter = "", protocols?: string | string[]): Promise<Listener> => {
  const listener = listen(system.url, filter, protocols);
  listeners.push(listener);
  await until("it is connected", () => listener.frames.length > 0);
  return listener;
};
const order = (mode: string): Promise<Response> => postOrder(system.url, mode);
const dashboard = (): Promise<Dashboard> => dashboardOf(system.url);
const metric = (series: string): Promise<number> => metricOf(system.url, series);
const resync = JSON.stringify({ type: "resync" });

test("without a change sends heartbeats only, one a second, with the age of the data", async () => {
  await until("a board is published", async () => !(await dashboard()).stale);
  const { frames, times, heartbeats, deltas } = await follow();
  await until("three heartbeats", () => heartbeats().length >= 3);
  // the hour may turn meanwhile
  expect(deltas().filter(({ data }) => data.hour_start === undefined)).toEqual([]);
  expect(frames[0]).toMatchObject({ type: "snapshot", epoch: 1, data: { mode: "all" } });
  const third = frames.indexOf(heartbeats()[2] ?? expect.fail("a third heartbeat"));
  expect((times[third] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(1_500);
  const last = heartbeats().at(-1) ?? expect.fail("a heartbeat");
  expect(last.seq).toBe(frames[0]?.seq);
  expect(Date.parse(last.as_of ?? "")).toBeGreaterThan(Date.parse(frames[0]?.as_of ?? ""));
});

test("sends a snapshot, then a chain of deltas, at most 10 a second, made once for all clients", async () => {
  const [one, other] = [await follow(), await follow()];
  const before = (await dashboard()).version;
  /** From one page, because deltas continue. */
  const deltaCounts = async (): Promise<readonly number[]> => {
    const page = await (await fetch(`${system.url}/metrics`)).text();
    const count = (what: string) => new RegExp(`^coffee_ws_${what}_total\\{kind="delta"\\} (\\d+)`, "m");
    return ["made", "sent"].map((what) => Number(count(what).exec(page)?.[1] ?? 0));
  };
  const [madeBefore = 0, sentBefore = 0] = await deltaCounts();
  const started = performance.now();
  for (let i = 0; i < 150; i++) await order(i % 2 ? "v1" : "v2");
  await until("the last one is seen", () => {
    const shown = [one, other].map(({ deltas }) => deltas().at(-1)?.data.modes);
    return shown.every((modes) => (modes?.["v1"]?.orders ?? 0) + (modes?.["v2"]?.orders ?? 0) === 150);
  });
  const seconds = (performance.now() - started) / 1_000;
  const deltas = one.deltas();
  expect(deltas.length).toBeGreaterThan(3);
  expect(deltas.length).toBeLessThanOrEqual(10 * seconds + 2);
  for (const [index, delta] of deltas.entries()) {
    expect(delta.previous).toBe(deltas[index - 1]?.seq ?? one.snapshots()[0]?.seq);
    expect(delta.seq).toBe(delta.previous + 1);
  }
  expect(deltas.at(-1)?.version).toBeGreaterThan(before);
  const ids = deltas.flatMap(({ data }) => (data.recent_orders ?? []).map(({ id }) => id));
  expect(new Set(ids).size).toBeGreaterThanOrEqual(50);
  for (const [schema, frames] of [
    [liveSnapshot, one.snapshots()],
    [liveDelta, deltas],
    [liveHeartbeat, one.heartbeats()],
  ] as const)
    for (const frame of frames) expect([...Value.Errors(schema, frame)]).toEqual([]);
  const [made = 0, sent = 0] = await deltaCounts();
  expect(made).toBeGreaterThan(madeBefore);
  expect(sent - sentBefore).toBe(2 * (made - madeBefore));
});

test("a filter has its own chain and shows its mode only", async () => {
  const listener = await follow("?mode=v1");
  await order("v1");
  await order("v2");
  await until("the order is shown", () =>
    listener.deltas().some(({ data }) => data.recent_orders?.length === 1),
  );
  expect(listener.snapshots()[0]?.data.mode).toBe("v1");
  const { recent_orders, modes } = listener.snapshots()[0]?.data ?? expect.fail("a snapshot");
  expect(recent_orders.length).toBeLessThanOrEqual(modes["v1"]?.orders ?? 0);
  expect(await listen(`${system.url}`, "?mode=v9").closed).toMatchObject({ code: 1006 });
});

describe("a client that has a gap", () => {
  test("is sent a snapshot, then at most one a second", async () => {
    const { socket, snapshots, heartbeats } = await follow();
    const asked = await metric("coffee_ws_resyncs_total");
    for (let i = 0; i < 10; i++) socket.send(resync);
    await until("the first answer", () => snapshots().length === 2);
    await until("two more heartbeats", () => heartbeats().length >= 3);
    expect(snapshots().length).toBe(3);
    expect((await metric("coffee_ws_resyncs_total")) - asked).toBe(2);
    expect(snapshots()[2]?.seq).toBeGreaterThanOrEqual(snapshots()[0]?.seq ?? 0);
  });
});

describe("a frame that is not of this protocol closes the socket", () => {
  test.each([
    ["binary", 1003, Buffer.from(resync), true],
    ["text that is not UTF-8", 1007, Buffer.from([0xc3, 0x28]), false],
    ["no JSON", 1008, "resync", false],
    ["another request", 1008, '{"type":"subscribe"}', false],
    ["another member", 1008, '{"type":"resync","from":1}', false],
    ["a long frame", 1009, `{"type":"${"resync".repeat(1_000)}"}`, false],
  ])("%s with %i", async (_, code, data, binary) => {
    const { socket, closed } = await follow();
    socket.send(data, { binary });
    expect((await closed).code).toBe(code);
  });

  test("too many requests, with 1008", async () => {
    const { socket, closed } = await follow();
    for (let i = 0; i < 100; i++) socket.send(resync);
    expect(await closed).toEqual({ code: 1008, reason: "too many frames" });
    expect(await metric('coffee_ws_closed_total{reason="refused"}')).toBeGreaterThan(0);
  });
});

describe("the subprotocol", () => {
  test("is chosen among those offered", async () => {
    const { socket } = await follow("", ["coffee-rt.v9", "coffee-rt.v1"]);
    expect(socket.protocol).toBe("coffee-rt.v1");
  });

  test("is none when only unknown ones are offered, and whole dashboards are sent", async () => {
    const upgrade = request(`${system.url}/ws/dashboard`, {
      headers: {
        connection: "upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": Buffer.alloc(16).toString("base64"),
        "sec-websocket-protocol": "coffee-rt.v9",
      },
    });
    upgrade.end();
    const [response, connection, head] = await once(upgrade, "upgrade");
    let text = String(head);
    connection.on("data", (bytes: Buffer) => {
      text += bytes;
    });
    await until("the first frame", () => text.includes("{"));
    connection.destroy();
    expect(response.headers["sec-websocket-protocol"]).toBeUndefined();
    expect(text.slice(text.indexOf("{"))).toMatch(/^\{"current_hour"/);
  });
});

test("a restore, which raises the epoch, is sent to clients", async () => {
  const { frames } = await follow();
  const before = frames.at(-1)?.epoch ?? 0;
  await system.pool.query("UPDATE meta SET epoch = epoch + 1");
  await until("the new epoch", () => frames.at(-1)?.epoch === before + 1);
});

test("closes a client that sends pings and does not read, and goes on sending to others", async () => {
  const [slow, quick] = [await follow(), await follow()];
  slow.socket.pause();
  await until("the slow one is closed", async () => {
    for (let i = 0; i < 5_000; i++) slow.socket.ping(Buffer.alloc(125));
    return (await metric("coffee_ws_connections")) === 1;
  });
  const beats = quick.heartbeats().length;
  await until("the quick one receives more", () => quick.heartbeats().length > beats + 1);
  expect(quick.socket.readyState).toBe(quick.socket.OPEN);
});
