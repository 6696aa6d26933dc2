/** Compressed bodies, and the media types of orders. */
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { metricOf } from "../../dev/system/programs.ts";
import { LATTE } from "../../test/requests.ts";
import { startSystem } from "../../test/system.ts";

const system = await startSystem({ modes: ["v1", "v2"], workers: false });
afterAll(system.close);

const send = (
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string>,
): Promise<Response> => fetch(system.url + path, { method: "POST", body, headers });
const JSON_TYPE = { "content-type": "application/json" };
const order = JSON.stringify(LATTE);
const lines = `${order}\n${order}\n`;

describe.each(["v1", "v2"])("%s takes", (mode) => {
  test.each([
    ["gzip", gzipSync],
    ["x-gzip", gzipSync],
    ["GZIP", gzipSync],
    ["deflate", deflateSync],
    ["br", brotliCompressSync],
    ["zstd", zstdCompressSync],
    ["identity", (text: string) => Buffer.from(text)],
  ] as const)("bodies in %s: one order, an array, and lines", async (encoding, compress) => {
    const compressed = (path: string, text: string, type: string): Promise<Response> =>
      send(`/api/${mode}/${path}`, new Uint8Array(compress(text)), {
        "content-type": type,
        "content-encoding": encoding,
      });
    expect((await compressed("order", order, "application/json")).ok).toBe(true);
    for (const [text, type] of [
      [`[${order},${order}]`, "application/json"],
      [lines, "application/x-ndjson"],
    ] as const) {
      const reply = (await (await compressed("orders", text, type)).json()) as { ids: string[] };
      expect(reply.ids).toHaveLength(2);
    }
  });
});

test("a body in several members of gzip is one body", async () => {
  const body = Buffer.concat([gzipSync(`${order}\n`), gzipSync(`${order}\n`)]);
  const response = await send("/api/v1/orders", new Uint8Array(body), {
    "content-type": "application/x-ndjson",
    "content-encoding": "gzip",
  });
  expect(((await response.json()) as { ids: string[] }).ids).toHaveLength(2);
});

/** Sent with chunked transfer encoding, so that its length is not known before. */
const chunked = (path: string, body: Uint8Array, headers: Record<string, string>): Promise<Response> =>
  fetch(system.url + path, {
    method: "POST",
    headers,
    body: new ReadableStream({
      start: (controller) => {
        controller.enqueue(body);
        controller.close();
      },
    }),
    duplex: "half",
  } as RequestInit);

test("a small body that would become a large one is answered 413, in both transfer codings", async () => {
  const bomb = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(gzipSync(text));
  const gzip = { "content-encoding": "gzip" };
  const cases = [
    ["/api/v1/order", bomb(`{"drink":"${" ".repeat(50_000_000)}"}`), { ...JSON_TYPE, ...gzip }],
    ["/api/v1/orders", bomb(`[${" ".repeat(50_000_000)}]`), { ...JSON_TYPE, ...gzip }],
    ["/api/v1/orders", bomb("\n".repeat(50_000_000)), { "content-type": "application/x-ndjson", ...gzip }],
  ] as const;
  const before = await metricOf(system.url, 'coffee_orders_rejected_total{mode="v1",reason="too_large"}');
  for (const [path, body, headers] of cases)
    for (const request of [send(path, body, headers), chunked(path, body, headers)]) {
      const response = await request;
      expect(response.status).toBe(413);
      expect(await response.json()).toMatchObject({
        type: "too-large",
        detail: expect.stringMatching(/decompressed/),
      });
    }
  const after = await metricOf(system.url, 'coffee_orders_rejected_total{mode="v1",reason="too_large"}');
  expect(after - before).toBe(6);
});

test("a compressed body that is too large as it was sent is answered 413", async () => {
  // does not compress
  const random = Array.from({ length: 80_000 }, () => String.fromCharCode(33 + Math.random() * 90)).join("");
  const body = new Uint8Array(gzipSync(random));
  expect(body.length).toBeGreaterThan(65_536);
  expect((await send("/api/v1/order", body, { ...JSON_TYPE, "content-encoding": "gzip" })).status).toBe(413);
});

