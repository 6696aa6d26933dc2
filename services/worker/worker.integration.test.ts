import { Registry } from "prom-client";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type BoardWriter, openBoardWriter } from "#shared/board/board.ts";
import type { Order } from "#shared/domain/order.ts";
import { redisStreams } from "#shared/modes/redis-streams/mode.ts";
import { type Delivery, type Intake, type Source, Unavailable } from "#shared/ports.ts";
import { loadSettings } from "#shared/runtime/config.ts";
import { closeRedis, openRedis, type RedisClient, redisOptions } from "#shared/runtime/redis.ts";
import { readBoard } from "#shared/store/board-read.ts";
import type { Pool } from "#shared/store/pool.ts";
import { encodeOrder, encodeOrders, messageOf } from "#shared/wire/order-message.ts";
import { driftOf, numberOf } from "../../dev/system/database.ts";
import { startRedis } from "../../dev/system/servers/redis.ts";
import type { Server } from "../../dev/system/servers/server.ts";
import { freshDatabase, freshName, poolOn, silent, someOrders, until } from "../../test/fresh.ts";
import { openWorkerMetrics } from "./metrics.ts";
import { openWorker, type Worker } from "./worker.ts";

let server: Server;
let pool: Pool;
let board: BoardWriter;
let stream: RedisClient;
let streamName: string;
let intake: Intake;
let settings: Record<string, unknown>;
const closers: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  server = await startRedis({ name: "redis-stream", role: "stream" });
});
afterAll(() => server.stop());
beforeEach(async () => {
  const databaseUrl = await freshDatabase();
  pool = poolOn(databaseUrl);
  closers.push(() => pool.end());
  streamName = freshName("orders");
  settings = loadSettings(redisStreams.knobs, {
    DATABASE_URL: databaseUrl,
    STREAM_REDIS_URL: server.url,
    V2_STREAM: streamName,
    V2_CLAIM_IDLE_MS: "500",
  });
  stream = openRedis(server.url, redisOptions("test"), () => undefined);
  closers.push(() => closeRedis(stream));
  board = openBoardWriter(server.url, () => undefined);
  closers.push(() => board.close());
  intake = redisStreams.openIntake(settings, silent);
  closers.push(() => intake.close());
  await until("Redis answers", () =>
    Promise.all([intake.backlog(1_000_000), board.read(), stream.ping()]).then(
      () => true,
      () => false,
    ),
  );
  await stream.flushall();
});
afterEach(async () => {
  for (let close = closers.pop(); close; close = closers.pop()) await close();
});

type Opened = { readonly worker: Worker; readonly registry: Registry; close(): Promise<void> };

const open = (source: Source = redisStreams.openSource(settings, silent), more: object = {}): Opened => {
  const registry = new Registry();
  const worker = openWorker({
    settings: {
      publishEveryMs: 50,
      refreshEveryMs: 60_000,
      pinnedStores: " a , uptown ,",
      poisonStopOrders: 20,
      ...more,
    },
    mode: "v2",
    source,
    pool,
    board,
    log: silent,
    metrics: openWorkerMetrics(registry, "v2"),
  });
  worker.ended.catch(() => undefined);
  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => {
    closing ??= worker.close();
    return closing;
  };
  closers.push(close);
  return { worker, registry, close };
};

const accept = (orders: readonly Order[]) => intake.accept(orders);
const addEntry = (payload: string, n: number) =>
  stream.xadd(streamName, "*", "orders", payload, "n", n, "total", n);
const rows = () => numberOf(pool, "SELECT count(*) FROM orders");
const sampleOf = async (registry: Registry, name: string, labels: object): Promise<number> => {
  const lines = (await registry.metrics()).split("\n").filter((line) => line.startsWith(`${name}{`));
  const wanted = lines.filter((line) =>
    Object.entries(labels).every(([key, value]) => line.includes(`${key}="${value}"`)),
  );
  expect(wanted.length, `${name} ${JSON.stringify(labels)}`).toBeLessThanOrEqual(1);
  return Number(wanted[0]?.split(" ").at(-1) ?? Number.NaN);
};

test("counts what was accepted, publishes it, and tells how fresh it was", async () => {
  const orders = someOrders(60);
  await accept(orders);
  const { registry } = open();
  await until("the board shows them", async () => (await board.read())?.views["v2"]?.orders === 60);
  expect(await driftOf(pool)).toEqual([]);
  expect(await sampleOf(registry, "coffee_orders_counted_total", { mode: "v2" })).toBe(60);
  expect(await sampleOf(registry, "coffee_orders_duplicate_total", { mode: "v2" })).toBe(0);
  await accept(orders.slice(0, 25));
  await until(
    "the repetitions are told",
    async () => (await sampleOf(registry, "coffee_orders_duplicate_total", { mode: "v2" })) === 25,
  );
  expect(await sampleOf(registry, "coffee_orders_counted_total", { mode: "v2" })).toBe(60);
  for (const stage of ["committed", "published"])
    await until(
      `all are ${stage}`,
      async () =>
        (await sampleOf(registry, "coffee_order_freshness_seconds_count", { mode: "v2", stage })) === 60,
    );
  const sum = (stage: string) =>
    sampleOf(registry, "coffee_order_freshness_seconds_sum", { mode: "v2", stage });
  expect(await sum("published")).toBeGreaterThanOrEqual(await sum("committed"));
  expect(await sampleOf(registry, "coffee_batch_orders_sum", { mode: "v2" })).toBe(85);
  expect(await sampleOf(registry, "coffee_dead_letters_total", { mode: "v2" })).toBe(0);
});

