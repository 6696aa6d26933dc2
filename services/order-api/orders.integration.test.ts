import { once } from "node:events";
import { connect } from "node:net";
import { v7 as newOrderId } from "uuid";
import { afterAll, describe, expect, test } from "vitest";
import { metricOf } from "../../dev/system/programs.ts";
import { LATTE as latte, postOrder } from "../../test/requests.ts";
import { startSystem } from "../../test/system.ts";

const system = await startSystem();
afterAll(system.close);

const post = (mode: string, body: unknown, headers?: Record<string, string>): Promise<Response> =>
  postOrder(system.url, mode, body, headers);
/** Sends it in HTTP/1.1 as it is, and returns the start of the reply. */
const exchange = async (request: string): Promise<string> => {
  const { hostname, port } = new URL(system.url);
  const socket = connect(Number(port), hostname).setEncoding("utf8");
  socket.write(request);
  const [reply] = (await once(socket, "data")) as [string];
  socket.destroy();
  return reply;
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
    const sentMs = Date.now();
    const response = await post(mode, { ...latte, price: "4.05" });
    const reply = (await response.json()) as { price: number; timestamp: string };
    expect(reply.price).toBe(4.05);
    expect(Date.parse(reply.timestamp)).toBeGreaterThanOrEqual(sentMs);
    expect(Date.parse(reply.timestamp)).toBeLessThanOrEqual(Date.now());
  });

  test("uses the Idempotency-Key, in either case, as the order's id", async () => {
    const key = newOrderId();
    const response = await post(mode, latte, { "idempotency-key": key.toUpperCase() });
    expect(response.status).toBe(code);
    expect(((await response.json()) as { id: string }).id).toBe(key);
  });

  test.each([
    ["an unknown drink", { ...latte, drink: "soup" }, "drink"],
    ["an unknown store", { ...latte, store: "moon" }, "store"],
    ["three decimals", { ...latte, price: 4.555 }, "price"],
    ["a free drink", { ...latte, price: 0 }, "price"],
    ["a text that is not a price", { ...latte, price: "four" }, "price"],
    ["a number instead of a text", { ...latte, drink: 5 }, "drink"],
    ["a missing store", { drink: "latte", price: 4.5 }, "store"],
    ["an unknown member", { ...latte, timestmap: "x" }, "timestmap"],
    ["a date that does not exist", { ...latte, timestamp: "2026-02-30T10:00:00Z" }, "timestamp"],
    ["a time more than a year ago", { ...latte, timestamp: "2024-01-01T10:00:00Z" }, "timestamp"],
    ["a time in the far future", { ...latte, timestamp: "2099-01-01T10:00:00Z" }, "timestamp"],
    ["an array", [latte], "body"],
  ])("returns 422 and names the field for %s", async (_, body, field) => {
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
  expect(await exchange("this is no request\r\n\r\n")).toMatch(
    /^HTTP\/1.1 400 .*application\/problem\+json.*"type":"bad-request"/s,
  );
});

test("answers a client that offers HTTP/2 in HTTP/1.1", async () => {
  const body = JSON.stringify(latte);
  const headers = [
    ...["host: x", "connection: Upgrade, HTTP2-Settings, close", "upgrade: h2c"],
    ...["http2-settings: AAEAAEAAAAIAAAAA", "content-type: application/json"],
    `content-length: ${body.length}`,
  ].join("\r\n");
  const reply = await exchange(`POST /api/v1/order HTTP/1.1\r\n${headers}\r\n\r\n${body}`);
  expect(reply).toMatch(/^HTTP\/1\.1 201 /);
});

test("counts every rejection by its reason, and every replay", async () => {
  const rejected = (reason: string) => `coffee_orders_rejected_total{mode="v1",reason="${reason}"}`;
  const series = [
    ...["invalid", "malformed", "media_type", "too_large", "conflict"].map(rejected),
    'coffee_orders_duplicate_total{mode="v1"}',
  ];
  const read = (): Promise<number[]> => Promise.all(series.map((each) => metricOf(system.url, each)));
  const key = newOrderId();
  await post("v1", latte, { "idempotency-key": key });
  const before = await read();
  await post("v1", { ...latte, price: -1 });
  await post("v1", "{");
  await post("v1", "latte", { "content-type": "text/plain" });
  await post("v1", { ...latte, drink: "x".repeat(100_000) });
  await post("v1", { ...latte, price: 9 }, { "idempotency-key": key });
  await post("v1", latte, { "idempotency-key": key });
  const after = await read();
  expect(after.map((count, index) => count - (before[index] ?? 0))).toEqual([1, 1, 1, 1, 1, 1]);
});

test("exposes the metrics of the earlier system and its own", async () => {
  await post("v2", latte);
  await post("v2", { ...latte, drink: "soup" });
  const text = await (await fetch(`${system.url}/metrics`)).text();
  const lines = text.split("\n");
  for (const series of [
    'http_requests_total{method="POST",endpoint="/api/v2/order",status_code="202"}',
    'http_request_duration_seconds_bucket{le="0.001",method="POST",endpoint="/api/v2/order"}',
    'orders_created_total{drink="latte",store="uptown",version="v2"}',
    'order_value_total{store="uptown"}',
    'coffee_orders_accepted_total{mode="v2"}',
    'coffee_orders_rejected_total{mode="v2",reason="invalid"}',
    'coffee_ingest_lag_orders{mode="v3"}',
    'coffee_ingest_oldest_pending_seconds{mode="v3"}',
    'coffee_ingest_ack_seconds_count{mode="v1"}',
  ])
    expect(
      lines.filter((line) => line.startsWith(series)),
      series,
    ).toHaveLength(1);
});
