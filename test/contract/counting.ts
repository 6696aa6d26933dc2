import { expect } from "vitest";
import { someOrders, until } from "../fresh.ts";
import type { Clause } from "./mode-under-test.ts";

/** Each order counts once, also one that is sent twice or concurrently. */
export const countingClauses: Clause[] = [];
const clause = (title: string, holds: Clause["holds"]): void => void countingClauses.push({ title, holds });

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
