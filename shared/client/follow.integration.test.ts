/** The client against the real API, while both are disturbed. */
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { openBoardWriter } from "#shared/board/board.ts";
import { freePort } from "../../dev/system/servers/ports.ts";
import { startRedis } from "../../dev/system/servers/redis.ts";
import { until } from "../../test/fresh.ts";
import { API, type Program, startProgram } from "../../test/processes.ts";
import { promisedWithin } from "../../test/promised.ts";
import { areModesOk, dashboardOf, postOrder } from "../../test/requests.ts";
import { type System, startSystem } from "../../test/system.ts";
import type { Board } from "../domain/board.ts";
import type { Dashboard } from "../domain/dashboard.ts";
import { openWire, type Wire } from "./follow.fixture.ts";
import { type Follower, followDashboard, type Phase } from "./follow.ts";

let system: System;
beforeAll(async () => {
  system = await startSystem({ modes: ["v1", "v2"] });
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
  onTestFinished(follower.close);
  const orders = (): number =>
    Object.values(follower.state()?.modes ?? {}).reduce((sum, mode) => sum + mode.orders, 0);
  return { ...follower, shown, phases, orders };
};
const untilPhase = (seen: Seen, phase: Phase) => until(`it is ${phase}`, () => seen.status().phase === phase);
const untilOrders = (seen: Seen, orders: number) =>
  until(`${orders} orders are shown`, () => seen.orders() === orders);
const wireTo = async (url: string): Promise<Wire> => {
  const wire = await openWire(url);
  onTestFinished(wire.close);
  return wire;
};
const order = async (mode = "v2", url = system.url): Promise<void> =>
  expect((await postOrder(url, mode)).ok).toBe(true);
/** All that time alone does not change; rates decay for a minute after the last order. */
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

/** An API of the same system as a separate process, so that it can be killed. */
const startApi = async (
  port: number,
  env: Record<string, string> = {},
): Promise<{ url: string } & Program> => {
  const program = startProgram(API, {
    PORT: String(port),
    DATABASE_URL: system.databaseUrl,
    BOARD_REDIS_URL: system.board.url,
    STREAM_REDIS_URL: system.stream.url,
    V1_ENABLED: "true",
    V2_ENABLED: "true",
    LOG_LEVEL: "warn",
    ...env,
  });
  onTestFinished(() => void program.kill("SIGKILL"));
  const url = `http://127.0.0.1:${port}`;
  await until("the API is ready", () => areModesOk(url).catch(() => false));
  return { ...program, url };
};

/** Another board's Redis, with writers to it and to the system's own; a writer connects a little later than it opens. */
const otherBoard = async () => {
  const redis = await startRedis({ name: "redis-other", role: "board" });
  onTestFinished(() => redis.stop());
  const [ours, theirs] = [system.board.url, redis.url].map((url) => {
    const writer = openBoardWriter(url, () => undefined);
    onTestFinished(() => writer.close());
    return writer;
  });
  if (!ours || !theirs) throw new Error("unreachable");
  const copy = async () => {
    let board = null as Board | null;
    await until("the board is copied", async () => {
      board = await ours.read().catch(() => null);
      return board !== null && (await theirs.publish(board).catch(() => "failed")) === "published";
    });
    return board ?? expect.fail("a board");
  };
  return { url: redis.url, copy };
};

test("shows the same as GET /api/dashboard by a snapshot and deltas, also with a filter", async () => {
  const [all, v1] = [follow(system.url), follow(`${system.url}/`, "v1")];
  await until("both show a dashboard", () => all.state() !== null && v1.state() !== null);
  for (let i = 0; i < 60; i++) await order(i % 3 ? "v2" : "v1");
  await untilOrders(all, 60);
  await untilOrders(v1, 60);
  expect(all.shown.length).toBeGreaterThan(2);
  for (const [follower, query] of [
    [all, ""],
    [v1, "?mode=v1"],
  ] as const)
    await until("they agree", async () => {
      const [theirs, ours] = [await dashboardOf(system.url, query), follower.state()];
      return ours !== null && JSON.stringify(content(theirs)) === JSON.stringify(content(ours));
    });
  expect(all.state()?.recent_orders).toHaveLength(50);
  expect(v1.state()?.recent_orders).toHaveLength(20);
  for (const each of [all, v1]) await untilPhase(each, "live");
  expect(all.status().text).toMatch(/^live, data \d+\.\d s old$/);
  expectNoStepBack(all);
});

test("reconnects to an API that was killed and restarted, and counts nothing twice", async () => {
  const port = await freePort();
  const api = await startApi(port);
  const seen = follow(api.url);
  await untilPhase(seen, "live");
  const before = seen.orders();
  await order("v2", api.url);
  await untilOrders(seen, before + 1);
  await api.kill("SIGKILL");
  await untilPhase(seen, "disconnected");
  expect(seen.status().text).toMatch(/^disconnected for \d+\.\d s, data \d+\.\d s old$/);
  expect(seen.orders()).toBe(before + 1);
  await order();
  await startApi(port);
  await promisedWithin(2_000, "a client is live again", untilPhase(seen, "live"));
  await untilOrders(seen, before + 2);
  const ids = seen.state()?.recent_orders.map(({ id }) => id) ?? [];
  expect(new Set(ids).size).toBe(ids.length);
  expectNoStepBack(seen);
});

test("replaces a connection that is silent for three heartbeats", async () => {
  const wire = await wireTo(system.url);
  const seen = follow(wire.url);
  await untilPhase(seen, "live");
  wire.swallow();
  const silentSince = Date.now();
  const before = seen.orders();
  await order();
  await until("another connection is opened", () => wire.connections() === 2);
  expect(Date.now() - silentSince).toBeGreaterThan(2_000);
  await untilOrders(seen, before + 1);
  expect(seen.phases).toContain("disconnected");
  await untilPhase(seen, "live");
});

test("keeps its state while an API has an older board, until that has caught up", async () => {
  const other = await otherBoard();
  const old = await other.copy();
  const api = await startApi(await freePort(), { BOARD_REDIS_URL: other.url });
  const wire = await wireTo(system.url);
  const seen = follow(wire.url);
  await order();
  await until("a newer board is shown", () => (seen.state()?.version ?? 0) > old.version);
  await until("the API has the older one", async () => (await dashboardOf(api.url)).version === old.version);
  const held = seen.orders();
  wire.leadTo(api.url);
  wire.cut();
  await untilPhase(seen, "behind");
  expect(seen.status().text).toMatch(/^the server is behind what is shown, data \d+\.\d s old$/);
  expect(seen.orders()).toBe(held);
  const connections = wire.connections();
  await other.copy();
  await until("it follows again", () => ["live", "stale"].includes(seen.status().phase));
  // over the same connection: it requested another snapshot
  expect(wire.connections()).toBe(connections);
  expect(seen.orders()).toBe(held);
  expectNoStepBack(seen);
});

test("shows a raised epoch at once, whatever its version", async () => {
  const seen = follow(system.url);
  await untilPhase(seen, "live");
  const epoch = seen.state()?.epoch ?? 0;
  await system.pool.query("UPDATE meta SET epoch = epoch + 1");
  await until("the epoch is shown", () => seen.state()?.epoch === epoch + 1);
  await untilPhase(seen, "live");
  expectNoStepBack(seen);
});

test("reports stale data while no worker publishes", async () => {
  const other = await otherBoard();
  const api = await startApi(await freePort(), { BOARD_REDIS_URL: other.url });
  await other.copy();
  const seen = follow(api.url);
  await untilPhase(seen, "stale");
  expect(seen.status().ageMs).toBeGreaterThan(5_000);
  await until("the server reports it too", () => seen.state()?.stale === true);
});

test("calls no callback and does not reconnect after it was closed", async () => {
  const wire = await wireTo(system.url);
  const [seen, other] = [follow(wire.url), follow(system.url)];
  await untilPhase(seen, "live");
  await untilPhase(other, "live");
  seen.close();
  const [shown, orders] = [seen.shown.length, other.orders()];
  await order();
  await untilOrders(other, orders + 1);
  expect(seen.shown).toHaveLength(shown);
  expect(seen.status().text).toMatch(/^closed/);
  expect(wire.connections()).toBe(1);
});
