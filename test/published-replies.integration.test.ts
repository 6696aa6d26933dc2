/** Replies of a real API, WebSocket frames and queued messages conform to the published documents. */
import { Redis } from "ioredis";
import { v7 as newOrderId } from "uuid";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { whileHeld } from "#shared/store/store.fixture.ts";
import type { Setup } from "#shared/wire/operations.ts";
import { until } from "./fresh.ts";
import { committed, faults, type OpenApi, type Schema } from "./published-document.ts";
import { LATTE as latte } from "./requests.ts";
import { type System, startSystem } from "./system.ts";

const openApi = committed<OpenApi>("docs/openapi.json");
const asyncApi = committed<{
  channels: Record<string, { messages: Record<string, { payload: Schema }> }>;
}>("docs/asyncapi.json");

let system: System;
let withoutWorkers: System;
beforeAll(async () => {
  [system, withoutWorkers] = await Promise.all([
    startSystem(),
    startSystem({ modes: ["v2"], workers: false, env: { MAX_LAG_ORDERS: "5" } }),
  ]);
});
afterAll(() => Promise.all([system.close(), withoutWorkers.close()]));

const asJson = { "content-type": "application/json" };

/** Sends a request, and verifies status, headers, type and body of the reply against the document. */
const ask = async (
  method: "GET" | "POST",
  url: string,
  { body, headers = {}, of = system }: { body?: unknown; headers?: Record<string, string>; of?: System } = {},
): Promise<{ status: number; type: string; body: Record<string, unknown> }> => {
  const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  const response = await fetch(of.url + url, { method, headers, ...(text !== undefined && { body: text }) });
  const path = url.split("?")[0] ?? "";
  const where = `${method} ${path} ${response.status}`;
  const described = openApi.paths[path]?.[method.toLowerCase()]?.responses[response.status];
  if (!described) return expect.fail(`${where} is not in the document`);
  for (const [name, { required, schema }] of Object.entries(described.headers ?? {})) {
    const value = response.headers.get(name);
    if (value !== null || required)
      expect([where, name, faults(openApi, schema, value)]).toEqual([where, name, []]);
  }
  const received = await response.text();
  if (!described.content) {
    expect([where, received]).toEqual([where, ""]);
    return { status: response.status, type: "", body: {} };
  }
  const type = response.headers.get("content-type")?.split(";")[0] ?? "";
  expect([where, Object.keys(described.content)]).toEqual([where, expect.arrayContaining([type])]);
  const value = type.endsWith("json") ? JSON.parse(received) : received;
  expect([where, faults(openApi, described.content[type]?.schema ?? {}, value)]).toEqual([where, []]);
  return { status: response.status, type: String((value as { type?: unknown }).type), body: value };
};

const order = (mode: string, body: unknown, headers: Record<string, string> = asJson, of = system) =>
  ask("POST", `/api/${mode}/order`, { body, headers, of });

test.each(["v1", "v2", "v3"])(
  "%s accepts an order, and rejects every kind of invalid request",
  async (mode) => {
    expect((await order(mode, latte)).status).toBe(mode === "v1" ? 201 : 202);
    const key = (value: string) => order(mode, latte, { ...asJson, "idempotency-key": value });
    const rejections = [
      [await order(mode, "{"), 400, "malformed"],
      [await order(mode, ""), 400, "malformed"],
      [await order(mode, { ...latte, drink: "x".repeat(70_000) }), 413, "too-large"],
      [await order(mode, "latte", { "content-type": "text/plain" }), 415, "unsupported-media-type"],
      [await order(mode, { ...latte, drink: "soup" }), 422, "invalid"],
      [await key("not-a-key"), 422, "invalid"],
      [await key("01890000-0000-4000-8000-000000000000"), 422, "invalid"],
      [await key("01890000-0000-7000-8000-000000000000"), 422, "invalid"],
    ] as const;
    for (const [reply, status, type] of rejections)
      expect([reply.status, reply.type]).toEqual([status, type]);
  },
);

test("v1 replays a key with the same body, and rejects it with another one", async () => {
  const headers = { ...asJson, "idempotency-key": newOrderId() };
  expect((await order("v1", latte, headers)).status).toBe(201);
  expect((await order("v1", latte, headers)).status).toBe(200);
  const other = await order("v1", { ...latte, price: 4.6 }, headers);
  expect([other.status, other.type]).toEqual([422, "key-conflict"]);
});

test("rejects orders of a disabled mode, above the lag limit, and without the backend", async () => {
  const of = withoutWorkers;
  const disabled = await order("v1", latte, asJson, of);
  expect([disabled.status, disabled.type]).toEqual([404, "not-found"]);
  await until("the lag bound is reached", async () => (await order("v2", latte, asJson, of)).type === "lag");
  await of.stream.kill();
  try {
    await until("orders are rejected", async () =>
      /^(backend-away|outcome-unknown|timeout)$/.test((await order("v2", latte, asJson, of)).type),
    );
    await until("it is not ready", async () => (await ask("GET", "/readyz", { of })).status === 503);
    // it is alive, and the documents can be read, while every mode is down
    for (const path of ["/livez", "/openapi.json", "/asyncapi.json", "/docs/"])
      expect((await fetch(of.url + path)).status).toBe(200);
  } finally {
    await of.stream.start();
  }
});

