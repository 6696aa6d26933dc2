import { Value } from "typebox/value";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { Dashboard } from "#shared/domain/dashboard.ts";
import { dashboardReply } from "#shared/wire/dashboard.ts";
import { metricOf } from "../../dev/system/programs.ts";
import { until } from "../../test/fresh.ts";
import { promisedWithin } from "../../test/promised.ts";
import { dashboardOf, LATTE, postOrder } from "../../test/requests.ts";
import { type System, startSystem } from "../../test/system.ts";

let system: System;
const sockets: WebSocket[] = [];
beforeAll(async () => {
  system = await startSystem({ env: { MAX_SOCKETS: "3", ALLOWED_ORIGINS: "https://shop.example" } });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate();
  await until(
    "the sockets are closed",
    async () => (await metricOf(system.url, "coffee_ws_connections")) === 0,
  );
});
afterAll(() => system.close());

const order = (mode: string, more: object = {}): Promise<Response> =>
  postOrder(system.url, mode, { ...LATTE, ...more });
const dashboard = (query = ""): Promise<Dashboard> => dashboardOf(system.url, query);

/** A client of the earlier system: it opens a socket and reads whole dashboards. */
const follow = (path = "/ws/dashboard", headers: Record<string, string> = {}) => {
  const frames: Dashboard[] = [];
  const times: number[] = [];
  const socket = new WebSocket(system.url.replace("http", "ws") + path, { headers });
  sockets.push(socket);
  socket.on("message", (data) => {
    frames.push(JSON.parse(String(data)) as Dashboard);
    times.push(Date.now());
  });
  const refused = new Promise<number>((resolve) => {
    socket.on("unexpected-response", (_request, response) => resolve(response.statusCode ?? 0));
  });
  socket.on("error", () => undefined);
  return { socket, frames, times, refused };
};

test("the dashboard has the figures that clients of the earlier system read, and conforms to its schema", async () => {
  // a first board that already has orders starts a new epoch
  await until("an empty board is published", async () => (await dashboard()).epoch === 1);
  for (const mode of ["v1", "v2", "v3"]) await order(mode);
  await until("all three are counted", async () => (await dashboard()).current_hour?.order_count === 3);
  // stores are ranked once a second
  await until("their store has them", async () => (await dashboard()).hour_stores[0]?.orders === 3);
  await until("the board is current", async () => !(await dashboard()).stale);
  const all = await dashboard();
  expect(Value.Check(dashboardReply, all)).toBe(true);
  expect(all).toMatchObject({
    current_hour: { hour: new Date().getUTCHours(), top_drinks: ["latte"], revenue: 13.5, order_count: 3 },
    top5_drinks: ["latte"],
    mode: "all",
    epoch: 1,
    hour_drinks: [{ drink: "latte", orders: 3, revenue: 13.5 }],
    hour_stores: [{ store: "uptown", orders: 3, revenue: 13.5 }],
  });
  expect(all.recent_orders).toHaveLength(3);
  expect(all.minutes.reduce((sum, minute) => sum + minute.orders, 0)).toBe(3);
  for (const mode of ["v1", "v2", "v3"]) expect(all.modes[mode]?.orders).toBe(1);
  await until("every mode is ok, without a lag", async () =>
    Object.values((await dashboard()).modes).every(({ lag, health }) => lag === 0 && health === "ok"),
  );
});

test("the filter shows one mode, and an unknown one is rejected", async () => {
  await order("v2", { drink: "americano" });
  const isLast = async () => (await dashboard("?mode=v2")).recent_orders[0]?.drink === "americano";
  await until("it is counted", isLast);
  const v1 = await dashboard("?mode=v1");
  expect(v1.recent_orders.map((each) => each.drink)).not.toContain("americano");
  const response = await fetch(`${system.url}/api/dashboard?mode=v9`);
  expect(response.status).toBe(422);
  expect(await response.json()).toMatchObject({ errors: [{ field: "mode" }] });
});

describe("the WebSocket without a subprotocol", () => {
  test("sends the dashboard at once, then its changes, at most once a second", async () => {
    const { frames, times } = follow();
    await until("the first frame", () => frames.length > 0);
    const before = frames[0]?.current_hour?.order_count ?? 0;
    for (let i = 0; i < 30; i++) await order(i % 2 ? "v2" : "v3");
    await until("the change arrives", () => (frames.at(-1)?.current_hour?.order_count ?? 0) >= before + 30);
    // by their number, because a late frame shortens the gap after it
    const seconds = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1_000;
    expect(times.length - 1).toBeLessThanOrEqual(seconds / 0.9 + 2);
    for (const frame of frames) expect(Value.Check(dashboardReply, frame)).toBe(true);
    expect(frames.map((frame) => frame.version)).toEqual(
      frames.map((frame) => frame.version).sort((a, b) => a - b),
    );
  });

  test("v2 and v3 are visible within 1 s, v1 within 2 s", async () => {
    for (const [mode, promisedMs] of [
      ["v2", 1_000],
      ["v3", 1_000],
      ["v1", 2_000],
    ] as const) {
      const { frames, socket } = follow(`/ws/dashboard?mode=${mode}`);
      await until("the first frame", () => frames.length > 0);
      // the next frame may be held back for a second after the first
      await until(
        "a second passed",
        () => Date.now() - Date.parse(frames.at(-1)?.server_timestamp ?? "") > 1_000,
      );
      const before = frames.at(-1)?.modes[mode]?.orders ?? 0;
      const shown = async (): Promise<void> => {
        await order(mode);
        await until("it is visible", () => (frames.at(-1)?.modes[mode]?.orders ?? 0) > before);
      };
      await promisedWithin(promisedMs, `an order of ${mode} is visible`, shown());
      socket.terminate();
    }
  });

  test("sends a frame every 10 s without a change", async () => {
    const { times } = follow("/ws/dashboard?mode=v1");
    await promisedWithin(
      11_000,
      "a second frame",
      until("two frames", () => times.length >= 2),
    );
  });

  test("rejects pages of other origins, except the API's own and allowed ones", async () => {
    expect(await follow("/ws/dashboard", { origin: "https://evil.example" }).refused).toBe(403);
    for (const origin of [system.url, "https://shop.example"]) {
      const { frames } = follow("/ws/dashboard", { origin });
      await until(`frames for ${origin}`, () => frames.length > 0);
    }
  });

  test("rejects an unknown filter, and connections above the limit, in HTTP", async () => {
    expect(await follow("/ws/dashboard?mode=v9").refused).toBe(422);
    const held = [follow(), follow(), follow()];
    await until("three sockets are held", () => held.every(({ frames }) => frames.length > 0));
    expect(await follow().refused).toBe(503);
    expect(await metricOf(system.url, "coffee_ws_connections")).toBe(3);
  });

  test("a client that does not read does not delay others, and reads the latest state later", async () => {
    const slow = follow();
    await until("it is connected", () => slow.frames.length > 0);
    slow.socket.pause();
    const quick = follow();
    await until("it is connected", () => quick.frames.length > 0);
    const before = quick.frames.length;
    for (let i = 0; i < 3; i++) await order("v2");
    await until("the quick one receives it", () => quick.frames.length > before);
    slow.socket.resume();
    await until(
      "the slow one has the latest state",
      () => slow.frames.at(-1)?.version === quick.frames.at(-1)?.version,
    );
  });
});
