import { afterAll, beforeAll, expect, test } from "vitest";
import { catalogue, until } from "../../../test/fresh.ts";
import { type System, startSystem } from "../../../test/system.ts";
import { orderId } from "../../k6/lib/ids.ts";
import { contentsOf } from "../../k6/lib/orders.ts";
import type { Summary } from "../../k6/lib/summary.ts";
import { claimOf } from "../generators/output.ts";
import { audit, type NotAcknowledged, unaudited } from "./audit.ts";

const REQUESTS = 20;
const SIZE = 5;
const ORDERS = REQUESTS * SIZE;
const scenario = { number: 1, iterations: REQUESTS, customers: "anybody", ordersPerIteration: SIZE };
const run = { run: 77, runStartMs: Date.now(), seed: 5 };
const summary = { ...run, startedAtMs: 0, scenarios: [scenario] } as unknown as Summary;
const stores = { stores: catalogue.stores, drinks: catalogue.drinks, probeStores: [] };
const claimed = (notAcknowledged: readonly NotAcknowledged[] = []) =>
  claimOf(summary, notAcknowledged, "v2", stores);

let system: System;
beforeAll(async () => {
  system = await startSystem({ modes: ["v2"] });
  const contentOf = contentsOf({ ...run, ...stores, scenario });
  const orders = Array.from({ length: ORDERS }, (_, place) => {
    const [iteration, item] = [Math.floor(place / SIZE), place % SIZE];
    const { drink, store, priceCents } = contentOf(iteration, item);
    const id = orderId(run.run, scenario.number, iteration, item, run.runStartMs);
    return { id, drink, store, price: priceCents / 100 };
  });
  const reply = await fetch(`${system.url}/api/v2/orders`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(orders),
  });
  expect(reply.status).toBe(202);
  await until("all are counted", async () => {
    const { rows } = await system.pool.query(
      "SELECT coalesce(sum(orders), 0)::int AS sum FROM rollup_minute",
    );
    return rows[0]?.sum === ORDERS;
  });
});
afterAll(() => system?.close());

const audited = (notAcknowledged: readonly NotAcknowledged[] = []) =>
  audit(system.pool, system.url, claimed(notAcknowledged));

/** What is done to the database is undone again. */
const spoiled = async (sql: string, undo: string): Promise<Awaited<ReturnType<typeof audited>>> => {
  await system.pool.query(sql);
  const found = await audited();
  await system.pool.query(undo);
  return found;
};

test("what was acknowledged, stored, counted and shown alike is no problem", async () => {
  expect(await audited()).toEqual({
    ...{ acknowledged: ORDERS, refused: 0, unknown: 0, stored: ORDERS, counted: ORDERS },
    ...{ lost: 0, countedTwice: 0, problems: [] },
  });
});

test("an order without a reply may be there or not, and a refused one must not", async () => {
  const one = { scenario: 1, iteration: 3, isSent: true, items: [0] };
  expect(await audited([{ ...one, outcome: "unknown" }])).toMatchObject({
    ...{ acknowledged: ORDERS - 1, unknown: 1, lost: 0, problems: [] },
  });
  const { problems } = await audited([{ ...one, outcome: "refused" }]);
  expect(problems).toEqual([expect.stringMatching(/^1 orders were refused and are stored, among them /)]);
  const unsent = await audited([{ ...one, outcome: "refused", isSent: false }]);
  expect(unsent).toMatchObject({ refused: 0, problems: [expect.stringContaining("are stored")] });
});

test("an order that is gone is lost, and its rollups are too high", async () => {
  await system.pool.query("CREATE TABLE aside AS SELECT * FROM orders LIMIT 1");
  const { lost, problems } = await spoiled(
    "DELETE FROM orders WHERE order_id IN (SELECT order_id FROM aside)",
    "INSERT INTO orders SELECT * FROM aside; DROP TABLE aside",
  );
  expect(lost).toBe(1);
  expect(problems[0]).toBe("1 orders were acknowledged and are not stored");
  expect(problems.join("\n")).toMatch(/rollup rows differ from their orders/);
}, 60_000);

test("an order that is counted twice shows in its rollup", async () => {
  const raise = (by: number): string =>
    `UPDATE rollup_hour SET orders = orders + ${by} WHERE ctid = (SELECT min(ctid) FROM rollup_hour)`;
  await system.pool.query(raise(1));
  const found = await audited();
  await system.pool.query(raise(-1));
  expect(found.countedTwice).toBe(1);
  expect(found.problems).toContain("1 rollup rows differ from their orders");
}, 60_000);

test("another content, and an id that nobody sent, are told apart", async () => {
  const changed = "(SELECT order_id FROM orders ORDER BY order_id LIMIT 1)";
  const { problems } = await spoiled(
    `UPDATE orders SET price_cents = price_cents + 1 WHERE order_id = ${changed};
     UPDATE orders SET order_id = (left(order_id::text, 34) || '99')::uuid WHERE order_id = (SELECT order_id FROM orders ORDER BY order_id DESC LIMIT 1)`,
    `UPDATE orders SET price_cents = price_cents - 1 WHERE order_id = ${changed}`,
  );
  expect(problems.join("\n")).toMatch(/1 orders were sent by nobody/);
  expect(problems.join("\n")).toMatch(/1 orders are stored with another content/);
}, 60_000);

test("of a route that keeps nothing there is only what clients were told", () => {
  expect(unaudited(claimed())).toMatchObject({ acknowledged: ORDERS, stored: 0, lost: 0, problems: [] });
});
