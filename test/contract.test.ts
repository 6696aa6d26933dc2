/**
 * What every mode promises, whatever carries its orders (shared/ports.ts), on servers of this file's own, because
 * they are killed here. A new mode in shared/modes/all.ts is tested without a change; it only needs its backend
 * named in `backendOf`.
 */

import { Registry } from "prom-client";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openBoardWriter } from "#shared/board/board.ts";
import type { Order } from "#shared/domain/order.ts";
import { modes } from "#shared/modes/all.ts";
import type { Delivery, Intake, Mode } from "#shared/ports.ts";
import { loadSettings, variablesFor } from "#shared/runtime/config.ts";
import type { Pool } from "#shared/store/pool.ts";
import { migrate } from "../db/migrate.ts";
import { startKafka } from "../dev/servers/kafka.ts";
import { startPostgres } from "../dev/servers/postgres.ts";
import { startRedis } from "../dev/servers/redis.ts";
import type { Server } from "../dev/servers/server.ts";
import { openWorkerMetrics } from "../services/worker/metrics.ts";
import { openWorker, type Worker } from "../services/worker/worker.ts";
import {
  freshDatabase,
  freshName,
  type Program,
  poolOn,
  silent,
  someOrders,
  startProgram,
  until,
} from "./fresh.ts";

let servers: { postgres: Server; board: Server; stream: Server; kafka: Server };
const closers: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  const [postgres, board, stream, kafka] = await Promise.all([
    startPostgres({ durable: false }),
    startRedis({ name: "redis-board", role: "board" }),
    startRedis({ name: "redis-stream", role: "stream" }),
    startKafka({}),
  ]);
  servers = { postgres, board, stream, kafka };
  await migrate(postgres.url, () => undefined);
}, 120_000);

afterEach(async () => {
  for (let close = closers.pop(); close; close = closers.pop()) await close();
});
afterAll(async () => {
  await Promise.all(Object.values(servers).map((server) => server.stop()));
});

/** The server without which a mode cannot accept. */
const backendOf = (mode: Mode): Server => {
  const backends: Record<string, Server> = { v1: servers.postgres, v2: servers.stream, v3: servers.kafka };
  const backend = backends[mode.name];
  if (!backend) throw new Error(`name the backend of ${mode.name} here`);
  return backend;
};

