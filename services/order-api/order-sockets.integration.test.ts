import { once } from "node:events";
import { createConnection } from "node:net";
import { Value } from "typebox/value";
import { v7 as newOrderId } from "uuid";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { openOrderSocket } from "#shared/client/orders.ts";
import { ORDERS_PROTOCOL, type OrderResult, orderResults } from "#shared/wire/order-socket.ts";
import { metricOf } from "../../dev/system/programs.ts";
import { until } from "../../test/fresh.ts";
import { LATTE, postOrder, statusOf } from "../../test/requests.ts";
import { startSystem } from "../../test/system.ts";

const system = await startSystem({ env: { ALLOWED_ORIGINS: "*,https://shop.example" } });
afterAll(system.close);

const latte = (more: object = {}) => ({ id: newOrderId(), ...LATTE, ...more });

/** Sends texts as they are, and keeps the results. */
const connect = async (mode: string) => {
  const socket = new WebSocket(`${system.url.replace("http", "ws")}/ws/orders/${mode}`);
  onTestFinished(() => socket.terminate());
  const results: OrderResult[] = [];
  socket.on("message", (data) => {
    const frame: unknown = JSON.parse(String(data));
    expect(Value.Errors(orderResults, frame)).toEqual([]);
    results.push(...(frame as OrderResult[]));
  });
  await once(socket, "open");
  const exchange = async (...texts: (string | Buffer)[]): Promise<readonly OrderResult[]> => {
    const before = results.length;
    for (const text of texts) socket.send(text);
    await until("every frame has a result", () => results.length >= before + texts.length);
    return results.slice(before);
  };
  return { socket, exchange };
};
const problemIn = (result: OrderResult | undefined) =>
  result && "problem" in result ? result.problem : null;

describe.each([
  { mode: "v1", status: "stored" },
  { mode: "v2", status: "queued" },
  { mode: "v3", status: "queued" },
])("$mode", ({ mode, status }) => {
  test("accepts orders by their ids, which are then counted", async () => {
    const orders = Array.from({ length: 300 }, () => latte());
    const { exchange } = await connect(mode);
    const results = await exchange(...orders.map((order) => JSON.stringify(order)));
    expect(new Set(results.map(({ id }) => id))).toEqual(new Set(orders.map(({ id }) => id)));
    for (const result of results) expect(result).toEqual({ id: result.id, status });
    for (const { id } of [orders[0], orders[299]] as { id: string }[])
      await until("it is counted", async () => (await statusOf(system.url, id)).status === "counted");
  });

  test("rejects what POST rejects, with the same problem, and accepts valid orders of the same moment", async () => {
    const wrong = [
      { ...LATTE, drink: "soup" },
      { ...LATTE, price: 4.555 },
      { drink: "latte", price: 4.5 },
      { ...LATTE, timestmap: "x" },
      { ...LATTE, timestamp: "2024-01-01T10:00:00Z" },
      { drink: "soup", store: "moon", price: 0 },
    ];
    const { exchange } = await connect(mode);
    const sent = wrong.map((body) => ({ id: newOrderId(), ...body }));
    const good = latte();
    const results = await exchange(...[...sent, good].map((order) => JSON.stringify(order)));
    for (const [index, body] of wrong.entries()) {
      const response = await postOrder(system.url, mode, body);
      const result = results.find(({ id }) => id === sent[index]?.id);
      expect(problemIn(result)).toEqual(await response.json());
      expect(result).not.toHaveProperty("retry_after_seconds");
    }
    expect(results).toContainEqual({ id: good.id, status });
  });
});

test("answers frames without a usable id too, and goes on", async () => {
  const { exchange } = await connect("v2");
  const old = "01800000-0000-7000-8000-000000000000";
  const errorsFor = async (text: string | Buffer) => {
    const [result] = await exchange(text);
    return { id: result?.id, fields: problemIn(result)?.errors?.map(({ field }) => field) };
  };
  expect(await errorsFor("not JSON")).toEqual({ id: null, fields: ["body"] });
  expect(await errorsFor("[]")).toEqual({ id: null, fields: ["body"] });
  expect(await errorsFor("null")).toEqual({ id: null, fields: ["body"] });
  expect(await errorsFor(JSON.stringify(LATTE))).toEqual({ id: null, fields: ["id"] });
  expect(await errorsFor(JSON.stringify({ ...LATTE, id: 7 }))).toEqual({ id: null, fields: ["id"] });
  expect(await errorsFor(JSON.stringify({ ...LATTE, id: "7" }))).toEqual({ id: "7", fields: ["id"] });
  expect(await errorsFor(JSON.stringify({ ...LATTE, id: old }))).toEqual({ id: old, fields: ["id"] });
  const long = "7".repeat(100);
  expect(await errorsFor(JSON.stringify({ ...LATTE, id: long }))).toEqual({ id: null, fields: ["id"] });
  const order = latte();
  expect(await exchange(Buffer.from(JSON.stringify(order)))).toEqual([{ id: order.id, status: "queued" }]);
});