test("returns dashboard, setup and sales: as JSON and CSV, unchanged, invalid and too slow", async () => {
  await until("something is counted", async () => {
    const { body } = await ask("GET", "/api/dashboard");
    return body["current_hour"] !== null;
  });
  expect((await ask("GET", "/api/dashboard?mode=v9")).type).toBe("invalid");
  const { modes, page_orders_per_second } = (await ask("GET", "/api/setup")).body as Setup;
  expect(modes.map(({ name, durability }) => [name, durability.length > 20])).toEqual([
    ["v1", true],
    ["v2", true],
    ["v3", true],
  ]);
  // the default
  expect(page_orders_per_second).toBe(0);
  const { rows } = (await ask("GET", "/api/sales?limit=1")).body as { rows: object[] };
  expect(rows).toHaveLength(1);
  expect((await ask("GET", "/api/sales?by=store", { headers: { accept: "text/csv" } })).status).toBe(200);
  expect((await ask("GET", "/api/sales", { headers: { "if-none-match": "*" } })).status).toBe(304);
  expect((await ask("GET", "/api/sales?bucket=week")).type).toBe("invalid");
  await whileHeld(system.pool, "LOCK rollup_hour IN ACCESS EXCLUSIVE MODE", async () => {
    const slow = await ask("GET", "/api/sales");
    expect([slow.status, slow.type]).toEqual([503, "too-slow"]);
  });
});

test("returns health and metrics", async () => {
  for (const path of ["/livez", "/readyz", "/metrics"]) expect((await ask("GET", path)).status).toBe(200);
});

/** Without what a document has of its server: examples of its present time, and the names of its catalogue. */
const withoutServer = (part: unknown): unknown => {
  if (typeof part !== "object" || part === null) return part;
  if (Array.isArray(part)) return part.map(withoutServer);
  const isName = "description" in part && /^a (drink|store) of the catalogue$/.test(String(part.description));
  const kept = Object.entries(part).filter(([name]) => name !== "examples" && !(isName && name === "enum"));
  return Object.fromEntries(kept.map(([name, value]) => [name, withoutServer(value)]));
};

test("serves these documents, and a page about them that loads nothing from elsewhere", async () => {
  const get = async (path: string): Promise<Response> => fetch(system.url + path);
  const served = (await (await get("/openapi.json")).json()) as OpenApi;
  expect(withoutServer(served)).toEqual(withoutServer(openApi));
  expect(served).not.toEqual(openApi);
  expect(await (await get("/asyncapi.json")).json()).toEqual(asyncApi);
  const few = await fetch(`${withoutWorkers.url}/openapi.json`);
  const { paths } = (await few.json()) as OpenApi;
  expect(Object.keys(paths).filter((path) => path.endsWith("/order"))).toEqual(["/api/v2/order"]);
  const redirect = await fetch(`${system.url}/docs`, { redirect: "manual" });
  expect([redirect.status, redirect.headers.get("location")]).toEqual([302, "docs/"]);
  const page = await get("/docs/");
  expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
  const html = await page.text();
  const files = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? "");
  expect(files.length).toBeGreaterThan(4);
  for (const file of files) {
    // relative: a proxy may serve the API below another path
    expect(file).toMatch(/^\.\//);
    expect([file, (await get(`/docs/${file}`)).status]).toEqual([file, 200]);
  }
  expect(await (await get("/docs/static/swagger-initializer.js")).text()).toContain("validatorUrl: null");
  const shown = (await (await get("/docs/json")).json()) as {
    servers: object[];
    info: { description: string };
  };
  expect(shown.servers).toEqual([{ url: ".." }]);
  const links = [...shown.info.description.matchAll(/\]\(([^)]+)\)/g)].map((match) => match[1] ?? "");
  expect(links).toEqual(["../asyncapi.json"]);
  for (const link of links) expect((await get(new URL(link, "http://x/docs/").pathname)).status).toBe(200);
});

const payloadOf = (channel: string, message: string): Schema =>
  asyncApi.channels[channel]?.messages[message]?.payload ?? expect.fail("a message");

test("a WebSocket frame and a stream entry conform to the AsyncAPI document", async () => {
  const socket = new WebSocket(`${system.url.replace("http", "ws")}/ws/dashboard?mode=v1`);
  const frame = await new Promise<string>((resolve, reject) => {
    socket.once("message", (data) => resolve(data.toString()));
    socket.once("error", reject);
  });
  socket.terminate();
  expect(faults(asyncApi, payloadOf("dashboard", "dashboard"), JSON.parse(frame))).toEqual([]);
  // accepted or rejected for the lag: the stream has an entry
  await order("v2", latte, asJson, withoutWorkers);
  const redis = new Redis(withoutWorkers.stream.url);
  try {
    const [entry] = await redis.xrange("coffee:orders", "-", "+", "COUNT", 1);
    const fields = entry?.[1] ?? expect.fail("an entry");
    const values = Object.fromEntries(
      fields.flatMap((name, index) => (index % 2 ? [] : [[name, fields[index + 1]]])),
    );
    expect(faults(asyncApi, payloadOf("stream", "entry"), values)).toEqual([]);
    for (const message of JSON.parse(values["orders"] ?? "[]"))
      expect(faults(asyncApi, payloadOf("topic", "record"), message)).toEqual([]);
  } finally {
    redis.disconnect();
  }
});
