import type { ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { randomFrom } from "#shared/domain/random.ts";
import { serveForTest } from "../../../test/temporary.ts";
import { waitUntil } from "../wait.ts";
import { type Connections, openConnections, type Received } from "./connections.ts";
import { type Attempt, deliver, type Order, requestOf, sendOrders } from "./orders.ts";
import { paced, poissonOffsets } from "./pacing.ts";

type Request = { readonly path: string; readonly key: string | null; readonly body: string };
type Answer = (request: Request, response: ServerResponse) => void;

/** A server that records its requests and responds with `answer`, and connections to it. */
const serve = async (answer: Answer, replyWithinMs = 5_000) => {
  const requests: Request[] = [];
  const sockets = new Set<unknown>();
  const { url, server } = await serveForTest(async (message, response) => {
    const body = await text(message);
    const key = message.headers["idempotency-key"];
    const request = { path: message.url ?? "", key: typeof key === "string" ? key : null, body };
    requests.push(request);
    answer(request, response);
  });
  server.on("connection", (socket) => sockets.add(socket));
  const connections = openConnections(url, replyWithinMs);
  onTestFinished(connections.close);
  return { url, requests, sockets, connections };
};

const post = (connections: Connections, key: string | null = null): Promise<Received> =>
  new Promise((resolve) => connections.post("/api/v1/order", "{}", key, resolve));

const order = (id: string): Order => ({ id, drink: "latte", store: "café", cents: 450, timestamp: null });

test("reports status, body and times of a reply, and reuses its connection", async () => {
  const { connections, requests, sockets } = await serve((_request, response) => {
    response.setHeader("idempotency-replayed", "true");
    response.write('{"store":"caf');
    setTimeout(() => response.end('é"}'), 20);
  });
  const startMs = performance.now();
  const first = await post(connections, "a key");
  expect(first).toMatchObject({ status: 200, body: '{"store":"café"}', isReplay: true, failure: null });
  expect(first.sentMs).toBeGreaterThanOrEqual(startMs);
  expect(first.endMs - first.sentMs).toBeGreaterThan(15);
  await post(connections);
  expect(requests.map(({ key }) => key)).toEqual(["a key", null]);
  expect(sockets.size).toBe(1);
});

test("sends a request on a further connection while the others wait for replies", async () => {
  const waiting: ServerResponse[] = [];
  const { connections, sockets } = await serve(({ path }, response) => {
    if (path === "/livez") response.end();
    else waiting.push(response);
  });
  await connections.openAhead(30);
  expect(sockets.size).toBe(30);
  const replies = Array.from({ length: 31 }, () => post(connections));
  await waitUntil("31 requests are pending", () => waiting.length === 31);
  expect([connections.underWay(), sockets.size]).toEqual([31, 31]);
  for (const response of waiting) response.end();
  await Promise.all(replies);
  expect(connections.underWay()).toBe(0);
});

test("gives up a request without a reply in time, and sends the next one on a new connection", async () => {
  let isSilent = true;
  const answer: Answer = (_request, response) => void (isSilent || response.end());
  const { connections, sockets } = await serve(answer, 1_000);
  const startMs = performance.now();
  expect(await post(connections)).toMatchObject({ status: 0, body: "", failure: "timeout" });
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(1_000);
  isSilent = false;
  expect((await post(connections)).status).toBe(200);
  expect(sockets.size).toBe(2);
});

test("reports a refused, a reset and a closed connection", async () => {
  const { connections } = await serve(({ path }, response) => void (path === "/reset" && response.destroy()));
  const refused = openConnections("http://127.0.0.1:1", 5_000);
  onTestFinished(refused.close);
  const reset = new Promise((resolve) => connections.get("/reset", resolve));
  const closed = post(connections);
  const failed = { status: 0, failure: "connection" };
  expect(await Promise.all([post(refused), reset])).toMatchObject([failed, failed]);
  await connections.close();
  expect(await closed).toMatchObject(failed);
});

test("makes one order a request with a key, and several a batch with ids", () => {
  expect(requestOf("v2", [order("a")])).toEqual({
    path: "/api/v2/order",
    body: '{"drink":"latte","store":"café","price":4.5}',
    key: "a",
  });
  const dated = { ...order("b"), timestamp: "2026-01-15T10:00:00Z" };
  const { path, body, key } = requestOf("v3", [order("a"), dated]);
  expect([path, key]).toEqual(["/api/v3/orders", null]);
  expect(JSON.parse(body)).toEqual([
    { id: "a", drink: "latte", store: "café", price: 4.5 },
    { id: "b", drink: "latte", store: "café", price: 4.5, timestamp: "2026-01-15T10:00:00Z" },
  ]);
});

test("sends the same order under the same id until it is acknowledged", async () => {
  const answers: Answer[] = [
    (_request, response) => response.destroy(),
    (_request, response) => response.writeHead(503).end('{"type":"queue-full"}'),
    (_request, response) => response.writeHead(202).end("{}"),
  ];
  const { connections, requests, url } = await serve((request, response) =>
    answers.shift()?.(request, response),
  );
  const attempts: Attempt[] = [];
  const last = await deliver({
    ...{ connections: () => connections, mode: "v2", orders: [order("a")], pauseMs: () => 1 },
    signal: new AbortController().signal,
    onAttempt: (attempt) => attempts.push(attempt),
  });
  expect(attempts.map(({ outcome }) => outcome)).toEqual(["unknown", "refused", "acknowledged"]);
  expect(last).toBe(attempts[2]);
  expect(last).toMatchObject({ url, received: { status: 202 } });
  expect(requests.map(({ key }) => key)).toEqual(["a", "a", "a"]);
});

test("ends a delivery at a final outcome, or when its signal aborts", async () => {
  const { connections, requests } = await serve((_request, response) => response.writeHead(422).end("{}"));
  const stop = new AbortController();
  const delivery = {
    ...{ connections: () => connections, mode: "v1", orders: [order("a")], pauseMs: () => 1 },
    signal: stop.signal,
  };
  const refused = await deliver({ ...delivery, isFinal: ({ outcome }) => outcome === "refused" });
  expect([refused?.outcome, requests.length]).toEqual(["refused", 1]);
  await deliver({ ...delivery, onAttempt: () => requests.length === 4 && stop.abort() });
  expect(requests.length).toBe(4);
  expect(await deliver(delivery)).toBeNull();
});

test("counts a batch of which a part was rejected as unknown", async () => {
  const rejected = [{ index: 1, field: "drink", reason: "unknown" }];
  const { connections } = await serve((_request, response) =>
    response.writeHead(202).end(JSON.stringify({ ids: ["a"], replayed: 0, rejected })),
  );
  const { outcome, outcomes } = await sendOrders(connections, "v2", [order("a"), order("b")]);
  expect(outcome).toBe("unknown");
  expect(outcomes).toMatchObject({ acknowledged: 1, failure: { outcome: "refused", items: [1] } });
});

const every = (ms: number) => (iteration: number) => iteration * ms;

test("sends each arrival once, in order and never before its time", async () => {
  const startMs = performance.now();
  const sent: { iteration: number; early: number }[] = [];
  const count = await paced(
    {
      ...{ offsetOf: every(0.5), durationMs: 60 },
      send: (iteration, offsetMs) =>
        sent.push({ iteration, early: offsetMs - (performance.now() - startMs) }),
    },
    startMs,
  );
  expect(count).toBe(120);
  expect(sent.map(({ iteration }) => iteration)).toEqual(Array.from({ length: 120 }, (_, index) => index));
  expect(Math.max(...sent.map(({ early }) => early))).toBeLessThanOrEqual(0);
});

test("sends arrivals late while there is no room, and reports since when there has been", async () => {
  const startMs = performance.now();
  const rooms: number[] = [];
  let askedMs: number | undefined;
  const count = await paced(
    {
      offsetOf: every(1),
      durationMs: 20,
      mayGo: () => {
        askedMs ??= performance.now();
        return performance.now() - askedMs > 40;
      },
      send: (_iteration, _offsetMs, roomSinceMs) => rooms.push(roomSinceMs),
    },
    startMs,
  );
  expect([count, rooms.length]).toEqual([20, 20]);
  for (const roomSinceMs of rooms) expect(roomSinceMs).toBeGreaterThan(30);
  expect(performance.now() - startMs).toBeGreaterThan(40);
});

test("sends at random times until its signal aborts", async () => {
  const stop = new AbortController();
  const offsets: number[] = [];
  const count = await paced(
    {
      offsetOf: poissonOffsets(randomFrom(1), 1_000),
      durationMs: Number.POSITIVE_INFINITY,
      send: (iteration, offsetMs) => {
        offsets.push(offsetMs);
        if (iteration === 199) stop.abort();
      },
      signal: stop.signal,
    },
    performance.now(),
  );
  expect([count, offsets.length]).toEqual([200, 200]);
  // a mean of 1 ms with a standard deviation of 0.07 ms
  expect((offsets.at(-1) ?? 0) / 200).toBeCloseTo(1, 0);
  expect(offsets.toSorted((a, b) => a - b)).toEqual(offsets);
});
