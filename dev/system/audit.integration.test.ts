/** The audit has to find each deviation: on a real system whose data or account is changed by hand. */
import { v7 as newOrderId } from "uuid";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type System, startSystem } from "../../test/system.ts";
import { type Entry, type Ledger, openLedger } from "./account.ts";
import { type Audit, type AuditOptions, audit, totalsProblems, unaudited, untilCounted } from "./audit.ts";
import { readDashboard, readSnapshot } from "./dashboards.ts";
import { totalsOf } from "./database.ts";

const ORDERS = 40;
const BODY = { drink: "latte", store: "uptown", cents: 450, timestamp: null };
const NONE = { lost: 0, countedTwice: 0, problems: [] };

let system: System;
const ledger = openLedger();
beforeAll(async () => {
  system = await startSystem({ modes: ["v2"] });
  const timestamp = new Date().toISOString();
  const bodies = Array.from({ length: ORDERS }, (_, index) => ({ ...BODY, cents: 450 + index, timestamp }));
  for (const body of bodies) ledger.add({ id: newOrderId(), ...body }, 0);
  const orders = ledger
    .entries()
    .map(({ id, body: { cents, ...body } }) => ({ id, ...body, price: cents / 100 }));
  const response = await fetch(`${system.url}/api/v2/orders`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(orders),
  });
  expect(response.status).toBe(202);
  for (const { id } of orders) ledger.record(id, "acknowledged");
  expect(await untilCounted(system.pool, "v2", ORDERS, 120_000)).toBe(true);
});
afterAll(() => system.close());

const auditNow = (of: Ledger = ledger, more: Partial<AuditOptions> = {}): Promise<Audit> => {
  const dashboards = [
    { name: "the board", read: () => readDashboard(system.url, "v2") },
    { name: "a new WebSocket", read: () => readSnapshot(system.url, "v2") },
  ];
  return audit(system.pool, of, { mode: "v2", dashboards, agreeWithinMs: 500, ...more });
};

/** A copy of the ledger with each entry as `change` returns it; null leaves it out. */
const ledgerWith = (change: (entry: Entry, index: number) => Entry | null): Ledger => {
  const other = openLedger();
  for (const [index, entry] of ledger.entries().entries()) {
    const { id, body, dueMs, outcome } = change(entry, index) ?? {};
    if (id === undefined || body === undefined) continue;
    other.add({ id, ...body }, dueMs ?? 0);
    if (outcome !== undefined && outcome !== "unsent") other.record(id, outcome);
  }
  return other;
};

const idAt = (index: number): string => ledger.idAt(index);

/** Audits while the statement holds, and restores what it changed. */
const auditWith = async (change: string, undo: string): Promise<Audit> => {
  await system.pool.query(change);
  try {
    return await auditNow();
  } finally {
    await system.pool.query(undo);
  }
};

test("finds nothing when every acknowledged order is stored, counted and shown once", async () => {
  const counts = { acknowledged: ORDERS, refused: 0, unknown: 0, stored: ORDERS, counted: ORDERS };
  expect(await auditNow(ledger, { agreeWithinMs: 120_000 })).toEqual({ ...counts, ...NONE });
});

test("accepts an order with an unknown outcome, stored or not", async () => {
  const some = ledgerWith((entry, index) => (index === 0 ? { ...entry, outcome: "unknown" } : entry));
  some.record(some.add({ id: newOrderId(), ...BODY }, 0).id, "unknown");
  expect(await auditNow(some)).toMatchObject({ acknowledged: ORDERS - 1, unknown: 2, ...NONE });
});

test("finds an acknowledged order that is not stored, with its id and amount", async () => {
  const more = ledgerWith((entry) => entry);
  const { id } = more.add({ id: newOrderId(), ...BODY }, 0);
  more.record(id, "acknowledged");
  const { lost, problems } = await auditNow(more);
  expect(lost).toBe(1);
  expect(problems).toEqual([`1 orders acknowledged and lost: ${id} latte uptown 450 cents`]);
});

test("leaves the orders of other modes to their own accounts", async () => {
  const of = { mode: "v1", dashboards: [] };
  const { problems } = await auditNow(openLedger(), { ...of, otherModes: ["v2", "v3"] });
  expect(problems).toEqual([]);
  expect((await auditNow(openLedger(), of)).problems).toHaveLength(1);
});

