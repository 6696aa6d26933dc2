import { connect, type Socket } from "node:net";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { v7 as newOrderId } from "uuid";
import { afterAll, describe, expect, test } from "vitest";
import { numberOf } from "../../dev/system/database.ts";
import { metricOf } from "../../dev/system/programs.ts";
import { until } from "../../test/fresh.ts";
import { LATTE as latte, postOrder } from "../../test/requests.ts";
import { startSystem } from "../../test/system.ts";

const system = await startSystem();
afterAll(system.close);

const lattes = (count: number): object[] =>
  Array.from({ length: count }, () => ({ ...latte, id: newOrderId() }));
const idsOf = (orders: readonly object[]): string[] => orders.map((order) => (order as { id: string }).id);
const ndjson = (orders: readonly unknown[]): string =>
  orders.map((order) => JSON.stringify(order)).join("\n");
const LINES = "application/x-ndjson";

const post = (
  mode: string,
  body: string | Buffer | ReadableStream,
  type = "application/json",
): Promise<Response> =>
  fetch(`${system.url}/api/${mode}/orders`, {
    method: "POST",
    headers: { "content-type": type },
    body,
    ...(body instanceof ReadableStream && { duplex: "half" }),
  });
type Reply = {
  ids: string[];
  replayed: number;
  rejected: { index: number; field: string; reason: string }[];
  type?: string;
  detail?: string;
};
const replyOf = async (response: Response): Promise<Reply> => (await response.json()) as Reply;
const countedOf = (ids: readonly string[]): Promise<number> =>
  numberOf(system.pool, "SELECT count(*) FROM orders WHERE order_id = ANY($1::uuid[])", [ids]);
const metric = (series: string): Promise<number> => metricOf(system.url, series);

const FORMS: readonly [form: string, type: string, write: (orders: readonly unknown[]) => string][] = [
  ["a JSON array", "application/json", JSON.stringify],
  ["NDJSON", `${LINES}; charset=utf-8`, ndjson],
];

describe.each([
  { mode: "v1", code: 201 },
  { mode: "v2", code: 202 },
  { mode: "v3", code: 202 },
])("$mode", ({ mode, code }) => {
  test.each(FORMS)("accepts 1 000 orders as %s, and counts each once", async (_, type, write) => {
    const orders = lattes(1_000);
    const accepted = await metric(`coffee_orders_accepted_total{mode="${mode}"}`);
    const response = await post(mode, write(orders), type);
    expect(response.status).toBe(code);
    expect(await replyOf(response)).toEqual({ ids: idsOf(orders), replayed: 0, rejected: [] });
    expect(await metric(`coffee_orders_accepted_total{mode="${mode}"}`)).toBe(accepted + 1_000);
    const again = await replyOf(await post(mode, write(orders), type));
    expect(again).toEqual({ ids: idsOf(orders), replayed: mode === "v1" ? 1_000 : 0, rejected: [] });
    await until("all are counted", async () => (await countedOf(idsOf(orders))) === 1_000);
  });

  test("creates missing ids, and reads ids in either case", async () => {
    const id = newOrderId();
    const response = await post(mode, JSON.stringify([latte, { ...latte, id: id.toUpperCase() }, latte]));
    const { ids } = await replyOf(response);
    expect(ids).toHaveLength(3);
    expect(ids[1]).toBe(id);
    expect(new Set(ids).size).toBe(3);
    for (const each of ids) expect(each).toMatch(/^[0-9a-f-]{14}7[0-9a-f-]{21}$/);
    await until("all are counted", async () => (await countedOf(ids)) === 3);
  });

  test.each(FORMS)(
    "accepts the valid orders of %s and names the wrong fields of the others",
    async (...row) => {
      const [, type, write] = row;
      const old = "01890a5d-ac96-774b-bcce-b302099a8057";
      const orders = [
        latte,
        { ...latte, drink: "soup", price: 0 },
        { ...latte, price: "4.505" },
        { drink: "latte", price: 1 },
        { ...latte, id: "7" },
        { ...latte, id: old },
        { ...latte, timestamp: "2026-02-30T10:00:00Z" },
        null,
        { ...latte, tip: 1 },
        { ...latte, price: "3.00" },
      ];
      const response = await post(mode, write(orders), type);
      expect(response.status).toBe(code);
      const { ids, rejected } = await replyOf(response);
      expect(ids).toHaveLength(2);
      const fields = ["1 price", "2 price", "3 store", "4 id", "5 id", "6 timestamp", "7 body", "8 tip"];
      expect(rejected.map(({ index, field }) => `${index} ${field}`)).toEqual(fields);
      expect(rejected[3]?.reason).toBe("must be a UUIDv7 (RFC 9562)");
      expect(rejected[4]?.reason).toBe("must not be made more than 31 days ago");
      await until("the valid ones are counted", async () => (await countedOf(ids)) === 2);
    },
  );

  test("a line that is not JSON does not affect the others", async () => {
    const [first, last] = lattes(2);
    const body = `${JSON.stringify(first)}\r\n\n  \n{"drink":\n${JSON.stringify(last)}\n`;
    const { ids, rejected } = await replyOf(await post(mode, body, LINES));
    expect(ids).toEqual(idsOf([first ?? {}, last ?? {}]));
    expect(rejected).toEqual([{ index: 1, field: "body", reason: expect.stringMatching(/^is not JSON: /) }]);
  });

  test("answers 422 with the reasons when none is valid", async () => {
    const response = await post(mode, JSON.stringify([{ ...latte, drink: "soup" }, 5]));
    expect(response.status).toBe(422);
    expect(response.headers.get("content-type")).toContain("application/problem+json");
    const problem = await replyOf(response);
    expect(problem.type).toBe("invalid");
    expect(problem.rejected.map(({ index, field }) => `${index} ${field}`)).toEqual(["0 drink", "1 body"]);
  });

  test.each([
    ["[]", "application/json"],
    ["{}", "application/json"],
    [JSON.stringify({ orders: [latte] }), "application/json"],
    ["\n \n", LINES],
  ])("answers 422 to %j, which has no order", async (body, type) => {
    const response = await post(mode, body, type);
    expect(response.status).toBe(422);
    expect((await replyOf(response)).detail).toBe("body must be an array of orders, at least one");
  });

  test.each<[number, string, string | Buffer, string]>([
    [400, "an array cut short", '[{"drink":"latte"', "application/json"],
    [400, "bytes that are not UTF-8", Buffer.from([0x7b, 0xff, 0x7d]), LINES],
    [415, "a text", "latte", "text/plain"],
    [413, "1 001 orders", JSON.stringify(Array(1_001).fill(latte)), "application/json"],
    [413, "1 001 lines", ndjson(Array(1_001).fill(latte)), LINES],
    [413, "over a megabyte", `[${" ".repeat(1_048_576)}]`, "application/json"],
    [413, "a line over a megabyte", `[${" ".repeat(1_048_576)}]`, LINES],
  ])("answers %i to %s, and accepts nothing", async (status, _, body, type) => {
    const before = await metric(`coffee_orders_accepted_total{mode="${mode}"}`);
    const response = await post(mode, body, type);
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toContain("application/problem+json");
    expect(await metric(`coffee_orders_accepted_total{mode="${mode}"}`)).toBe(before);
  });

  test("one id with two bodies counts once; v1 rejects the second at once", async () => {
    const id = newOrderId();
    const orders = [{ ...latte, id }, latte, { ...latte, id, price: 9 }, { ...latte, id }];
    const { ids, replayed, rejected } = await replyOf(await post(mode, JSON.stringify(orders)));
    expect({ accepted: ids.length, replayed, rejected }).toEqual(
      mode === "v1"
        ? {
            accepted: 3,
            replayed: 1,
            rejected: [{ index: 2, field: "id", reason: "belongs to an order with another body" }],
          }
        : { accepted: 4, replayed: 0, rejected: [] },
    );
    await until("two are counted", async () => (await countedOf(ids)) === 2);
    expect(await numberOf(system.pool, "SELECT price_cents FROM orders WHERE order_id = $1", [id])).toBe(450);
  });
});