test("an id is a key: the same order is replayed, another body is a conflict", async () => {
  const { exchange } = await connect("v1");
  const order = latte({ id: newOrderId().toUpperCase() });
  expect(await exchange(JSON.stringify(order))).toEqual([{ id: order.id, status: "stored" }]);
  expect(await exchange(JSON.stringify(order))).toEqual([{ id: order.id, status: "stored", replayed: true }]);
  const [conflict] = await exchange(JSON.stringify({ ...order, price: 5 }));
  expect(conflict).toMatchObject({
    id: order.id,
    problem: { type: "key-conflict", errors: [{ field: "id" }] },
  });
  const response = await postOrder(system.url, "v1", LATTE, { "idempotency-key": order.id });
  expect(response.headers.get("idempotency-replayed")).toBe("true");
});

test("counts its orders in the metrics of orders", async () => {
  const accepted = () => metricOf(system.url, 'coffee_orders_accepted_total{mode="v3"}');
  const invalid = () => metricOf(system.url, 'coffee_orders_rejected_total{mode="v3",reason="invalid"}');
  const before = { accepted: await accepted(), invalid: await invalid() };
  const { exchange } = await connect("v3");
  await exchange(JSON.stringify(latte()), JSON.stringify(latte({ drink: "soup" })), JSON.stringify(latte()));
  expect(await accepted()).toBe(before.accepted + 2);
  expect(await invalid()).toBe(before.invalid + 1);
});

test("a frame over 4 KiB closes the connection", async () => {
  const { socket } = await connect("v2");
  socket.send(JSON.stringify(latte({ drink: "x".repeat(5_000) })));
  expect((await once(socket, "close"))[0]).toBe(1009);
});

test("a client that sends without reading is held back, and then gets every result", async () => {
  const { socket, exchange } = await connect("v2");
  const orders = Array.from({ length: 20_000 }, () => JSON.stringify(latte()));
  const results = await exchange(...orders);
  expect(new Set(results.map(({ id }) => id)).size).toBe(orders.length);
  expect(socket.readyState).toBe(socket.OPEN);
});

test("is a WebSocket alone, of enabled modes", async () => {
  const plain = await fetch(`${system.url}/ws/orders/v2`);
  expect(plain.status).toBe(426);
  expect(await plain.json()).toMatchObject({ detail: expect.stringContaining("POST /api/v2/order") });
  expect((await fetch(`${system.url}/ws/orders/v9`)).status).toBe(404);
});

test("opens for pages that are named, where any page may read", async () => {
  const statusFor = (path: string, origin: string): Promise<number> =>
    new Promise((resolve) => {
      const socket = new WebSocket(system.url.replace("http", "ws") + path, [], { headers: { origin } });
      socket.on("error", () => undefined);
      socket.once("open", () => {
        resolve(101);
        socket.terminate();
      });
      socket.once("unexpected-response", (_request, { statusCode = 0 }) => resolve(statusCode));
    });
  expect(await statusFor("/ws/dashboard", "https://evil.example")).toBe(101);
  expect(await statusFor("/ws/orders/v2", "https://evil.example")).toBe(403);
  for (const origin of [system.url, "https://shop.example"])
    expect(await statusFor("/ws/orders/v2", origin)).toBe(101);
});

test("an upgrade that is rejected ends its connection", async () => {
  const { hostname, port } = new URL(system.url);
  const socket = createConnection(Number(port), hostname).setEncoding("utf8");
  const lines = ["GET /ws/orders/v9 HTTP/1.1", "Host: coffee", "Upgrade: websocket", "Connection: Upgrade"];
  const key = ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="];
  socket.write([...lines, ...key, "", ""].join("\r\n"));
  let reply = "";
  for await (const text of socket) reply += text;
  expect(reply).toMatch(/^HTTP\/1.1 404 [\s\S]*connection: close/i);
});

test("the client of shared/client resolves each order with its result", async () => {
  const client = await openOrderSocket({ url: system.url, mode: "v2" });
  const [good, wrong] = [latte(), latte({ store: "moon" })];
  const [first, second] = await Promise.all([client.send(good), client.send(wrong)]);
  expect(first).toEqual({ id: good.id, status: "queued" });
  expect(second).toMatchObject({ id: wrong.id, problem: { type: "invalid" } });
  const twice = latte();
  for (const result of await Promise.all([client.send(twice), client.send(twice)]))
    expect(result).toEqual({ id: twice.id, status: "queued" });
  client.close();
  expect(await client.closed).toMatchObject({ code: 1005 });
  await expect(client.send(latte())).rejects.toThrow("ended");
  await expect(openOrderSocket({ url: system.url, mode: "v9" })).rejects.toThrow("/ws/orders/v9");
});

test("chooses its subprotocol when it is offered", async () => {
  const socket = new WebSocket(`${system.url.replace("http", "ws")}/ws/orders/v2`, [
    "other",
    ORDERS_PROTOCOL,
  ]);
  await once(socket, "open");
  expect(socket.protocol).toBe(ORDERS_PROTOCOL);
  socket.terminate();
});
