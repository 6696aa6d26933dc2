/**
 * What every mode promises, whatever carries its orders (shared/ports.ts), on servers of this file's own, because
 * they are killed here. A new mode in shared/modes/all.ts is tested without a change; it only needs its backend
 * named in `backendOf`.
 */

import { setImmediate } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Order } from "#shared/domain/order.ts";
import { modes } from "#shared/modes/all.ts";
import { type Delivery, type Receipt, Unavailable } from "#shared/ports.ts";
import { someOrders, until } from "./fresh.ts";
import {
  acceptOne,
  type Backends,
  backendOf,
  type Ground,
  isFulfilled,
  openGround,
  startBackends,
} from "./ground.ts";

let servers: Backends;
beforeAll(async () => {
  servers = await startBackends();
}, 120_000);
afterAll(async () => {
  await Promise.all(Object.values(servers).map((server) => server.stop()));
});

describe.each(modes)("$name ($title)", (mode) => {
  let ground: Ground;
  beforeEach(async () => {
    ground = await openGround(mode, servers);
  });
  afterEach(() => ground.close());

  test("an accepted order is counted, and the backlog tells until then", async () => {
    const orders = someOrders(50);
    await ground.acceptAll(orders);
    expect((await ground.intake.backlog(1_000_000)).orders).toBe(50);
    ground.startWorker();
    await ground.expectExactly(orders);
    expect(await ground.intake.backlog(1_000_000)).toMatchObject({ orders: 0, oldestMs: 0 });
  });

  test("the backlog's age is that of its oldest order", async () => {
    const started = Date.now();
    await ground.acceptAll(someOrders(3));
    await until(
      "the backlog grows old",
      async () => (await ground.intake.backlog(1_000_000)).oldestMs >= 700,
    );
    const { oldestMs } = await ground.intake.backlog(1_000_000);
    expect(oldestMs).toBeLessThanOrEqual(Date.now() - started + 200);
  });

  test("the same order twice, also at once, counts once", async () => {
    const orders = someOrders(40);
    await ground.acceptAll([...orders, ...orders]);
    ground.startWorker();
    await ground.acceptAll(orders);
    await ground.expectExactly(orders);
  });

  test("the orders of one call are taken by one write, however many, and each has its receipt", async () => {
    const orders = someOrders(1_000);
    const outcomes = await ground.intake.accept(orders);
    expect(outcomes).toEqual(orders.map(() => ({ replayed: false })));
    expect((await ground.intake.backlog(1_000_000)).orders).toBe(1_000);
    ground.startWorker();
    const again = await Promise.all([
      ground.intake.accept(orders.slice(0, 700)),
      ground.intake.accept(orders),
    ]);
    expect(again.map((each) => each.length)).toEqual([700, 1_000]);
    await ground.expectExactly(orders);
  });

  test("two workers count each order once", async () => {
    ground.startWorker();
    ground.startWorker();
    const orders = someOrders(600);
    for (let start = 0; start < orders.length; start += 100)
      await ground.acceptAll(orders.slice(start, start + 100));
    await ground.expectExactly(orders);
  });

  test("a rejected delivery comes again, also to a group made later", async () => {
    const orders = someOrders(20);
    await ground.acceptAll(orders);
    const refusal = new Error("not now");
    for (const attempt of ["first", "second"]) {
      const seen: Delivery[] = [];
      const refuse = async (delivery: Delivery): Promise<void> => {
        seen.push(delivery);
        throw refusal;
      };
      const run = ground.openSource().run(refuse, AbortSignal.timeout(25_000));
      await expect(run, attempt).rejects.toBe(refusal);
      expect(seen.length).toBeGreaterThan(0);
      expect((await ground.intake.backlog(1_000_000)).orders).toBe(20);
    }
    await ground.useLaterGroup();
    ground.startWorker();
    await ground.expectExactly(orders);
  }, 60_000);

  test("a worker killed in the middle of a batch loses nothing to the next", async () => {
    const orders = someOrders(300);
    // whoever counts now waits for this lock, with the batch in hand
    const lock = await ground.pool.connect();
    const lockOut = "LOCK TABLE applied IN ACCESS EXCLUSIVE MODE";
    await lock.query(`SET idle_in_transaction_session_timeout = 0; BEGIN; ${lockOut}`);
    const first = ground.startWorkerProcess();
    await ground.acceptAll(orders);
    const waiting =
      "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    await until("the worker counts", async () => (await ground.pool.query(waiting)).rows.length > 0);
    await first.kill("SIGKILL");
    await lock.query("ROLLBACK");
    lock.release();
    ground.startWorkerProcess();
    await ground.expectExactly(orders);
  }, 60_000);

  test("an order that can never be counted is set aside, and its neighbours count", async () => {
    const orders = someOrders(10);
    const poison = { ...(someOrders(1, 2)[0] as Order), priceCents: 0 };
    const accepted = await Promise.allSettled(
      [...orders, poison].map((order) => acceptOne(ground.intake, order)),
    );
    ground.startWorker();
    await ground.expectExactly(orders);
    const { rows } = await ground.pool.query("SELECT source, reason FROM dead_letters");
    // what is stored at once is refused at once; what travels is found on its way
    const refused = mode.accepts === "stored";
    expect(accepted.at(-1)?.status).toBe(refused ? "rejected" : "fulfilled");
    expect(rows).toEqual(refused ? [] : [{ source: mode.name, reason: "23514" }]);
  });

  test("several of them inside a group of many are set aside one by one, under their ids", async () => {
    const isBad = (index: number): boolean => [0, 7, 8, 150, 299].includes(index);
    const orders = someOrders(300).map((order, index) =>
      isBad(index) ? { ...order, priceCents: 0 } : order,
    );
    // as a client does: on a busy machine the search for the bad ones may take longer than an answer
    const decided = async (order: Order): Promise<Receipt> => {
      try {
        return await acceptOne(ground.intake, order);
      } catch (error) {
        if (error instanceof Unavailable) return decided(order);
        throw error;
      }
    };
    const accepted = await Promise.allSettled(orders.map(decided));
    ground.startWorker();
    await ground.expectExactly(orders.filter((_, index) => !isBad(index)));
    const refused = orders.filter((_, index) => accepted[index]?.status === "rejected");
    const { rows } = await ground.pool.query("SELECT order_id FROM dead_letters ORDER BY order_id");
    const bad = orders.filter((_, index) => isBad(index)).map(({ id }) => id);
    const isStored = mode.accepts === "stored";
    expect(refused.map(({ id }) => id)).toEqual(isStored ? bad : []);
    expect(rows.map((row) => row.order_id)).toEqual(isStored ? [] : bad.toSorted());
  });

  test("one id with two bodies counts once, and the loser is told where nobody could refuse it", async () => {
    const orders = someOrders(30);
    const others = orders.map((order) => ({ ...order, drink: "another", body: `${order.body} other` }));
    await ground.acceptAll(orders);
    ground.startWorker();
    await ground.expectExactly(orders);
    const accepted = await Promise.allSettled(others.map((order) => ground.acceptAll([order])));
    await ground.expectExactly(orders);
    const isStored = mode.accepts === "stored";
    expect(new Set(accepted.map(({ status }) => status))).toEqual(
      new Set([isStored ? "rejected" : "fulfilled"]),
    );
    const { rows } = await ground.pool.query("SELECT mode, drink FROM order_conflicts");
    expect(rows).toEqual(isStored ? [] : others.map(() => ({ mode: mode.name, drink: "another" })));
  });

  test("an abort lets the batch in hand be settled and ends in time", async () => {
    const orders = someOrders(100);
    await ground.acceptAll(orders);
    const { worker, stop } = ground.startWorker();
    await until("a batch is counted", async () => (await ground.counted()) > 0);
    const started = Date.now();
    await stop();
    await worker.ended;
    expect(Date.now() - started).toBeLessThan(6_000);
    ground.startWorker();
    await ground.expectExactly(orders);
  });

  test("without its backend accept rejects within 2 s, and takes orders again when it is back", async () => {
    const backend = backendOf(mode, servers);
    await ground.acceptAll(someOrders(1));
    await backend.kill();
    try {
      for (const order of someOrders(3)) {
        const started = Date.now();
        await expect(acceptOne(ground.intake, order)).rejects.toMatchObject({
          reason: expect.stringMatching(/^(backend_away|outcome_unknown|timeout)$/),
        });
        expect(Date.now() - started).toBeLessThan(2_000);
      }
      await expect(ground.intake.backlog(1_000_000)).rejects.toThrow();
    } finally {
      await backend.start();
    }
    await until("orders are taken again", () => isFulfilled(ground.acceptAll(someOrders(1))), 30_000);
  }, 60_000);

  test("a backend that only hangs is decided within 2 s", async () => {
    const backend = backendOf(mode, servers);
    await ground.acceptAll(someOrders(1));
    backend.pause();
    try {
      const started = Date.now();
      const accepting = ground.acceptAll(someOrders(1));
      await expect(accepting).rejects.toMatchObject({ reason: "outcome_unknown" });
      expect(Date.now() - started).toBeLessThan(2_000);
    } finally {
      backend.resume();
    }
  });

  test("limits hold: beyond the queue's bound orders are refused at once", async () => {
    const bounds = { [`${mode.name}MaxQueuedOrders`]: 10, [`${mode.name}GroupMaxOrders`]: 1 };
    const bounded = await ground.openIntake(bounds);
    const [first, ...orders] = someOrders(200) as [Order, ...Order[]];
    // connected, and on its way once, so that only the bounds are in question
    await acceptOne(bounded, first);
    const reasons: string[] = [];
    const accepting = orders.map((order) => acceptOne(bounded, order));
    for (const each of accepting) each.catch((error: Unavailable) => reasons.push(error.reason));
    await setImmediate();
    const refusedAtOnce = reasons.length;
    expect(refusedAtOnce).toBeGreaterThan(100);
    const results = await Promise.allSettled(accepting);
    const accepted = orders.filter((_, index) => results[index]?.status === "fulfilled");
    expect(reasons.slice(0, refusedAtOnce)).toEqual(Array(refusedAtOnce).fill("queue_full"));
    // those that were let in, one to a write, may wait too long for a backend that is slow today
    for (const reason of reasons.slice(refusedAtOnce)) expect(reason).toBe("timeout");
    ground.startWorker();
    await ground.expectExactly([first, ...accepted]);
  });
});