test.each([
  ["not compressed at all", Buffer.from(order), "gzip"],
  ["cut off", gzipSync(order).subarray(0, 30), "gzip"],
  ["empty", Buffer.alloc(0), "gzip"],
  ["damaged", Buffer.from(gzipSync(order).map((byte, index) => (index === 20 ? byte ^ 0xff : byte))), "gzip"],
  ["compressed in another way", brotliCompressSync(order), "gzip"],
  ["deflate without its header", deflateRawSync(order), "deflate"],
  ["no JSON once it is decompressed", gzipSync("{"), "gzip"],
])("a body that is %s is answered 400", async (_, body, encoding) => {
  for (const path of ["/api/v1/order", "/api/v2/orders"]) {
    const response = await send(path, new Uint8Array(body), { ...JSON_TYPE, "content-encoding": encoding });
    expect([path, response.status]).toEqual([path, 400]);
    expect(await response.json()).toMatchObject({ type: "malformed" });
  }
});

test("names of the catalogue may be compressed too", async () => {
  const gzip = { ...JSON_TYPE, "content-encoding": "gzip" };
  const response = await send("/api/catalogue", new Uint8Array(gzipSync('{"stores":["northgate"]}')), gzip);
  expect(await response.json()).toMatchObject({ added: { stores: ["northgate"] } });
  expect((await send("/api/catalogue", new Uint8Array(Buffer.from("{}")), gzip)).status).toBe(400);
});

test("another encoding is answered 415 with those that are accepted", async () => {
  for (const encoding of ["compress", "gzip, gzip", "aes128gcm", "constructor"]) {
    const response = await send("/api/v1/order", order, { ...JSON_TYPE, "content-encoding": encoding });
    expect([encoding, response.status]).toEqual([encoding, 415]);
    expect(response.headers.get("accept-encoding")).toBe("gzip, x-gzip, deflate, br, zstd");
    expect(await response.json()).toMatchObject({
      type: "unsupported-media-type",
      detail: expect.stringContaining("gzip, x-gzip, deflate, br, zstd"),
    });
  }
});

describe("media types", () => {
  test.each([
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/x-jsonl",
    "application/jsonlines",
    "application/x-jsonlines",
    "application/json-lines",
    "application/x-json-lines",
    "text/x-ndjson",
    "Application/NDJSON; charset=UTF-8",
  ])("a batch takes lines as %s", async (type) => {
    const response = await send("/api/v2/orders", lines, { "content-type": type });
    expect(((await response.json()) as { ids: string[] }).ids).toHaveLength(2);
  });

  test("a batch takes a JSON text sequence, whose texts may have several lines", async () => {
    const texts = [LATTE, { ...LATTE, drink: "soup" }, LATTE].map(
      (each) => `\u001e${JSON.stringify(each, null, 2)}\n`,
    );
    const response = await send("/api/v1/orders", texts.join(""), { "content-type": "application/json-seq" });
    expect(await response.json()).toMatchObject({
      ids: { length: 2 },
      rejected: [{ index: 1, field: "drink" }],
    });
  });

  test.each([
    ["/api/v1/order", ["application/json"]],
    ["/api/catalogue", ["application/json"]],
    [
      "/api/v2/orders",
      ["application/json", "application/x-ndjson", "application/ndjson", "application/json-seq"],
    ],
  ])("%s answers another one 415 with those that it takes", async (path, types) => {
    for (const type of [
      "text/plain",
      "application/xml",
      "application/x-www-form-urlencoded",
      "text/csv",
      "nonsense",
    ]) {
      const response = await send(path, order, { "content-type": type });
      expect([type, response.status]).toEqual([type, 415]);
      const accepted = response.headers.get("accept") ?? "";
      expect(response.headers.get("accept-post")).toBe(accepted);
      expect(accepted.split(", ")).toEqual(expect.arrayContaining(types));
      const { detail } = (await response.json()) as { detail: string };
      expect(detail).toContain(accepted);
      expect(detail).toContain(type);
    }
  });

  test("one order is no lines", async () => {
    const response = await send("/api/v1/order", lines, { "content-type": "application/x-ndjson" });
    expect(response.status).toBe(415);
  });

  test("a JSON body cannot pretend to have been parsed as lines", async () => {
    for (const body of ['{"items":[{}]}', '{"Symbol(items)":[]}', "null", "1", '"x"']) {
      const response = await send("/api/v1/orders", body, JSON_TYPE);
      expect([body, response.status]).toEqual([body, 422]);
    }
  });
});
