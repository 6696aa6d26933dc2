/** The client against the real API, through what happens to both. */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { openBoardWriter } from "#shared/board/board.ts";
import { freePort } from "../../dev/system/servers/ports.ts";
import { startRedis } from "../../dev/system/servers/redis.ts";
import { until } from "../../test/fresh.ts";
import { type Program, startProgram } from "../../test/processes.ts";
import { type System, startSystem } from "../../test/system.ts";
import type { Dashboard } from "../domain/dashboard.ts";
import { openWire } from "./follow.fixture.ts";
import { type Follower, followDashboard, type Phase } from "./follow.ts";

let system: System;
const closers: (() => unknown)[] = [];
beforeAll(async () => {
  system = await startSystem({ modes: ["v1", "v2"] });
});
afterEach(async () => {
  for (let close = closers.pop(); close; close = closers.pop()) await close();
});
afterAll(() => system.close());

type Seen = Follower & { readonly shown: Dashboard[]; readonly phases: Phase[]; orders(): number };

const follow = (url: string, mode?: string): Seen => {
  const shown: Dashboard[] = [];
  const phases: Phase[] = [];
  const follower = followDashboard({
    url,
    ...(mode !== undefined && { mode }),
    onState: (dashboard) => shown.push(dashboard),
    onStatus: ({ phase }) => {
      if (phases.at(-1) !== phase) phases.push(phase);
    },
  });
  closers.push(follower.close);
  const orders = (): number => ordersOf(follower.state());
  return { ...follower, shown, phases, orders };
};
const ordersOf = (dashboard: Dashboard | null): number =>
  Object.values(dashboard?.modes ?? {}).reduce((sum, { orders }) => sum + orders, 0);

const order = async (mode = "v2", url = system.url): Promise<void> => {
  const response = await fetch(`${url}/api/${mode}/order`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ drink: "latte", store: "uptown", price: 4.5 }),
  });
  expect([201, 202]).toContain(response.status);
};
const dashboard = async (url = system.url, query = ""): Promise<Dashboard> =>
  (await (await fetch(`${url}/api/dashboard${query}`)).json()) as Dashboard;
/** What the clock alone does not move; rates fall for a minute after the last order. */
const content = ({ server_timestamp, as_of, rate, modes, ...rest }: Dashboard): object => ({
  ...rest,
  orders: Object.values(modes).map((mode) => [mode.orders, mode.health]),
});
const expectNoStepBack = ({ shown }: Seen): void => {
  for (const [index, { epoch, version }] of shown.entries()) {
    const before = shown[index - 1];
    if (before && epoch === before.epoch) expect(version).toBeGreaterThanOrEqual(before.version);
    if (before) expect(epoch).toBeGreaterThanOrEqual(before.epoch);
  }
};

/** An API of the same system as a process of its own, so that it can be killed. */
const startApi = async (
  port: number,
  env: Record<string, string> = {},
): Promise<{ url: string } & Program> => {
  const program = startProgram("services/order-api/main.ts", {
    PORT: String(port),
    DATABASE_URL: system.databaseUrl,
    BOARD_REDIS_URL: system.board.url,
    STREAM_REDIS_URL: system.stream.url,
    V1_ENABLED: "true",
    V2_ENABLED: "true",
    LOG_LEVEL: "warn",
    ...env,
  });
  closers.push(() => program.kill("SIGKILL"));
  const url = `http://127.0.0.1:${port}`;
  await until(`the API is ready: ${program.output()}`, async () => {
    const response = await fetch(`${url}/readyz`).catch(() => null);
    await response?.arrayBuffer();
    return response?.status === 200;
  });
  return { ...program, url };
};

test("a snapshot and deltas amount to what GET /api/dashboard replies, also with a filter", async () => {
  const [all, v1] = [follow(system.url), follow(`${system.url}/`, "v1")];
  await until("both show something", () => all.state() !== null && v1.state() !== null);
  for (let i = 0; i < 60; i++) await order(i % 3 ? "v2" : "v1");
  await until("all are seen", () => all.orders() === 60 && v1.orders() === 60);
  expect(all.shown.length).toBeGreaterThan(2);
  for (const [follower, query] of [
    [all, ""],
    [v1, "?mode=v1"],
  ] as const)
    await until("they agree", async () => {
      const [theirs, ours] = [await dashboard(system.url, query), follower.state()];
      return ours !== null && JSON.stringify(content(theirs)) === JSON.stringify(content(ours));
    });
  expect(all.state()?.recent_orders).toHaveLength(50);
  expect(v1.state()?.recent_orders).toHaveLength(20);
  await until("they are live", () => [all, v1].every((each) => each.status().phase === "live"));
  expect(all.status().text).toMatch(/^live, data \d\.\d s old$/);
  expectNoStepBack(all);
});