test("finds stored orders that were refused, never sent, or sent with another body", async () => {
  const changed = ledgerWith((entry, index) => {
    if (index === 0) return null;
    if (index === 1) return { ...entry, outcome: "refused" };
    return index === 2 ? { ...entry, body: { ...entry.body, cents: 1 } } : entry;
  });
  const { problems } = await auditNow(changed);
  expect(problems).toHaveLength(3);
  expect(problems.join("\n")).toMatch(
    new RegExp(`1 orders never sent and stored: ${idAt(0)} v2 latte uptown 450`),
  );
  expect(problems.join("\n")).toMatch(
    new RegExp(`1 orders refused and stored: ${idAt(1)} v2 latte uptown 451`),
  );
  expect(problems.join("\n")).toMatch(
    new RegExp(
      `1 orders stored with another body: ${idAt(2)} .* 452 cents .* instead of latte uptown 1 cents`,
    ),
  );
});

test("accepts any of the bodies that were sent under one id, and no other time than the one sent", async () => {
  const others = openLedger();
  const late = "2020-01-01T00:00:00.000Z";
  for (const { id, body } of ledger.entries()) {
    others.add({ id, ...body, timestamp: late }, 0, [body]);
    others.record(id, "acknowledged");
  }
  expect(await auditNow(others)).toMatchObject(NONE);
  const wrong = ledgerWith(({ body, ...entry }) => ({ ...entry, body: { ...body, timestamp: late } }));
  expect((await auditNow(wrong)).problems).toEqual([
    expect.stringMatching(/^40 orders stored with another body: .* and 37 more$/),
  ]);
});

test("finds orders of another mode", async () => {
  const { problems } = await auditNow(ledger, { mode: "v1", dashboards: [] });
  expect(problems).toEqual([expect.stringMatching(/^40 orders stored with another body/)]);
});

test("finds a deleted order: it is lost, and rollups and dashboards are too high", async () => {
  await system.pool.query(`CREATE TABLE aside AS SELECT * FROM orders WHERE order_id = '${idAt(3)}'`);
  const { lost, countedTwice, problems } = await auditWith(
    `DELETE FROM orders WHERE order_id = '${idAt(3)}'`,
    "INSERT INTO orders SELECT * FROM aside; DROP TABLE aside",
  );
  expect([lost, countedTwice]).toEqual([1, 1]);
  expect(problems.join("\n")).toMatch(/the board differs from the orders: orders 40 instead of 39, /);
  expect(problems.join("\n")).toMatch(/a new WebSocket differs from the orders: /);
});

test("finds an order that is counted twice", async () => {
  const raise = (by: number): string =>
    `UPDATE rollup_hour SET orders = orders + ${by} WHERE ctid = (SELECT min(ctid) FROM rollup_hour)`;
  const { countedTwice, problems } = await auditWith(raise(1), raise(-1));
  expect(countedTwice).toBe(1);
  expect(problems.join()).toMatch(/1 rollup rows differ from the orders: rollup_hour .* instead of 40 for/);
});

test("finds one cent too much", async () => {
  const raise = (by: number): string => `UPDATE rollup_day SET revenue_cents = revenue_cents + ${by}`;
  const { problems } = await auditWith(raise(1), raise(-1));
  expect(problems.join()).toMatch(/rollup rows differ from the orders: rollup_day/);
});

test("finds dead letters and conflicts that are missing or unexpected", async () => {
  const { problems } = await auditNow(ledger, { deadLetters: 2, conflicts: 1 });
  expect(problems).toEqual(["0 dead letters and 0 conflicts instead of 2 and 1"]);
});

test("reports a dashboard that cannot be read", async () => {
  const read = () => Promise.reject(new Error("connection refused"));
  const { problems } = await auditNow(ledger, { dashboards: [{ name: "the board", read }] });
  expect(problems).toEqual(["the board differs from the orders: connection refused"]);
});

test("compares totals with what was sent since, for a generator that knows no ids", async () => {
  const all = await totalsOf(system.pool, "v2");
  const cents = ledger.entries().reduce((sum, { body }) => sum + body.cents, 0);
  expect(totalsProblems(null, all, { orders: ORDERS, cents })).toEqual([]);
  expect(totalsProblems(all, all, { orders: 0, cents: 0 })).toEqual([]);
  expect(totalsProblems(null, all, { orders: ORDERS, cents: cents - 1 })).toContain(
    `cents of rollup_day: ${cents} instead of ${cents - 1}`,
  );
});

test("reports the clients' side alone for a route that stores nothing", () => {
  expect(unaudited(ledger)).toMatchObject({ acknowledged: ORDERS, stored: 0, ...NONE });
});