const byteByByte = (bytes: Buffer): ReadableStream =>
  Readable.toWeb(Readable.from(Array.from(bytes, (byte) => Buffer.of(byte)))) as ReadableStream;

test("reads lines of any length, however the body is split into packets", async () => {
  const orders = lattes(3).map((order, index) => ({ ...order, drink: ["latte", "mocha", "latte"][index] }));
  const lines = `${ndjson(orders)}\n`.replace("latte", "latt\\u0065");
  const long = JSON.stringify({ ...latte, "store ": "x".repeat(20_000) });
  const body = byteByByte(Buffer.from(`${lines}${long}`));
  const { ids, rejected } = await replyOf(await post("v1", body, "Application/X-NDJSON"));
  expect(ids).toEqual(idsOf(orders));
  expect(rejected).toEqual([{ index: 3, field: "store ", reason: "is not a member of this request" }]);
});

test("an order with too many members has one error, and an order's errors are limited", async () => {
  const members = Object.fromEntries(Array.from({ length: 170 }, (_, index) => [`m${index}`, 1]));
  const { rejected } = await replyOf(await post("v1", JSON.stringify(Array(300).fill(members))));
  expect(rejected).toHaveLength(300);
  expect(rejected[299]).toEqual({ index: 299, field: "body", reason: "has more than 20 members" });
  const single = await postOrder(system.url, "v1", members);
  expect(await single.json()).toMatchObject({ type: "invalid", errors: { length: 20 } });
});

/** A connection that has sent the head of a request with NDJSON. */
const startLines = (length: string): Socket => {
  const { hostname, port } = new URL(system.url);
  const socket = connect(Number(port), hostname).setEncoding("utf8");
  socket.write(`POST /api/v1/orders HTTP/1.1\r\nhost: x\r\ncontent-type: ${LINES}\r\n${length}\r\n\r\n`);
  return socket;
};

test("a client that disconnects half-way is not an error of the server", async () => {
  const before = await metric('coffee_orders_rejected_total{mode="v1",reason="malformed"}');
  const socket = startLines("content-length: 100");
  socket.write('{"drink"');
  await sleep(100);
  socket.destroy();
  await until(
    "it is counted as malformed",
    async () => (await metric('coffee_orders_rejected_total{mode="v1",reason="malformed"}')) === before + 1,
  );
  expect(await metric('coffee_orders_rejected_total{mode="v1",reason="internal"}')).toBe(0);
});

test("a body without end is rejected at the limit, long before all of it has arrived", async () => {
  const socket = startLines("transfer-encoding: chunked");
  const lines = Buffer.from(`${JSON.stringify({ ...latte, id: newOrderId() })}\n`.repeat(500));
  const chunk = Buffer.concat([Buffer.from(`${lines.length.toString(16)}\r\n`), lines, Buffer.from("\r\n")]);
  let received = "";
  let chunks = 0;
  socket.on("data", (text: string) => {
    received += text;
  });
  await until("it is rejected", () => {
    if (socket.writableLength === 0) {
      socket.write(chunk);
      chunks++;
    }
    return received.startsWith("HTTP/1.1 413");
  });
  expect(chunks).toBeLessThan(100);
  socket.destroy();
});
