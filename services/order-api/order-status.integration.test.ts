import { v7 as newOrderId, v4 as randomId } from "uuid";
import { afterAll, expect, test } from "vitest";
import type { Order } from "#shared/domain/order.ts";
import { iso } from "#shared/domain/time.ts";
import { recordConflicts } from "#shared/store/count.ts";
import { storeLetter } from "#shared/store/dead-letters.ts";
import { countOrders, store, untilStoredCounted, whileHeld } from "#shared/store/store.fixture.ts";
import { encodeOrder, encodeOrders } from "#shared/wire/order-message.ts";
import { someOrders } from "../../test/fresh.ts";
import { promisedWithin } from "../../test/promised.ts";
import { startSystem } from "../../test/system.ts";

const system = await startSystem({ modes: ["v1"], workers: false });
afterAll(system.close);

const get = (id: string): Promise<Response> => fetch(`${system.url}/api/orders/${id}`);
const status = async ({ id }: Order): Promise<unknown> => (await get(id)).json();
const one = (seed: number): Order => someOrders(1, seed)[0] as Order;
const count = (order: Order, source: string) => countOrders(system.pool, [order], 0, source);
const shown = ({ id, drink, store: sold, priceCents, eventTimeMs }: Order) => ({
  ...{ id, drink, store: sold, price: priceCents / 100, timestamp: iso(eventTimeMs) },
});
const bury = (order: Order, reason: string, origin = "1-0"): Promise<void> =>
  storeLetter(system.pool, {
    source: "v2",
    origin,
    index: 0,
    payload: encodeOrder(order),
    reason,
    detail: `because of ${reason}`,
  });

test("an order of v1 is stored until it is counted, and keeps its figures", async () => {
  const order = one(1);
  await store(system.pool, [order]);
  expect(await status(order)).toEqual({ ...shown(order), mode: "v1", status: "stored", conflicts: 0 });
  await untilStoredCounted(system.pool);
  expect(await status(order)).toEqual({ ...shown(order), mode: "v1", status: "counted", conflicts: 0 });
});

test("returns orders of a mode that this API does not serve, by an id in either case", async () => {
  const order = one(2);
  await count(order, "v3");
  const response = await get(order.id.toUpperCase());
  expect(response.status).toBe(200);
  expect(response.headers.get("cache-control")).toBe("no-store");
  expect(await response.json()).toEqual({ ...shown(order), mode: "v3", status: "counted", conflicts: 0 });
});

test("returns the number of conflicting orders under its key", async () => {
  const order = one(3);
  await count(order, "v2");
  const losers = ["a", "b"].map((body) => ({ ...order, body }));
  await recordConflicts(system.pool, { source: "v2", messages: encodeOrders(losers) });
  expect(await status(order)).toEqual({ ...shown(order), mode: "v2", status: "counted", conflicts: 2 });
});

test("a dead order has the reason, of an open letter rather than a discarded one", async () => {
  const order = one(4);
  await bury(order, "23514");
  const dead = { id: order.id, mode: "v2", status: "dead" };
  const [first, second] = ["23514", "22003"].map((reason) => ({
    ...dead,
    reason,
    detail: `because of ${reason}`,
  }));
  expect(await status(order)).toEqual({ ...first, discarded: false });
  await system.pool.query("UPDATE dead_letters SET discarded_at = now() WHERE order_id = $1", [order.id]);
  expect(await status(order)).toEqual({ ...first, discarded: true });
  await bury(order, "22003", "2-0");
  expect(await status(order)).toEqual({ ...second, discarded: false });
});

test("an order that was a dead letter and is counted is counted", async () => {
  const order = one(5);
  await bury(order, "23514");
  await count(order, "v2");
  expect(await status(order)).toMatchObject({ status: "counted" });
});

test("ignores a letter that was replayed", async () => {
  const order = one(6);
  await bury(order, "23514");
  await system.pool.query("UPDATE dead_letters SET replayed_at = now() WHERE order_id = $1", [order.id]);
  expect((await get(order.id)).status).toBe(404);
});

test("returns 404 and Retry-After for an unknown order", async () => {
  const response = await get(newOrderId());
  expect(response.status).toBe(404);
  expect(response.headers.get("retry-after")).toBe("1");
  expect(response.headers.get("content-type")).toContain("application/problem+json");
  expect(await response.json()).toMatchObject({ type: "not-yet-visible-or-unknown", status: 404 });
});

test.each([randomId(), "17", "not-an-id", `${newOrderId()}0`])("returns 422 for the id %s", async (id) => {
  const response = await get(id);
  expect(response.status).toBe(422);
  expect(await response.json()).toMatchObject({
    type: "invalid",
    errors: [{ field: "id", message: "must be the UUIDv7 of an order" }],
  });
});

test("its metrics carry no id", async () => {
  await get(newOrderId());
  const text = await (await fetch(`${system.url}/metrics`)).text();
  expect(text).toContain('endpoint="/api/orders/:id"');
  expect(text).not.toMatch(/orders\/[0-9a-f]/);
});

test("returns 503 within 2 s while PostgreSQL does not answer", async () => {
  const response = await whileHeld(system.pool, "LOCK TABLE orders IN ACCESS EXCLUSIVE MODE", () =>
    promisedWithin(2_000, "503 without PostgreSQL", get(newOrderId())),
  );
  expect(response.status).toBe(503);
  expect(Number(response.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
  expect(await response.json()).toMatchObject({ type: "backend-away", status: 503 });
});
