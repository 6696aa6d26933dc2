/** What a real API answers, and what travels between the programs, against the published documents. */
import { Redis } from "ioredis";
import { v7 as newOrderId } from "uuid";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { Setup } from "#shared/wire/operations.ts";
import { until } from "./fresh.ts";
import { committed, faults, type OpenApi, type Schema } from "./published-document.ts";
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
}, 120_000);
afterAll(() => Promise.all([system.close(), withoutWorkers.close()]));

const latte = { drink: "latte", store: "uptown", price: 4.5 };
const asJson = { "content-type": "application/json" };

/** Asks, and expects the reply to be one that the document tells of: status, headers, type and body. */
const ask = async (
  method: "GET" | "POST",
  url: string,
  { body, headers = {}, of = system }: { body?: unknown; headers?: Record<string, string>; of?: System } = {},
): Promise<{ status: number; type: string; body: Record<string, unknown> }> => {
  const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  const response = await fetch(of.url + url, { method, headers, ...(text !== undefined && { body: text }) });
  const path = url.split("?")[0] ?? "";
  const where = `${method} ${path} ${response.status}`;
  const said = openApi.paths[path]?.[method.toLowerCase()]?.responses[response.status];
  if (!said) return expect.fail(`${where} is not in the document`);
  for (const [name, { required, schema }] of Object.entries(said.headers ?? {})) {
    const value = response.headers.get(name);
    if (value !== null || required)
      expect([where, name, faults(openApi, schema, value)]).toEqual([where, name, []]);
  }
  const received = await response.text();
  if (!said.content) {
    expect([where, received]).toEqual([where, ""]);
    return { status: response.status, type: "", body: {} };
  }
  const type = response.headers.get("content-type")?.split(";")[0] ?? "";
  expect([where, Object.keys(said.content)]).toEqual([where, expect.arrayContaining([type])]);
  const value = type.endsWith("json") ? JSON.parse(received) : received;
  expect([where, faults(openApi, said.content[type]?.schema ?? {}, value)]).toEqual([where, []]);
  return { status: response.status, type: String((value as { type?: unknown }).type), body: value };
};

const order = (mode: string, body: unknown, headers: Record<string, string> = asJson, of = system) =>
  ask("POST", `/api/${mode}/order`, { body, headers, of });

test.each(["v1", "v2", "v3"])(
  "orders by %s: taken, and refused in every way that can be provoked",
  async (mode) => {
    expect((await order(mode, latte)).status).toBe(mode === "v1" ? 201 : 202);
    const refusals = [
      [await order(mode, "{"), 400, "malformed"],
      [await order(mode, { ...latte, drink: "x".repeat(70_000) }), 413, "too-large"],
      [await order(mode, "latte", { "content-type": "text/plain" }), 415, "unsupported-media-type"],
      [await order(mode, { ...latte, drink: "soup" }), 422, "invalid"],
      [await order(mode, latte, { ...asJson, "idempotency-key": "7" }), 422, "invalid"],
    ] as const;
    for (const [reply, status, type] of refusals) expect([reply.status, reply.type]).toEqual([status, type]);
  },
);

test("the same key again, with the same body and with another", async () => {
  const headers = { ...asJson, "idempotency-key": newOrderId() };
  expect((await order("v1", latte, headers)).status).toBe(201);
  expect((await order("v1", latte, headers)).status).toBe(200);
  const other = await order("v1", { ...latte, price: 4.6 }, headers);
  expect([other.status, other.type]).toEqual([422, "key-conflict"]);
});

test("a mode that is not enabled, a queue that is full, a backend that is away", async () => {
  const of = withoutWorkers;
  const disabled = await order("v1", latte, asJson, of);
  expect([disabled.status, disabled.type]).toEqual([404, "not-found"]);
  await until("the lag bound is reached", async () => (await order("v2", latte, asJson, of)).type === "lag");
  await of.stream.kill();
  try {
    await until("the poll finds it away", async () =>
      /^(backend-away|outcome-unknown|timeout)$/.test((await order("v2", latte, asJson, of)).type),
    );
    await until("it is not ready", async () => (await ask("GET", "/readyz", { of })).status === 503);
    // to be read while every mode is down
    for (const path of ["/openapi.json", "/asyncapi.json", "/docs/"])
      expect((await fetch(of.url + path)).status).toBe(200);
  } finally {
    await of.stream.start();
  }
});

test("reading: the dashboard, and sales in both formats, unchanged, refused and too slow", async () => {
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
  // nobody said that the page may
  expect(page_orders_per_second).toBe(0);
  const { rows } = (await ask("GET", "/api/sales?limit=1")).body as { rows: object[] };
  expect(rows).toHaveLength(1);
  expect((await ask("GET", "/api/sales?by=store", { headers: { accept: "text/csv" } })).status).toBe(200);
  expect((await ask("GET", "/api/sales", { headers: { "if-none-match": "*" } })).status).toBe(304);
  expect((await ask("GET", "/api/sales?bucket=week")).type).toBe("invalid");
  const lock = await system.pool.connect();
  try {
    await lock.query(
      "SET idle_in_transaction_session_timeout = 0; BEGIN; LOCK rollup_hour IN ACCESS EXCLUSIVE MODE",
    );
    const slow = await ask("GET", "/api/sales");
    expect([slow.status, slow.type]).toEqual([503, "too-slow"]);
  } finally {
    await lock.query("ROLLBACK");
    lock.release(true);
  }
});

test("operations", async () => {
  for (const path of ["/livez", "/readyz", "/metrics"]) expect((await ask("GET", path)).status).toBe(200);
});

test("a running API with all modes serves these very documents, and a page that asks nobody else", async () => {
  const get = async (path: string): Promise<Response> => fetch(system.url + path);
  expect(await (await get("/openapi.json")).json()).toEqual(openApi);
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
    // relative: found also where a proxy serves the API under a path of its own
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

test("a frame of the WebSocket and an entry of the stream are as AsyncAPI says", async () => {
  const socket = new WebSocket(`${system.url.replace("http", "ws")}/ws/dashboard?mode=v1`);
  const frame = await new Promise<string>((resolve, reject) => {
    socket.once("message", (data) => resolve(data.toString()));
    socket.once("error", reject);
  });
  socket.terminate();
  expect(faults(asyncApi, payloadOf("dashboard", "dashboard"), JSON.parse(frame))).toEqual([]);
  // taken, or refused because others of before still wait: the stream holds an entry
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