test("orders are fresh once they are on a board, whoever published it", async () => {
  const { registry } = open();
  await until("there is a board", async () => (await board.read()) !== null);
  // somebody else has the turn, and publishes what this worker has counted
  const theirs = setInterval(() => void stream.set("coffee:board:turn", "theirs", "PX", 1_000), 20);
  try {
    await until("it is theirs", async () => (await stream.get("coffee:board:turn")) === "theirs");
    await accept(someOrders(30));
    await until("they are counted", async () => (await rows()) === 30);
    const published = () =>
      sampleOf(registry, "coffee_order_freshness_seconds_count", { mode: "v2", stage: "published" });
    expect(await published()).toBe(0);
    await until("the worker sees them on the board of another", async () => {
      await board.publish(await readBoard(pool, null, []));
      return (await published()) === 30;
    });
  } finally {
    clearInterval(theirs);
  }
});

test("tells orders that came under the key of another one, and acknowledges them", async () => {
  const orders = someOrders(6);
  await addEntry(encodeOrders(orders), 6);
  await addEntry(encodeOrders(orders.map((order) => ({ ...order, body: "another" }))), 6);
  const { registry } = open();
  const conflicts = () => sampleOf(registry, "coffee_order_conflicts_total", { mode: "v2" });
  expect(await conflicts()).toBe(0);
  await until("they are told", async () => (await conflicts()) === 6);
  await until("nothing waits", async () => (await intake.backlog(1_000_000)).orders === 0);
  expect(await rows()).toBe(6);
});

test("sets poison aside, counts the rest, and acknowledges all of it", async () => {
  const orders = someOrders(10);
  const bad = JSON.stringify({ ...messageOf(orders[4] as Order), price_cents: -1 });
  await addEntry(`[${orders.map((order, index) => (index === 4 ? bad : encodeOrder(order))).join(",")}]`, 10);
  await addEntry("no JSON", 1);
  const { registry } = open();
  await until(
    "both are set aside",
    async () => (await numberOf(pool, "SELECT count(*) FROM dead_letters")) === 2,
  );
  await until("nothing waits", async () => (await intake.backlog(1_000_000)).orders === 0);
  expect(await rows()).toBe(9);
  expect(await sampleOf(registry, "coffee_dead_letters_total", { reason: "23514" })).toBe(1);
  expect(await sampleOf(registry, "coffee_dead_letters_total", { reason: "malformed" })).toBe(1);
});

test("ends with an error when all orders of a batch fail alike, and leaves them to be counted later", async () => {
  const bad = someOrders(20).map((order) => JSON.stringify({ ...messageOf(order), price_cents: 0 }));
  await addEntry(`[${bad.join(",")}]`, 20);
  const { worker, close } = open();
  await expect(worker.ended).rejects.toThrow("fail alike");
  await close();
  expect(await numberOf(pool, "SELECT count(*) FROM dead_letters")).toBe(0);
  expect((await intake.backlog(1_000_000)).orders).toBe(20);
  // the cause is mended, here by a worker that takes so few for a coincidence
  open(undefined, { poisonStopOrders: 21 });
  await until("nothing waits", async () => (await intake.backlog(1_000_000)).orders === 0);
  expect(await numberOf(pool, "SELECT count(*) FROM dead_letters")).toBe(20);
});

test("closing settles what is in hand and publishes it", async () => {
  const orders = someOrders(500);
  await accept(orders);
  const { worker, close } = open();
  await until("a batch is counted", async () => (await rows()) > 0);
  await accept(someOrders(100, 2));
  await close();
  await worker.ended;
  const counted = await rows();
  expect((await board.read())?.views["v2"]?.orders).toBe(counted);
  expect((await intake.backlog(1_000_000)).orders).toBe(600 - counted);
  open();
  await until("the next counts the rest", async () => (await rows()) === 600);
  expect(await driftOf(pool)).toEqual([]);
});

test("an outage while closing ends it all the same, and the orders come again", async () => {
  const lock = await pool.connect();
  await lock.query(
    "SET idle_in_transaction_session_timeout = 0; BEGIN; LOCK TABLE applied IN ACCESS EXCLUSIVE MODE",
  );
  const orders = someOrders(30);
  await accept(orders);
  const { close, worker } = open();
  await until("the batch waits", async () => {
    const waiting =
      "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database() AND query LIKE '%INSERT INTO orders%'";
    return (await numberOf(pool, waiting)) === 1;
  });
  const closing = close();
  await pool.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database() AND query LIKE '%INSERT INTO orders%'",
  );
  await expect(worker.ended).rejects.toThrow();
  await lock.query("ROLLBACK");
  lock.release();
  await closing;
  expect(await rows()).toBe(0);
  open();
  await until("they are counted", async () => (await rows()) === 30);
});

test("a source that fails ends the worker with its error; its own close still runs", async () => {
  const failure = new Unavailable("backend_away", "the source broke");
  let closed = 0;
  const delivery: Delivery = {
    kind: "carried",
    part: 0,
    position: "1",
    entries: [{ origin: "1-0", payload: encodeOrders(someOrders(4)) }],
  };
  const { worker, close } = open({
    run: async (count) => {
      await count(delivery);
      throw failure;
    },
    close: async () => {
      closed++;
    },
  });
  await expect(worker.ended).rejects.toBe(failure);
  await close();
  expect(closed).toBe(1);
  expect((await board.read())?.views["v2"]?.orders).toBe(4);
});
