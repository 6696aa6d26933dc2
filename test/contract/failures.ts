import { setImmediate } from "node:timers/promises";
import { expect } from "vitest";
import type { Order } from "#shared/domain/order.ts";
import { type Delivery, type Receipt, Unavailable } from "#shared/ports.ts";
import { someOrders, until } from "../fresh.ts";
import { promisedWithin } from "../promised.ts";
import { acceptOne, type Clause, isFulfilled } from "./mode-under-test.ts";

/** What holds when a worker, a backend or an order fails. */
export const failureClauses: Clause[] = [];
const clause = (title: string, holds: Clause["holds"]): void => void failureClauses.push({ title, holds });

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
  backend.pause();
  try {
    const rejection = expect(subject.acceptAll(someOrders(1))).rejects.toMatchObject({
      reason: "outcome_unknown",
    });
    await promisedWithin(2_000, `${mode.name} decided`, rejection);
  } finally {
    backend.resume();
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