describe.each(modes)("$name ($title)", (mode) => {
  let settings: Record<string, string | number | boolean>;
  let databaseUrl: string;
  let pool: Pool;
  let intake: Intake;

  beforeEach(async () => {
    // the template database of this file's server is its own "postgres", which nobody is connected to
    databaseUrl = await freshDatabase(servers.postgres.url.replace(/postgres$/, "template1"), "postgres");
    const name = freshName("orders");
    settings = loadSettings(mode.knobs, {
      DATABASE_URL: databaseUrl,
      BOARD_REDIS_URL: servers.board.url,
      STREAM_REDIS_URL: servers.stream.url,
      KAFKA_BROKERS: servers.kafka.url,
      V1_TICK_MS: "100",
      V2_STREAM: name,
      V2_CLAIM_IDLE_MS: "1000",
      V3_TOPIC: name,
      V3_GROUP: name,
      V3_SESSION_TIMEOUT_MS: "6000",
    }) as typeof settings;
    pool = poolOn(databaseUrl);
    closers.push(() => pool.end());
    intake = openIntake();
    await until("the backend answers", async () =>
      intake.backlog().then(
        () => true,
        () => false,
      ),
    );
  });

  const openIntake = (more: object = {}): Intake => {
    const opened = mode.openIntake({ ...settings, ...more }, silent);
    closers.push(() => opened.close());
    return opened;
  };

  /** A worker in this process: the real one, on the mode's real source. */
  const startWorker = (): { worker: Worker; stop(): Promise<void> } => {
    const board = openBoardWriter(servers.board.url, () => undefined);
    const worker = openWorker({
      settings: { publishEveryMs: 100, refreshEveryMs: 1_000, pinnedStores: "", poisonStopOrders: 20 },
      mode: mode.name,
      source: mode.openSource(settings, silent),
      pool,
      board,
      log: silent,
      metrics: openWorkerMetrics(new Registry(), mode.name),
    });
    let stopped: Promise<void> | null = null;
    const stop = (): Promise<void> => {
      stopped ??= worker.close().then(() => board.close());
      return stopped;
    };
    closers.push(stop);
    return { worker, stop };
  };

  const startWorkerProcess = (): Program => {
    const program = startProgram("services/worker/main.ts", {
      ...variablesFor(settings),
      MODE: mode.name,
      DATABASE_URL: databaseUrl,
      BOARD_REDIS_URL: servers.board.url,
      METRICS_PORT: "0",
      LOG_LEVEL: "warn",
    });
    closers.push(async () => {
      if (program.process.exitCode === null && program.process.signalCode === null)
        await program.kill("SIGKILL");
    });
    return program;
  };

  const acceptAll = async (orders: readonly Order[]): Promise<void> => {
    await Promise.all(orders.map((order) => intake.accept(order)));
  };

  const counted = async (): Promise<{ orders: number; cents: number; rows: number }> => {
    const { rows } = await pool.query<{ orders: string; cents: string; rows: string }>(
      `SELECT (SELECT coalesce(sum(orders), 0) FROM rollup_hour) AS orders,
              (SELECT coalesce(sum(revenue_cents), 0) FROM rollup_hour) AS cents,
              (SELECT count(*) FROM orders) AS rows`,
    );
    return { orders: Number(rows[0]?.orders), cents: Number(rows[0]?.cents), rows: Number(rows[0]?.rows) };
  };
  const centsOf = (orders: readonly Order[]): number =>
    orders.reduce((sum, order) => sum + order.priceCents, 0);
  const untilCounted = (orders: readonly Order[]) =>
    until(`${orders.length} orders counted`, async () => (await counted()).orders >= orders.length, 30_000);
  const expectExactly = async (orders: readonly Order[]): Promise<void> =>
    expect(await counted()).toEqual({ orders: orders.length, cents: centsOf(orders), rows: orders.length });

  test("an accepted order is counted, and the backlog tells until then", async () => {
    const orders = someOrders(50);
    await acceptAll(orders);
    const before = await intake.backlog();
    expect(before.orders).toBe(50);
    startWorker();
    await untilCounted(orders);
    await expectExactly(orders);
    await until("the backlog is empty", async () => (await intake.backlog()).orders === 0);
    expect(await intake.backlog()).toEqual({ orders: 0, oldestMs: 0 });
  });

  test("the backlog's age is that of its oldest order", async () => {
    await acceptAll(someOrders(3));
    await until("the backlog grows old", async () => (await intake.backlog()).oldestMs >= 700);
    expect((await intake.backlog()).oldestMs).toBeLessThan(15_000);
  });

  test("the same order twice, also at once, counts once", async () => {
    const orders = someOrders(40);
    await acceptAll([...orders, ...orders]);
    startWorker();
    await acceptAll(orders);
    await untilCounted(orders);
    await until("nothing waits", async () => (await intake.backlog()).orders === 0);
    await expectExactly(orders);
  });

  test("two workers count each order once", async () => {
    startWorker();
    startWorker();
    const orders = someOrders(600);
    for (let start = 0; start < orders.length; start += 100)
      await acceptAll(orders.slice(start, start + 100));
    await untilCounted(orders);
    await until("nothing waits", async () => (await intake.backlog()).orders === 0);
    await expectExactly(orders);
  });

  test("a rejected delivery comes again, also to a group made later", async () => {
    const orders = someOrders(20);
    await acceptAll(orders);
    const source = mode.openSource(settings, silent);
    closers.push(() => source.close());
    const refusal = new Error("not now");
    const seen: Delivery[] = [];
    const refuse = async (delivery: Delivery): Promise<void> => {
      seen.push(delivery);
      throw refusal;
    };
    await expect(source.run(refuse, AbortSignal.timeout(20_000))).rejects.toBe(refusal);
    expect(seen.length).toBeGreaterThan(0);
    expect((await intake.backlog()).orders).toBe(20);
    settings = { ...settings, v2Group: freshName("later"), v3Group: freshName("later") };
    startWorker();
    await untilCounted(orders);
    await expectExactly(orders);
  });

  test("a worker killed in the middle of a batch loses nothing to the next", async () => {
    const orders = someOrders(300);
    // whoever counts now waits for this lock, with the batch in hand
    const lock = await pool.connect();
    await lock.query(
      "SET idle_in_transaction_session_timeout = 0; BEGIN; LOCK TABLE applied IN ACCESS EXCLUSIVE MODE",
    );
    const first = startWorkerProcess();
    await acceptAll(orders);
    await until("the worker counts", async () => {
      const { rows } = await pool.query(
        "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database() AND query LIKE '%applied%'",
      );
      return rows.length > 0;
    });
    await first.kill("SIGKILL");
    await lock.query("ROLLBACK");
    lock.release();
    startWorkerProcess();
    await untilCounted(orders);
    await until("nothing waits", async () => (await intake.backlog()).orders === 0);
    await expectExactly(orders);
  });

  test("an abort lets the batch in hand be settled and ends in time", async () => {
    const orders = someOrders(100);
    await acceptAll(orders);
    const { worker, stop } = startWorker();
    await until("a batch is counted", async () => (await counted()).orders > 0);
    const started = Date.now();
    await stop();
    await worker.ended;
    expect(Date.now() - started).toBeLessThan(6_000);
    startWorker();
    await untilCounted(orders);
    await expectExactly(orders);
  });

  test("without its backend accept rejects within 2 s, and takes orders again when it is back", async () => {
    const backend = backendOf(mode);
    await intake.accept(someOrders(1)[0] as Order);
    await backend.kill();
    try {
      for (const order of someOrders(3)) {
        const started = Date.now();
        await expect(intake.accept(order)).rejects.toMatchObject({
          reason: expect.stringMatching(/^(backend_away|outcome_unknown|timeout)$/),
        });
        expect(Date.now() - started).toBeLessThan(2_000);
      }
      await expect(intake.backlog()).rejects.toThrow();
    } finally {
      await backend.start();
    }
    const order = someOrders(1)[0] as Order;
    await until("orders are taken again", async () =>
      intake.accept(order).then(
        () => true,
        () => false,
      ),
    );
  });

  test("a backend that only hangs is decided within 2 s", async () => {
    const backend = backendOf(mode);
    await intake.accept(someOrders(1)[0] as Order);
    backend.pause();
    try {
      const started = Date.now();
      await expect(intake.accept(someOrders(1)[0] as Order)).rejects.toMatchObject({
        reason: "outcome_unknown",
      });
      expect(Date.now() - started).toBeLessThan(2_000);
    } finally {
      backend.resume();
    }
  });

  test("limits hold: beyond the queue's bound orders are refused at once", async () => {
    const bounded = openIntake({ [`${mode.name}MaxQueuedOrders`]: 10, [`${mode.name}GroupMaxOrders`]: 1 });
    await until("the backend answers", async () =>
      bounded.backlog().then(
        () => true,
        () => false,
      ),
    );
    const orders = someOrders(200);
    const results = await Promise.allSettled(orders.map((order) => bounded.accept(order)));
    const accepted = orders.filter((_, index) => results[index]?.status === "fulfilled");
    const refusals = results.filter((result) => result.status === "rejected");
    expect(refusals.length).toBeGreaterThan(100);
    for (const refusal of refusals) expect(refusal.reason).toMatchObject({ reason: "queue_full" });
    startWorker();
    await untilCounted(accepted);
    await expectExactly(accepted);
  });
});
