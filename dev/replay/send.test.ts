import { afterEach, beforeEach, expect, test } from "vitest";
import { type ApiFixture, openApiFixture } from "./api.fixture.ts";
import { type Client, openClient } from "./client.ts";
import { type Sending, startSending } from "./send.ts";

let api: ApiFixture;
let client: Client;
/** How many orders each request held. */
let sizes: number[];
beforeEach(async () => {
  sizes = [];
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
    post: (indices) => {
      const orders = indices.map((index) => {
        const timestamp = "2026-01-01T00:00:00.000Z";
        return { id: `key ${index}`, store: "up", drink: "tea", price: index, timestamp };
      });
      sizes.push(orders.length);
      return client.post("/api/v2/orders", JSON.stringify(orders));
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
  api.misbehave = (n) => (n < 20 ? wrongs[n % 7] : undefined);
  const { progress, done } = start(10_300);
  await done;
  expect(progress).toMatchObject({ settled: 10_300, sentTo: 10_300, refused: [], trouble: null });
  expect(progress.replayed).toBeGreaterThan(0);
  expect([...api.orders.values()].map(({ price }) => price).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 10_300 }, (_, index) => index),
  );
});

test("Retry-After is waited for", async () => {
  api.misbehave = (n) => (n === 0 ? { status: 503, headers: { "retry-after": "1" } } : undefined);
  const startedMs = Date.now();
  await start(1).done;
  expect(Date.now() - startedMs).toBeGreaterThanOrEqual(1_000);
});

test("what is refused is listed with its row and reason, and not sent again", async () => {
  api.refuses = ({ price }) => [7, 600, 1_299].includes(price);
  const { progress, done } = start(1_300);
  await done;
  const reason = "drink must be known";
  expect([...progress.refused].sort((a, b) => a.index - b.index)).toEqual([
    { index: 7, reason },
    { index: 600, reason },
    { index: 1_299, reason },
  ]);
  expect(progress.settled).toBe(1_300);
  expect(api.orders.size).toBe(1_297);
});

test("a batch of nothing but refused ones is not the end", async () => {
  api.refuses = ({ price }) => price === 0;
  const { progress, done } = start(2, { dueAfterMs: (index) => index * 50 });
  await done;
  expect(progress).toMatchObject({ settled: 2, refused: [{ index: 0 }] });
});

test("a stack that refuses everything, or does not know the mode, ends it early", async () => {
  api.refuses = () => true;
  await expect(start(5_000).done).rejects.toThrow("refuses every order: drink must be known");
  api.misbehave = () => ({ status: 404, body: { title: "There is nothing here" } });
  await expect(start(10).done).rejects.toThrow("404");
  api.misbehave = () => ({ status: 422, body: { detail: "must be an array" } });
  await expect(start(10).done).rejects.toThrow("422: must be an array");
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
    if (n === 5) stop.abort();
    return undefined;
  };
  const { progress, done } = start(50_000, { signal: stop.signal });
  await done;
  expect(progress.settled).toBe(api.orders.size);
  expect(progress.sentTo).toBeGreaterThan(0);
  expect(progress.sentTo).toBeLessThanOrEqual(progress.settled);
  expect(progress.settled).toBeLessThan(10_000);
});

test("rows wait until they are due, and those that are due go together", async () => {
  const startedMs = Date.now();
  await start(1_200, { dueAfterMs: (index) => (index < 600 ? 0 : 200) }).done;
  expect(Date.now() - startedMs).toBeGreaterThanOrEqual(200);
  expect([...sizes].sort((a, b) => b - a)).toEqual([500, 500, 100, 100]);
});
