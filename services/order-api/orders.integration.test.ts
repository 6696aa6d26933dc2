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
  test("returns every order in the same shape, with its location", async () => {
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

  test("accepts the price as a decimal string, and sets a missing timestamp to now", async () => {
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
    { wrong: "a text that is not a price", body: { ...latte, price: "four" }, field: "price" },
    { wrong: "a number instead of a text", body: { ...latte, drink: 5 }, field: "drink" },
    { wrong: "a missing store", body: { drink: "latte", price: 4.5 }, field: "store" },
    { wrong: "an unknown member", body: { ...latte, timestmap: "x" }, field: "timestmap" },
    {
      wrong: "a date that does not exist",
      body: { ...latte, timestamp: "2026-02-30T10:00:00Z" },
      field: "timestamp",
    },
    {
      wrong: "more than a year ago",
      body: { ...latte, timestamp: "2024-01-01T10:00:00Z" },
      field: "timestamp",
    },
    { wrong: "the far future", body: { ...latte, timestamp: "2099-01-01T10:00:00Z" }, field: "timestamp" },
    { wrong: "an array", body: [latte], field: "body" },
  ])("names the field for $wrong", async ({ body, field }) => {
    const response = await post(mode, body);
    expect(response.status).toBe(422);
    expect(response.headers.get("content-type")).toContain("application/problem+json");
    const problem = (await response.json()) as { errors: { field: string; message: string }[] };
    expect(problem).toMatchObject({ type: "invalid", status: 422 });
    expect(problem.errors.map((error) => error.field)).toEqual([field]);
    expect(problem.errors[0]?.message).not.toBe("");
  });

  test("names all wrong fields at once", async () => {
    const response = await post(
      mode,
      { drink: "soup", store: "moon", price: 0.001 },
      { "idempotency-key": "7" },
    );
    const { errors } = (await response.json()) as { errors: { field: string }[] };
    expect(errors.map((error) => error.field)).toEqual(["Idempotency-Key", "drink", "store", "price"]);
  });

  test("answers 400, 413, 415 or 422 to a request that is not an order", async () => {
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

test("v1 rejects a key that belongs to an order with another body", async () => {
  const key = newOrderId();
  await post("v1", latte, { "idempotency-key": key });
  const response = await post("v1", { ...latte, price: 4.6 }, { "idempotency-key": key });
  expect(response.status).toBe(422);
  expect(await response.json()).toMatchObject({
    type: "key-conflict",
    errors: [{ field: "Idempotency-Key" }],
  });
});

test("of fifty concurrent requests with one key one creates the order, the others replay it", async () => {
  const key = newOrderId();
  const responses = await Promise.all(
    Array.from({ length: 50 }, () => atLast(() => post("v1", latte, { "idempotency-key": key }))),
  );
  expect(responses.filter((response) => response.status === 201)).toHaveLength(1);
  expect(responses.filter((response) => response.status === 200)).toHaveLength(49);
});

test("answers an unknown path or method with a problem", async () => {
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

test("answers a request that is not valid HTTP with a problem", async () => {
  const response = await fetch(`${system.url}/%zz`);
  expect(response.status).toBe(400);
  expect(response.headers.get("content-type")).toContain("application/problem+json");
  const { hostname, port } = new URL(system.url);
  const socket = connect(Number(port), hostname);
  socket.end("this is no request\r\n\r\n");
  const [answer] = (await once(socket.setEncoding("utf8"), "data")) as [string];
  expect(answer).toMatch(/^HTTP\/1.1 400 .*application\/problem\+json.*"type":"bad-request"/s);
});

test("a client that offers HTTP/2 is answered in HTTP/1.1", async () => {
  const { hostname, port } = new URL(system.url);
  const socket = connect(Number(port), hostname);
  const body = JSON.stringify(latte);
  const offer =
    "connection: Upgrade, HTTP2-Settings, close\r\nupgrade: h2c\r\nhttp2-settings: AAEAAEAAAAIAAAAA";
  socket.write(
    `POST /api/v1/order HTTP/1.1\r\nhost: x\r\n${offer}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  const [answer] = (await once(socket.setEncoding("utf8"), "data")) as [string];
  expect(answer).toMatch(/^HTTP\/1\.1 201 /);
  socket.destroy();
});

test("counts every rejection by its reason, and every replay", async () => {
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

test("exposes the metrics of the earlier system and its own", async () => {
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
