/** Replies to connections that send no complete request of HTTP/1.1. */
import { once } from "node:events";
import { type AddressInfo, connect } from "node:net";
import { type FastifyInstance, fastify } from "fastify";
import { afterAll, beforeAll, expect, test } from "vitest";
import { rejectConnection } from "./connection-errors.ts";

let app: FastifyInstance;

beforeAll(async () => {
  app = fastify({
    clientErrorHandler: rejectConnection,
    requestTimeout: 100,
    http: { headersTimeout: 100, connectionsCheckingInterval: 20 },
  });
  app.post("/order", async () => "taken");
  app.get("/endless", (_request, reply) => {
    reply.raw.writeHead(200).write("first part");
    return reply.hijack();
  });
  await app.listen({ port: 0 });
});
afterAll(() => app.close());

/** All that the server sends until it closes the connection; `later` is sent once its reply has begun. */
const exchange = async (request: string, later?: string): Promise<string> => {
  const { port } = app.server.address() as AddressInfo;
  const socket = connect(port).setEncoding("utf8");
  let reply = "";
  socket.on("data", (text) => {
    reply += text;
  });
  // a connection that is reset has been closed too
  socket.on("error", () => undefined);
  socket.write(request);
  if (later !== undefined) {
    await once(socket, "data");
    socket.write(later);
  }
  await once(socket, "close");
  return reply;
};

const START = "POST /order HTTP/1.1\r\nhost: x\r\n";

test.each([
  ["a header over 16 KiB", `${START}x-long: ${"x".repeat(17_000)}\r\n\r\n`, 431, "headers-too-large"],
  [
    "a hundred headers over 16 KiB",
    `${START}${`x: ${"y".repeat(200)}\r\n`.repeat(100)}\r\n`,
    431,
    "headers-too-large",
  ],
  ["a URL over 16 KiB", `GET /${"x".repeat(17_000)} HTTP/1.1\r\nhost: x\r\n\r\n`, 431, "headers-too-large"],
  ["headers that do not end", `${START}x-slow: `, 408, "request-timeout"],
  ["a first line that does not end", "POST /ord", 408, "request-timeout"],
  [
    "a body that does not end",
    `${START}content-type: application/json\r\ncontent-length: 9\r\n\r\n{`,
    408,
    "request-timeout",
  ],
  [
    "a chunk that does not come",
    `${START}content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n5\r\n`,
    408,
    "request-timeout",
  ],
  ["no HTTP", "this is no request\r\n\r\n", 400, "bad-request"],
  ["a wrong Content-Length", `${START}content-length: nine\r\n\r\n`, 400, "bad-request"],
  [
    "two lengths",
    `${START}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
    "bad-request",
  ],
  ["a header without a name", `${START}: x\r\n\r\n`, 400, "bad-request"],
  ["TLS", "\u0016\u0003\u0001\u0002\u0000\u0001", 400, "bad-request"],
])("answers %s", async (_, request, status, type) => {
  const [head = "", body = ""] = (await exchange(request)).split("\r\n\r\n");
  expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(head).toContain("content-type: application/problem+json");
  expect(head).toContain("connection: close");
  expect(JSON.parse(body)).toMatchObject({ type, status });
});

test("sends no second reply into one that has started", async () => {
  const reply = await exchange("GET /endless HTTP/1.1\r\nhost: x\r\n\r\n", "not a request\r\n\r\n");
  expect(reply).toContain("first part");
  expect(reply.match(/HTTP\/1\.1/g)).toHaveLength(1);
});
