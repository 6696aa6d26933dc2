import { afterEach, beforeEach, expect, test } from "vitest";
import { type ApiFixture, openApiFixture } from "./api.fixture.ts";
import { type Client, openClient } from "./client.ts";
import { type Sending, startSending } from "./send.ts";

let api: ApiFixture;
let client: Client;
beforeEach(async () => {
  api = await openApiFixture();
  client = openClient(api.url, 64);
});
afterEach(async () => {
  client.close();
  await api.close();
});

const start = (count: number, changes: Partial<Sending> = {}) =>
  startSending({
    count,
    post: (index) => {
      const order = { store: "up", drink: "tea", price: index, timestamp: "2026-01-01T00:00:00.000Z" };
      return client.post("/api/v2/order", JSON.stringify(order), { "idempotency-key": `key ${index}` });
    },
    dueAfterMs: () => 0,
    stallLimitMs: 10_000,
    signal: new AbortController().signal,
    ...changes,
  });

test("busy replies, resets and lost replies are sent again, and each order is taken once", async () => {
  const wrongs = [
    { status: 503, headers: { "retry-after": "0" } },
    "reset",
    { status: 429 },
    { status: 502 },
    "lost reply",
  ] as const;
  api.misbehave = (n) => (n < 150 ? wrongs[n % 7] : undefined);
  const { progress, done } = start(300);
  await done;
  expect(progress).toMatchObject({ settled: 300, sentTo: 300, refused: [], trouble: null });
  expect(progress.replayed).toBeGreaterThan(0);
  expect([...api.orders.values()].map(({ price }) => price).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 300 }, (_, index) => index),
  );
});

test("Retry-After is waited for", async () => {
  api.misbehave = (n) => (n === 0 ? { status: 503, headers: { "retry-after": "1" } } : undefined);
  const startedMs = Date.now();
  await start(1).done;
  expect(Date.now() - startedMs).toBeGreaterThanOrEqual(1_000);
});

test("422 is listed with its reason and not sent again", async () => {
  api.misbehave = (_, { price }) =>
    price === 7
      ? { status: 422, body: { title: "not valid", detail: "drink must be a drink of the catalogue" } }
      : undefined;
  const { progress, done } = start(20);
  await done;
  expect(progress.refused).toEqual([{ index: 7, reason: "drink must be a drink of the catalogue" }]);
  expect(progress.settled).toBe(20);
  expect(api.orders.size).toBe(19);
});

test("a stack that refuses everything, or does not know the mode, ends it early", async () => {
  api.misbehave = () => ({ status: 422, body: { detail: "store must be a store of the catalogue" } });
  await expect(start(5_000).done).rejects.toThrow("refuses every order: store must be");
  api.misbehave = () => ({ status: 404, body: { title: "There is nothing here" } });
  await expect(start(10).done).rejects.toThrow("404");
});

test("it gives up when nothing succeeds for too long", async () => {
  api.misbehave = () => ({ status: 503, body: { detail: "the backend of this mode does not answer" } });
  const { progress, done } = start(10, { stallLimitMs: 300 });
  await expect(done).rejects.toThrow("the stack answers 503: the backend of this mode does not answer");
  expect(progress.settled).toBe(0);
});

test("abort ends it without an error, and sentTo tells how far all is settled", async () => {
  const stop = new AbortController();
  api.misbehave = (n) => {
    if (n === 50) stop.abort();
    return undefined;
  };
  const { progress, done } = start(5_000, { signal: stop.signal });
  await done;
  expect(progress.settled).toBe(api.orders.size);
  expect(progress.sentTo).toBeGreaterThan(0);
  expect(progress.sentTo).toBeLessThanOrEqual(progress.settled);
  expect(progress.settled).toBeLessThan(200);
});

test("rows wait until they are due", async () => {
  const startedMs = Date.now();
  await start(3, { dueAfterMs: (index) => index * 100 }).done;
  expect(Date.now() - startedMs).toBeGreaterThanOrEqual(200);
});
