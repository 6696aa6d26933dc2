import { Registry } from "prom-client";
import { afterAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { type BoardWriter, openBoardWriter } from "#shared/board/board.ts";
import type { Order } from "#shared/domain/order.ts";
import { redisStreams } from "#shared/modes/redis-streams/mode.ts";
import { type Intake, type Source, Unavailable } from "#shared/ports.ts";
import { loadSettings } from "#shared/runtime/config.ts";
import { closeRedis, openRedis, type RedisClient, redisOptions } from "#shared/runtime/redis.ts";
import { readBoard } from "#shared/store/board-read.ts";
import type { Pool } from "#shared/store/pool.ts";
import { endLockWaiters, whileHeld } from "#shared/store/store.fixture.ts";
import { encodeOrders } from "#shared/wire/order-message.ts";
import { driftOf } from "../../dev/system/database.ts";
import { startRedis } from "../../dev/system/servers/redis.ts";
import { freshDatabase, freshName, poolForTest, silent, someOrders, until } from "../../test/fresh.ts";
import { openWorkerMetrics } from "./metrics.ts";
import { countOf, delivered, entryOf } from "./settle.fixture.ts";
import { openWorker, type Worker } from "./worker.ts";

const server = await startRedis({ name: "redis-stream", role: "stream" });
afterAll(() => server.stop());

let pool: Pool;
let board: BoardWriter;
let stream: RedisClient;
let streamName: string;
let intake: Intake;
let settings: Record<string, unknown>;
beforeEach(async () => {
  const databaseUrl = await freshDatabase();
  pool = poolForTest(databaseUrl);
  streamName = freshName("orders");
  settings = loadSettings(redisStreams.knobs, {
    DATABASE_URL: databaseUrl,
    STREAM_REDIS_URL: server.url,
    V2_STREAM: streamName,
    V2_CLAIM_IDLE_MS: "500",
  });
  stream = openRedis(server.url, redisOptions("test"), () => undefined);
  onTestFinished(() => closeRedis(stream));
  board = openBoardWriter(server.url, () => undefined);
  onTestFinished(() => board.close());
  intake = redisStreams.openIntake(settings, silent);
  onTestFinished(() => intake.close());
  const answers = () => Promise.all([intake.backlog(1_000_000), board.read(), stream.ping()]);
  await until("Redis answers", async () => (await answers()).length > 0);
  await stream.flushall();
});

type Opened = { readonly worker: Worker; readonly registry: Registry; close(): Promise<void> };

const open = (source: Source = redisStreams.openSource(settings, silent), poisonStopOrders = 20): Opened => {
  const registry = new Registry();
  const worker = openWorker({
    settings: { publishEveryMs: 50, refreshEveryMs: 60_000, pinnedStores: " a , uptown ,", poisonStopOrders },
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
  onTestFinished(close);
  return { worker, registry, close };
};

const accept = (orders: readonly Order[]) => intake.accept(orders);
const addEntry = (payload: string, n: number) =>
  stream.xadd(streamName, "*", "orders", payload, "n", n, "total", n);
const rows = () => countOf(pool, "orders");
const pending = async (): Promise<number> => (await intake.backlog(1_000_000)).orders;
const boardOrders = async () => (await board.read())?.views["v2"]?.orders;
const sampleOf = async (registry: Registry, name: string, labels: object): Promise<number> => {
  const lines = (await registry.metrics()).split("\n").filter((line) => line.startsWith(`${name}{`));
  const wanted = lines.filter((line) =>
    Object.entries(labels).every(([key, value]) => line.includes(`${key}="${value}"`)),
  );
  expect(wanted.length, `${name} ${JSON.stringify(labels)}`).toBeLessThanOrEqual(1);
  return Number(wanted[0]?.split(" ").at(-1) ?? Number.NaN);
};

test("counts accepted orders, publishes them, and exposes their freshness", async () => {
  const orders = someOrders(60);
  await accept(orders);
  const { registry } = open();
  const v2 = (name: string, more: object = {}) => sampleOf(registry, name, { mode: "v2", ...more });
  await until("the board shows them", async () => (await boardOrders()) === 60);
  expect(await driftOf(pool)).toEqual([]);
  expect(await v2("coffee_orders_counted_total")).toBe(60);
  expect(await v2("coffee_orders_duplicate_total")).toBe(0);
  await accept(orders.slice(0, 25));
  await until("duplicates are exposed", async () => (await v2("coffee_orders_duplicate_total")) === 25);
  expect(await v2("coffee_orders_counted_total")).toBe(60);
  const freshness = "coffee_order_freshness_seconds";
  for (const stage of ["committed", "published"])
    await until(`all are ${stage}`, async () => (await v2(`${freshness}_count`, { stage })) === 60);
  expect(await v2(`${freshness}_sum`, { stage: "published" })).toBeGreaterThanOrEqual(
    await v2(`${freshness}_sum`, { stage: "committed" }),
  );
  expect(await v2("coffee_batch_orders_sum")).toBe(85);
  expect(await v2("coffee_dead_letters_total")).toBe(0);
});

test("orders are fresh once they are on a board of any publisher", async () => {
  const { registry } = open();
  await until("there is a board", async () => (await board.read()) !== null);
  // another publisher has the turn, and publishes what this worker has counted
  const others = setInterval(() => void stream.set("coffee:board:turn", "theirs", "PX", 1_000), 20);
  onTestFinished(() => clearInterval(others));
  await until("it has the turn", async () => (await stream.get("coffee:board:turn")) === "theirs");
  await accept(someOrders(30));
  await until("they are counted", async () => (await rows()) === 30);
  const published = () =>
    sampleOf(registry, "coffee_order_freshness_seconds_count", { mode: "v2", stage: "published" });
  expect(await published()).toBe(0);
  await until("the worker sees them on the other board", async () => {
    await board.publish(await readBoard(pool, null, []));
    return (await published()) === 30;
  });
});

test("exposes and acknowledges dead letters and conflicts, and counts the rest", async () => {
  const orders = someOrders(10);
  const [good, others] = [orders.slice(5), orders.slice(5).map((order) => ({ ...order, body: "another" }))];
  await addEntry(
    entryOf(orders, (index) => index === 4),
    10,
  );
  await addEntry("no JSON", 1);
  await addEntry(encodeOrders(others), good.length);
  const { registry } = open();
  const conflicts = () => sampleOf(registry, "coffee_order_conflicts_total", { mode: "v2" });
  expect(await conflicts()).toBe(0);
  await until("the conflicts are exposed", async () => (await conflicts()) === good.length);
  await until("none is pending", async () => (await pending()) === 0);
  expect([await rows(), await countOf(pool, "dead_letters")]).toEqual([9, 2]);
  for (const reason of ["23514", "malformed"])
    expect(await sampleOf(registry, "coffee_dead_letters_total", { reason })).toBe(1);
});

test("ends with an error when all orders of a batch fail alike, and leaves them pending", async () => {
  await addEntry(
    entryOf(someOrders(20), () => true),
    20,
  );
  const { worker, close } = open();
  await expect(worker.ended).rejects.toThrow("fail alike");
  await close();
  expect([await countOf(pool, "dead_letters"), await pending()]).toEqual([0, 20]);
  // a worker with a higher limit sets them aside
  open(undefined, 21);
  await until("none is pending", async () => (await pending()) === 0);
  expect(await countOf(pool, "dead_letters")).toBe(20);
});

test("closing settles the batch in hand and publishes it", async () => {
  await accept(someOrders(500));
  const { worker, close } = open();
  await until("a batch is counted", async () => (await rows()) > 0);
  await accept(someOrders(100, 2));
  await close();
  await worker.ended;
  const counted = await rows();
  expect([await boardOrders(), await pending()]).toEqual([counted, 600 - counted]);
  open();
  await until("the next worker counts the rest", async () => (await rows()) === 600);
  expect(await driftOf(pool)).toEqual([]);
});

test("closing ends during an outage, and the orders are redelivered", async () => {
  await accept(someOrders(30));
  await whileHeld(pool, "LOCK TABLE applied IN ACCESS EXCLUSIVE MODE", async () => {
    const { close, worker } = open();
    await until("the batch waits", async () => (await endLockWaiters(pool, "%INSERT INTO orders%")) > 0);
    let hasEnded = false;
    const ended = expect(worker.ended).rejects.toThrow();
    worker.ended.catch(() => {
      hasEnded = true;
    });
    const closing = close();
    // cut off by this test, or by its own timeout
    await until("the batch is cut off", async () => {
      await endLockWaiters(pool, "%INSERT INTO orders%");
      return hasEnded;
    });
    await ended;
    await closing;
  });
  expect(await rows()).toBe(0);
  open();
  await until("they are counted", async () => (await rows()) === 30);
});

test("a source that fails ends the worker with its error; it is closed and its orders are published", async () => {
  const failure = new Unavailable("backend_away", "the source broke");
  let closed = 0;
  const { worker, close } = open({
    run: async (count) => {
      await count(delivered([encodeOrders(someOrders(4))]));
      throw failure;
    },
    close: async () => {
      closed++;
    },
  });
  await expect(worker.ended).rejects.toBe(failure);
  await close();
  expect(closed).toBe(1);
  expect(await boardOrders()).toBe(4);
});
