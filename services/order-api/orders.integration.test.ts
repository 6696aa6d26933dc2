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

test("answers an unknown path with 404, whatever the body", async () => {
  for (const [method, path] of [
    ["GET", "/nothing"],
    ["POST", "/api/v9/order"],
    ["PUT", "/api/v1/order/1"],
    ["OPTIONS", "/nothing"],
  ] as const) {
    const body = method === "GET" ? {} : { body: "{", headers: { "content-type": "application/json" } };
    const response = await fetch(system.url + path, { method, ...body });
    expect([path, response.status]).toEqual([path, 404]);
    expect(await response.json()).toMatchObject({ type: "not-found", status: 404 });
  }
});

describe("a wrong method", () => {
  const [reads, orders] = ["GET, HEAD, OPTIONS", "POST, OPTIONS"];
  test.each([
    ["/api/v1/order", orders, ["GET", "HEAD", "PUT", "DELETE", "PATCH", "PROPFIND", "TRACE", "QUERY"]],
    ["/api/v3/orders?x=1", orders, ["GET", "DELETE"]],
    ["/api/orders/019bc0a5-5c00-7000-8000-000000000001", reads, ["POST", "DELETE", "PUT"]],
    ["/api/dashboard", reads, ["POST", "PUT"]],
    ["/api/sales", reads, ["POST", "SEARCH"]],
    ["/api/setup", reads, ["POST"]],
    ["/ws/dashboard", reads, ["POST", "PUT"]],
    ["/metrics", reads, ["POST", "PUT"]],
    ["/livez", reads, ["POST"]],
    ["/readyz", reads, ["DELETE"]],
    ["/", reads, ["POST"]],
    ["/assets/page.js", reads, ["POST"]],
    ["/docs/", reads, ["POST"]],
    ["/docs/static/swagger-ui.css", reads, ["DELETE"]],
    ["/openapi.json", reads, ["POST"]],
  ])("of %s is answered 405 with those it has, before its body is read", async (path, allowed, methods) => {
    for (const method of methods) {
      const body = "Content-Type: application/json\r\nContent-Length: 1\r\n\r\n{";
      const reply = await exchange(`${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${body}`);
      expect([method, reply.split("\r\n", 1)]).toEqual([method, ["HTTP/1.1 405 Method Not Allowed"]]);
      expect(reply).toMatch(new RegExp(`^allow: ${allowed}\r$`, "m"));
      expect(reply.endsWith("\r\n\r\n")).toBe(method === "HEAD");
      if (method !== "HEAD") expect(reply).toContain('"type":"method-not-allowed"');
    }
    const options = await fetch(system.url + path, { method: "OPTIONS" });
    expect([options.status, options.headers.get("allow")]).toEqual([204, allowed]);
  });

  test("is none that all of the server has", async () => {
    expect(await exchange("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")).toMatch(
      /^HTTP\/1.1 204 .*allow: [^\r]*GET[^\r]*POST/s,
    );
  });

  test("HEAD is answered like GET, without a body", async () => {
    for (const path of ["/api/dashboard", "/api/setup", "/livez", "/metrics", "/openapi.json"]) {
      const head = await fetch(system.url + path, { method: "HEAD" });
      expect([path, head.status, await head.text()]).toEqual([path, 200, ""]);
    }
  });
});

test("answers a request for a WebSocket's path that is no handshake with 426", async () => {
  for (const [method, headers] of [
    ["GET", {}],
    ["HEAD", {}],
    ["GET", { origin: "https://evil.example" }],
  ] as const) {
    const response = await fetch(`${system.url}/ws/dashboard?mode=v9`, { method, headers });
    expect(response.status).toBe(426);
    expect(response.headers.get("upgrade")).toBe("websocket");
    if (method === "GET") expect(await response.json()).toMatchObject({ type: "upgrade-required" });
  }
  const other = "GET /ws/dashboard HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n";
  expect(await exchange(other)).toMatch(/^HTTP\/1\.1 426 /);
});

test("the location of an order begins with the path of the proxy, unless that is malformed", async () => {
  const locationFor = async (prefix: string): Promise<string | null> =>
    (await post("v1", latte, { "x-forwarded-prefix": prefix })).headers.get("location");
  expect(await locationFor("/coffee")).toMatch(/^\/coffee\/api\/orders\/[0-9a-f-]{36}$/);
  for (const prefix of ["//evil.example", "https://evil.example", "/../.."])
    expect(await locationFor(prefix)).toMatch(/^\/api\/orders\/[0-9a-f-]{36}$/);
});

test("answers a request that is not valid HTTP, or has too large headers, with a problem", async () => {
  expect(await exchange(`GET /livez HTTP/1.1\r\nx: ${"x".repeat(17_000)}\r\n\r\n`)).toMatch(
    /^HTTP\/1\.1 431 .*"type":"headers-too-large"/s,
  );
  const response = await fetch(`${system.url}/%zz`);
  expect(response.status).toBe(400);
  expect(response.headers.get("content-type")).toContain("application/problem+json");
  expect(await response.json()).toMatchObject({ type: "bad-request" });
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