test("an API that is killed and comes back on its port is found again, and nothing counts twice", async () => {
  const port = await freePort();
  const api = await startApi(port);
  const seen = follow(api.url);
  await until("it is live", () => seen.status().phase === "live");
  const before = seen.orders();
  await order("v2", api.url);
  await until("the order is seen", () => seen.orders() === before + 1);
  await api.kill("SIGKILL");
  await until("it is noticed", () => seen.status().phase === "disconnected");
  expect(seen.status().text).toMatch(/^disconnected for \d+\.\d s, data \d+\.\d s old$/);
  expect(seen.orders()).toBe(before + 1);
  await order();
  await startApi(port);
  await until("it is live again", () => seen.status().phase === "live");
  await until("what was missed is seen", () => seen.orders() === before + 2);
  const ids = seen.state()?.recent_orders.map(({ id }) => id) ?? [];
  expect(new Set(ids).size).toBe(ids.length);
  expectNoStepBack(seen);
});

test("a connection that falls silent is given up after three heartbeats, and another is made", async () => {
  const wire = await openWire(system.url);
  closers.push(wire.close);
  const seen = follow(wire.url);
  await until("it is live", () => seen.status().phase === "live");
  wire.swallow();
  const silentSince = Date.now();
  const before = seen.orders();
  await order();
  await until("another connection is made", () => wire.connections() === 2);
  expect(Date.now() - silentSince).toBeGreaterThan(2_000);
  expect(Date.now() - silentSince).toBeLessThan(7_000);
  await until("what was missed is seen", () => seen.orders() === before + 1);
  expect(seen.phases).toContain("disconnected");
  await until("it is live again", () => seen.status().phase === "live");
});

test("an API that shows an older board is not believed until it has caught up", async () => {
  const redis = await startRedis({ name: "redis-other", role: "board" });
  closers.push(() => redis.stop());
  const [ours, theirs] = [system.board.url, redis.url].map((url) => openBoardWriter(url, () => undefined));
  closers.push(
    () => ours?.close(),
    () => theirs?.close(),
  );
  const old = await eventually(() => ours?.read());
  const other = await startApi(await freePort(), { BOARD_REDIS_URL: redis.url });
  await eventually(async () => ((await theirs?.publish(old)) === "published" ? true : null));
  const wire = await openWire(system.url);
  closers.push(wire.close);
  const seen = follow(wire.url);
  await order();
  await until("a newer board is seen", () => (seen.state()?.version ?? 0) > old.version);
  await until(
    "the other shows the older one",
    async () => (await dashboard(other.url)).version === old.version,
  );
  const held = seen.orders();
  wire.leadTo(other.url);
  wire.cut();
  await until("it is told", () => seen.status().phase === "behind");
  expect(seen.status().text).toMatch(/^the server is behind what is shown, data \d+\.\d s old$/);
  expect(seen.orders()).toBe(held);
  const connections = wire.connections();
  const newer = await eventually(() => ours?.read());
  expect(await theirs?.publish(newer)).toBe("published");
  await until("it is believed", () => ["live", "stale"].includes(seen.status().phase));
  // over the connection there was: the snapshot was asked for again
  expect(wire.connections()).toBe(connections);
  expect(seen.orders()).toBe(held);
  expectNoStepBack(seen);
});

test("a raised epoch is shown at once, whatever its version", async () => {
  const seen = follow(system.url);
  await until("it is live", () => seen.status().phase === "live");
  const epoch = seen.state()?.epoch ?? 0;
  await system.pool.query("UPDATE meta SET epoch = epoch + 1");
  await until("the epoch is seen", () => seen.state()?.epoch === epoch + 1);
  expect(seen.status().phase).toBe("live");
  expectNoStepBack(seen);
});

test("without publishers the data grows old, and the status says so", async () => {
  const redis = await startRedis({ name: "redis-quiet", role: "board" });
  closers.push(() => redis.stop());
  const api = await startApi(await freePort(), { BOARD_REDIS_URL: redis.url });
  const writers = [system.board.url, redis.url].map((url) => openBoardWriter(url, () => undefined));
  closers.push(...writers.map((writer) => () => writer.close()));
  const board = await eventually(() => writers[0]?.read());
  await eventually(async () => ((await writers[1]?.publish(board)) === "published" ? true : null));
  const seen = follow(api.url);
  await until("it is live", () => seen.status().phase === "live");
  await until("it is stale", () => seen.status().phase === "stale");
  expect(seen.status().ageMs).toBeGreaterThan(5_000);
  await until("the server says so too", () => seen.state()?.stale === true);
});

test("closed, it calls nobody and connects no more", async () => {
  const wire = await openWire(system.url);
  closers.push(wire.close);
  const seen = follow(wire.url);
  await until("it is live", () => seen.status().phase === "live");
  const other = follow(system.url);
  await until("the other one is live", () => other.status().phase === "live");
  seen.close();
  const shown = seen.shown.length;
  const orders = other.orders();
  await order();
  await until("the other one sees it", () => other.orders() > orders);
  expect(seen.shown).toHaveLength(shown);
  expect(seen.status().text).toMatch(/^closed/);
  expect(wire.connections()).toBe(1);
});

/** A connection to Redis is there a little later than its client. */
const eventually = async <T>(read: () => Promise<T | null> | undefined): Promise<NonNullable<T>> => {
  let found: T | null | undefined;
  await until("Redis answers", async () => {
    found = await read()?.catch(() => null);
    return found !== null && found !== undefined;
  });
  return found ?? expect.fail("an answer");
};
