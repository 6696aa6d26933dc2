import { once } from "node:events";
import { connect } from "node:net";
import { v7 as newOrderId } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { atLast, until } from "../../test/fresh.ts";
import { type System, startSystem } from "../../test/system.ts";

let system: System;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system.close());

const latte = { drink: "latte", store: "uptown", price: 4.5 };
const post = (mode: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${system.url}/api/${mode}/order`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
const metric = async (name: string): Promise<string> => {
  const text = await (await fetch(`${system.url}/metrics`)).text();
  return text.split("\n").find((line) => line.startsWith(name)) ?? "";
};

describe.each([
  { mode: "v1", code: 201, status: "stored" },
  { mode: "v2", code: 202, status: "queued" },
  { mode: "v3", code: 202, status: "queued" },
])("$mode", ({ mode, code, status }) => {
  test("answers an order in one shape, with the location of the order", async () => {
    const response = await post(mode, { ...latte, timestamp: "2026-11-20T10:00:00+01:00" });
    expect(response.status).toBe(code);
    const reply = (await response.json()) as { id: string };
    expect(reply).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{14}7[0-9a-f-]{21}$/),
      mode,
      status,
      drink: "latte",
      store: "uptown",
      price: 4.5,
      timestamp: "2026-11-20T09:00:00.000Z",
    });
    expect(response.headers.get("location")).toBe(`/api/orders/${reply.id}`);
  });

  test("takes the price as a decimal string, and now for a missing timestamp", async () => {
    const response = await post(mode, { ...latte, price: "4.05" });
    const reply = (await response.json()) as { price: number; timestamp: string };
    expect(reply.price).toBe(4.05);
    expect(Math.abs(Date.parse(reply.timestamp) - Date.now())).toBeLessThan(10_000);
  });

  test("the Idempotency-Key is the order's id, and the same key is the same order", async () => {
    const key = newOrderId();
    const first = await post(mode, latte, { "idempotency-key": key.toUpperCase() });
    expect(first.status).toBe(code);
    expect(((await first.json()) as { id: string }).id).toBe(key);
    const again = await post(mode, latte, { "idempotency-key": key });
    expect(again.status).toBe(mode === "v1" ? 200 : code);
    expect(again.headers.get("idempotency-replayed")).toBe(mode === "v1" ? "true" : null);
    await until("it is counted", async () => {
      const { rows } = await system.pool.query("SELECT 1 FROM orders WHERE order_id = $1", [key]);
      return rows.length === 1;
    });
  });

  test.each([
    { wrong: "an unknown drink", body: { ...latte, drink: "soup" }, field: "drink" },
    { wrong: "an unknown store", body: { ...latte, store: "moon" }, field: "store" },
    { wrong: "three decimals", body: { ...latte, price: 4.555 }, field: "price" },
    { wrong: "a free drink", body: { ...latte, price: 0 }, field: "price" },
    { wrong: "a price as text that is none", body: { ...latte, price: "four" }, field: "price" },
    { wrong: "a number where a text belongs", body: { ...latte, drink: 5 }, field: "drink" },
    { wrong: "a missing store", body: { drink: "latte", price: 4.5 }, field: "store" },
    { wrong: "a member that is none", body: { ...latte, timestmap: "x" }, field: "timestmap" },
    { wrong: "no calendar date", body: { ...latte, timestamp: "2026-02-30T10:00:00Z" }, field: "timestamp" },
    {
      wrong: "a year ago and more",
      body: { ...latte, timestamp: "2024-01-01T10:00:00Z" },
      field: "timestamp",
    },
    { wrong: "the far future", body: { ...latte, timestamp: "2099-01-01T10:00:00Z" }, field: "timestamp" },
    { wrong: "no object", body: [latte], field: "body" },
  ])("names the field for $wrong", async ({ body, field }) => {
    const response = await post(mode, body);
    expect(response.status).toBe(422);
    expect(response.headers.get("content-type")).toContain("application/problem+json");
    const problem = (await response.json()) as { errors: { field: string; message: string }[] };
    expect(problem).toMatchObject({ type: "invalid", status: 422 });
    expect(problem.errors.map((error) => error.field)).toEqual([field]);
    expect(problem.errors[0]?.message).not.toBe("");
  });

  test("tells everything that is wrong at once", async () => {
    const response = await post(
      mode,
      { drink: "soup", store: "moon", price: 0.001 },
      { "idempotency-key": "7" },
    );
    const { errors } = (await response.json()) as { errors: { field: string }[] };
    expect(errors.map((error) => error.field)).toEqual(["Idempotency-Key", "drink", "store", "price"]);
  });

  test("answers what is no order with the status that says why", async () => {
    expect((await post(mode, "{")).status).toBe(400);
    expect((await post(mode, "")).status).toBe(400);
    expect((await post(mode, "latte", { "content-type": "text/plain" })).status).toBe(415);
    expect((await post(mode, { ...latte, drink: "x".repeat(100_000) })).status).toBe(413);
    for (const bad of [
      "not-a-key",
      "01890000-0000-4000-8000-000000000000",
      "01890000-0000-7000-8000-000000000000",
    ])
      expect((await post(mode, latte, { "idempotency-key": bad })).status).toBe(422);
  });
});

test("one key with another body is refused by v1, which can see it", async () => {
  const key = newOrderId();
  await post("v1", latte, { "idempotency-key": key });
  const response = await post("v1", { ...latte, price: 4.6 }, { "idempotency-key": key });
  expect(response.status).toBe(422);
  expect(await response.json()).toMatchObject({
    type: "key-conflict",
    errors: [{ field: "Idempotency-Key" }],
  });
});

test("fifty clients with one key at once make one order, and one of them made it", async () => {
  const key = newOrderId();
  const responses = await Promise.all(
    Array.from({ length: 50 }, () => atLast(() => post("v1", latte, { "idempotency-key": key }))),
  );
  expect(responses.filter((response) => response.status === 201)).toHaveLength(1);
  expect(responses.filter((response) => response.status === 200)).toHaveLength(49);
});

test("paths and methods that are none are problems too", async () => {
  for (const [method, path] of [
    ["GET", "/nothing"],
    ["DELETE", "/api/v1/order"],
    ["POST", "/api/v9/order"],
  ] as const) {
    const response = await fetch(system.url + path, { method });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ type: "not-found", status: 404 });
  }
});

test("what HTTP itself refuses is a problem too", async () => {
  const response = await fetch(`${system.url}/%zz`);
  expect(response.status).toBe(400);
  expect(response.headers.get("content-type")).toContain("application/problem+json");
  const { hostname, port } = new URL(system.url);
  const socket = connect(Number(port), hostname);
  socket.end("this is no request\r\n\r\n");
  const [answer] = (await once(socket.setEncoding("utf8"), "data")) as [string];
  expect(answer).toMatch(/^HTTP\/1.1 400 .*application\/problem\+json.*"type":"bad-request"/s);
});

test("every refusal is counted by its reason, and every replay", async () => {
  const key = newOrderId();
  await post("v1", latte, { "idempotency-key": key });
  const before = await Promise.all([...REFUSALS, REPLAYS].map(numberOf));
  await post("v1", { ...latte, price: -1 });
  await post("v1", "{");
  await post("v1", "latte", { "content-type": "text/plain" });
  await post("v1", { ...latte, drink: "x".repeat(100_000) });
  await post("v1", { ...latte, price: 9 }, { "idempotency-key": key });
  await post("v1", latte, { "idempotency-key": key });
  const after = await Promise.all([...REFUSALS, REPLAYS].map(numberOf));
  expect(after.map((count, index) => count - (before[index] ?? 0))).toEqual([1, 1, 1, 1, 1, 1]);
});

const REFUSALS = ["invalid", "malformed", "media_type", "too_large", "conflict"].map(
  (reason) => `coffee_orders_rejected_total{mode="v1",reason="${reason}"}`,
);
const REPLAYS = 'coffee_orders_duplicate_total{mode="v1"}';
const numberOf = async (name: string): Promise<number> => Number((await metric(name)).split(" ").at(-1) || 0);

test("the metrics of the earlier system and of this one are there", async () => {
  await post("v2", latte);
  await post("v2", { ...latte, drink: "soup" });
  expect(
    await metric('http_requests_total{method="POST",endpoint="/api/v2/order",status_code="202"}'),
  ).not.toBe("");
  expect(
    await metric('http_request_duration_seconds_bucket{le="0.001",method="POST",endpoint="/api/v2/order"}'),
  ).not.toBe("");
  expect(await metric('orders_created_total{drink="latte",store="uptown",version="v2"}')).not.toBe("");
  expect(await metric('order_value_total{store="uptown"}')).not.toBe("");
  expect(await metric('coffee_orders_accepted_total{mode="v2"}')).not.toBe("");
  expect(await metric('coffee_orders_rejected_total{mode="v2",reason="invalid"}')).not.toBe("");
  expect(await metric('coffee_ingest_lag_orders{mode="v3"}')).not.toBe("");
  expect(await metric('coffee_ingest_oldest_pending_seconds{mode="v3"}')).not.toBe("");
  expect(await metric('coffee_ingest_ack_seconds_count{mode="v1"}')).not.toBe("");
});
