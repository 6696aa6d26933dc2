/**
 * The contract of shared/ports.ts, which every mode keeps. Its tests kill the servers, so these belong to the suite.
 */
import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Order } from "#shared/domain/order.ts";
import { type Delivery, type Mode, type Receipt, Unavailable } from "#shared/ports.ts";
import { someOrders, until } from "../fresh.ts";
import { promisedWithin } from "../promised.ts";
import {
  acceptOne,
  type Backends,
  type Clause,
  isFulfilled,
  type ModeUnderTest,
  openModeUnderTest,
} from "./mode-under-test.ts";

const clauses: Clause[] = [];
const clause = (title: string, holds: Clause["holds"]): void => void clauses.push({ title, holds });

/** Defines the tests of one mode; `backends` is called once they run. */
export const describeContract = (mode: Mode, backends: () => Backends): void => {
  describe(`${mode.name} (${mode.title})`, () => {
    let subject: ModeUnderTest;
    beforeEach(async () => {
      subject = await openModeUnderTest(mode, backends());
    });
    afterEach(() => subject.close());
    for (const { title, holds } of clauses)
      test(title, () => holds({ subject, mode, backend: backends().backend }));
  });
};

// each order counts once, also one that is sent twice or concurrently

clause("counts an accepted order, which is in the backlog until then", async ({ subject }) => {
  const orders = someOrders(50);
  await subject.acceptAll(orders);
  expect((await subject.intake.backlog(1_000_000)).orders).toBe(50);
  subject.startWorker();
  await subject.expectExactly(orders);
  expect(await subject.intake.backlog(1_000_000)).toMatchObject({ orders: 0, oldestMs: 0 });
});

clause("reports the age of the oldest pending order", async ({ subject }) => {
  const started = Date.now();
  await subject.acceptAll(someOrders(3));
  await until("the backlog grows old", async () => (await subject.intake.backlog(1_000_000)).oldestMs >= 700);
  const { oldestMs } = await subject.intake.backlog(1_000_000);
  expect(oldestMs).toBeLessThanOrEqual(Date.now() - started + 200);
});

clause("counts an order once that is sent twice, also concurrently", async ({ subject }) => {
  const orders = someOrders(40);
  await subject.acceptAll([...orders, ...orders]);
  subject.startWorker();
  await subject.acceptAll(orders);
  await subject.expectExactly(orders);
});

clause("accepts all orders of one call in one write, each with a receipt", async ({ subject }) => {
  const orders = someOrders(1_000);
  const outcomes = await subject.intake.accept(orders);
  expect(outcomes).toEqual(orders.map(() => ({ replayed: false })));
  expect((await subject.intake.backlog(1_000_000)).orders).toBe(1_000);
  subject.startWorker();
  const again = await Promise.all([
    subject.intake.accept(orders.slice(0, 700)),
    subject.intake.accept(orders),
  ]);
  expect(again.map((each) => each.length)).toEqual([700, 1_000]);
  await subject.expectExactly(orders);
});

clause("counts each order once with two workers", async ({ subject }) => {
  subject.startWorker();
  subject.startWorker();
  const orders = someOrders(600);
  for (let start = 0; start < orders.length; start += 100)
    await subject.acceptAll(orders.slice(start, start + 100));
  await subject.expectExactly(orders);
});

clause(
  "counts one id with two bodies once, and records the conflict where the reply could not refuse it",
  async ({ subject, mode }) => {
    const orders = someOrders(30);
    const others = orders.map((order) => ({ ...order, drink: "another", body: `${order.body} other` }));
    await subject.acceptAll(orders);
    subject.startWorker();
    await subject.expectExactly(orders);
    const accepted = await Promise.allSettled(others.map((order) => subject.acceptAll([order])));
    await subject.expectExactly(orders);
    const isStored = mode.accepts === "stored";
    expect(new Set(accepted.map(({ status }) => status))).toEqual(
      new Set([isStored ? "rejected" : "fulfilled"]),
    );
    const { rows } = await subject.pool.query("SELECT mode, drink FROM order_conflicts");
    expect(rows).toEqual(isStored ? [] : others.map(() => ({ mode: mode.name, drink: "another" })));
  },
);

// when a worker, a backend or an order fails

clause("redelivers a rejected delivery, also to a consumer group made later", async ({ subject }) => {
  const orders = someOrders(20);
  await subject.acceptAll(orders);
  const refusal = new Error("not now");
  for (const attempt of ["first", "second"]) {
    const seen: Delivery[] = [];
    const refuse = async (delivery: Delivery): Promise<void> => {
      seen.push(delivery);
      throw refusal;
    };
    const run = subject.openSource().run(refuse, new AbortController().signal);
    await expect(run, attempt).rejects.toBe(refusal);
    expect(seen.length).toBeGreaterThan(0);
    expect((await subject.intake.backlog(1_000_000)).orders).toBe(20);
  }
  await subject.useLaterGroup();
  subject.startWorker();
  await subject.expectExactly(orders);
});

