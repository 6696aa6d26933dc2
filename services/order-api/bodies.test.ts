/** Bodies that arrive in their own way, and clients that go. */
import { connect } from "node:net";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { v7 as newOrderId } from "uuid";
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../../test/fresh.ts";
import { type System, startSystem } from "../../test/system.ts";

let system: System;
beforeAll(async () => {
  system = await startSystem({ modes: ["v1"] });
});
afterAll(() => system.close());

const latte = { drink: "latte", store: "uptown", price: 4.5 };
const LINES = "application/x-ndjson";

const post = (body: string | ReadableStream, type = "application/json"): Promise<Response> =>
  fetch(`${system.url}/api/v1/orders`, {
    method: "POST",
    headers: { "content-type": type },
    body,
    ...(typeof body !== "string" && { duplex: "half" }),
  });
type Reply = { ids: string[]; rejected: { index: number; field: string; reason: string }[] };
const replyOf = async (response: Response): Promise<Reply> => (await response.json()) as Reply;
const metric = async (start: string): Promise<number> => {
  const text = await (await fetch(`${system.url}/metrics`)).text();
  const line = text.split("\n").find((each) => each.startsWith(start));
  return Number(line?.split(" ").at(-1) ?? 0);
};

test("a line of many pieces takes no longer than it is long, and the type's case is no matter", async () => {
  const order = { ...latte, id: newOrderId() };
  const line = JSON.stringify({ ...order, padding: "x".repeat(20_000) }).replace('"padding":', '"store ":');
  const bytes = Buffer.from(`${JSON.stringify(order)}\n${line}`);
  const body = Readable.toWeb(Readable.from(Array.from(bytes, (byte) => Buffer.of(byte)))) as ReadableStream;
  const { ids, rejected } = await replyOf(await post(body, "Application/X-NDJSON"));
  expect(ids).toEqual([order.id]);
  expect(rejected).toEqual([{ index: 1, field: "store ", reason: "is not a member of this request" }]);
});

test("what has too many members is told so once, and of one order so many fields are named", async () => {
  const members = Object.fromEntries(Array.from({ length: 170 }, (_, index) => [`m${index}`, 1]));
  const { rejected } = await replyOf(await post(JSON.stringify(Array(300).fill(members))));
  expect(rejected).toHaveLength(300);
  expect(rejected[299]).toEqual({ index: 299, field: "body", reason: "has more than 20 members" });
  const single = await fetch(`${system.url}/api/v1/order`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(members),
  });
  expect(await single.json()).toMatchObject({ type: "invalid", errors: { length: 20 } });
});

test("a client that goes away half-way is no fault of the API", async () => {
  const { hostname, port } = new URL(system.url);
  const socket = connect(Number(port), hostname);
  const head = `POST /api/v1/orders HTTP/1.1\r\nhost: x\r\ncontent-type: ${LINES}\r\ncontent-length: 100\r\n\r\n`;
  const before = await metric('coffee_orders_rejected_total{mode="v1",reason="malformed"}');
  socket.write(`${head}{"drink"`);
  await sleep(100);
  socket.destroy();
  await until(
    "it is counted as malformed",
    async () => (await metric('coffee_orders_rejected_total{mode="v1",reason="malformed"}')) === before + 1,
  );
  expect(await metric('coffee_orders_rejected_total{mode="v1",reason="internal"}')).toBe(0);
});

test("a client that offers HTTP/2 is answered by HTTP/1.1", async () => {
  const { hostname, port } = new URL(system.url);
  const socket = connect(Number(port), hostname);
  const body = JSON.stringify(latte);
  const offer =
    "connection: Upgrade, HTTP2-Settings, close\r\nupgrade: h2c\r\nhttp2-settings: AAEAAEAAAAIAAAAA";
  socket.write(
    `POST /api/v1/order HTTP/1.1\r\nhost: x\r\n${offer}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  let received = "";
  socket.setEncoding("utf8").on("data", (text: string) => {
    received += text;
  });
  await until("an answer", () => received !== "");
  expect(received).toMatch(/^HTTP\/1\.1 201 /);
  socket.destroy();
});

test("a body without end is refused at the limit, long before it is all there", async () => {
  const { hostname, port } = new URL(system.url);
  const socket = connect(Number(port), hostname);
  const head = `POST /api/v1/orders HTTP/1.1\r\nhost: x\r\ncontent-type: ${LINES}\r\ntransfer-encoding: chunked\r\n\r\n`;
  socket.write(head);
  const lines = Buffer.from(`${JSON.stringify({ ...latte, id: newOrderId() })}\n`.repeat(500));
  const chunk = Buffer.concat([Buffer.from(`${lines.length.toString(16)}\r\n`), lines, Buffer.from("\r\n")]);
  let received = "";
  let chunks = 0;
  socket.setEncoding("utf8").on("data", (text: string) => {
    received += text;
  });
  await until("it is refused", () => {
    if (socket.writableLength === 0) {
      socket.write(chunk);
      chunks++;
    }
    return received.startsWith("HTTP/1.1 413");
  });
  expect(chunks).toBeLessThan(100);
  socket.destroy();
});