clause("loses nothing when a worker is killed in the middle of a batch", async ({ subject }) => {
  const orders = someOrders(300);
  // the worker waits for this lock with the batch in hand
  const lock = await subject.pool.connect();
  const lockOut = "LOCK TABLE applied IN ACCESS EXCLUSIVE MODE";
  await lock.query(`SET idle_in_transaction_session_timeout = 0; BEGIN; ${lockOut}`);
  const first = subject.startWorkerProcess();
  await subject.acceptAll(orders);
  const waiting =
    "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
  await until("the worker counts", async () => (await subject.pool.query(waiting)).rows.length > 0);
  await first.kill("SIGKILL");
  await lock.query("ROLLBACK");
  lock.release();
  subject.startWorkerProcess();
  await subject.expectExactly(orders);
});

clause(
  "stores an order that can never be counted as a dead letter, and counts its neighbours",
  async ({ subject, mode }) => {
    const orders = someOrders(10);
    const poison = { ...(someOrders(1, 2)[0] as Order), priceCents: 0 };
    const accepted = await Promise.allSettled(
      [...orders, poison].map((order) => acceptOne(subject.intake, order)),
    );
    subject.startWorker();
    await subject.expectExactly(orders);
    const { rows } = await subject.pool.query("SELECT source, reason FROM dead_letters");
    // PostgreSQL refuses it at once; in a queue only the worker finds it
    const refused = mode.accepts === "stored";
    expect(accepted.at(-1)?.status).toBe(refused ? "rejected" : "fulfilled");
    expect(rows).toEqual(refused ? [] : [{ source: mode.name, reason: "23514" }]);
  },
);

clause(
  "stores several of them in one group as dead letters, each under its id",
  async ({ subject, mode }) => {
    const isBad = (index: number): boolean => [0, 7, 8, 150, 299].includes(index);
    const orders = someOrders(300).map((order, index) =>
      isBad(index) ? { ...order, priceCents: 0 } : order,
    );
    // like a client: on a busy machine the search for the bad ones may take longer than a reply
    const decided = async (order: Order): Promise<Receipt> => {
      try {
        return await acceptOne(subject.intake, order);
      } catch (error) {
        if (error instanceof Unavailable) return decided(order);
        throw error;
      }
    };
    const accepted = await Promise.allSettled(orders.map(decided));
    subject.startWorker();
    await subject.expectExactly(orders.filter((_, index) => !isBad(index)));
    const refused = orders.filter((_, index) => accepted[index]?.status === "rejected");
    const { rows } = await subject.pool.query("SELECT order_id FROM dead_letters ORDER BY order_id");
    const bad = orders.filter((_, index) => isBad(index)).map(({ id }) => id);
    const isStored = mode.accepts === "stored";
    expect(refused.map(({ id }) => id)).toEqual(isStored ? bad : []);
    expect(rows.map((row) => row.order_id)).toEqual(isStored ? [] : bad.toSorted());
  },
);

clause("settles the batch in hand on abort, and ends", async ({ subject }) => {
  const orders = someOrders(100);
  await subject.acceptAll(orders);
  const { worker, stop } = subject.startWorker();
  await until("a batch is counted", async () => (await subject.counted()) > 0);
  await stop();
  await worker.ended;
  subject.startWorker();
  await subject.expectExactly(orders);
});

clause(
  "rejects within 2 s without its backend, and accepts again once it is back",
  async ({ subject, mode, backend }) => {
    await subject.acceptAll(someOrders(1));
    await backend.kill();
    try {
      for (const order of someOrders(3)) {
        const rejection = expect(acceptOne(subject.intake, order)).rejects.toMatchObject({
          reason: expect.stringMatching(/^(backend_away|outcome_unknown|timeout)$/),
        });
        await promisedWithin(2_000, `${mode.name} rejected an order`, rejection);
      }
      await expect(subject.intake.backlog(1_000_000)).rejects.toThrow();
    } finally {
      await backend.start();
    }
    await until("orders are taken again", () => isFulfilled(subject.acceptAll(someOrders(1))));
  },
);

clause("decides within 2 s while its backend hangs", async ({ subject, mode, backend }) => {
  await subject.acceptAll(someOrders(1));
  await backend.pause();
  try {
    const rejection = expect(subject.acceptAll(someOrders(1))).rejects.toMatchObject({
      reason: "outcome_unknown",
    });
    await promisedWithin(2_000, `${mode.name} decided`, rejection);
  } finally {
    await backend.resume();
  }
});

clause("refuses orders beyond the queue's limit at once", async ({ subject, mode }) => {
  const bounds = { [`${mode.name}MaxQueuedOrders`]: 10, [`${mode.name}GroupMaxOrders`]: 1 };
  const bounded = await subject.openIntake(bounds);
  const [first, ...orders] = someOrders(200) as [Order, ...Order[]];
  // after one accepted order only the limits matter
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
  // queued orders, one in each write, may expire when the backend is slow
  for (const reason of reasons.slice(refusedAtOnce)) expect(reason).toBe("timeout");
  subject.startWorker();
  await subject.expectExactly([first, ...accepted]);
});
