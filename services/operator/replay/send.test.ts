import { beforeEach, expect, test } from "vitest";
import { type ApiFixture, openApiFixture } from "./api.fixture.ts";
import { request } from "./api.ts";
import { type Sending, startSending } from "./send.ts";

let api: ApiFixture;
/** How many orders each request held. */
let sizes: number[];
beforeEach(async () => {
  sizes = [];
  api = await openApiFixture();
});

const start = (count: number, changes: Partial<Sending> = {}) =>
  startSending({
    count,
    post: (from, to) => {
      const same = { store: "up", drink: "tea", timestamp: "2026-01-01T00:00:00.000Z" };
      const order = (index: number) => ({ id: `key ${index}`, price: index, ...same });
      const orders = Array.from({ length: to - from }, (_, place) => order(from + place));
      sizes.push(orders.length);
      return request({ url: api.url, token: null }, "/api/v2/orders", JSON.stringify(orders));
    },
    dueAfterMs: () => 0,
    stallLimitMs: 10_000,
    signal: new AbortController().signal,
    ...changes,
  });

test("resends after busy replies, resets and lost replies, and each order is accepted once", async () => {
  const failures = [
    { status: 503, headers: { "retry-after": "0" } },
    "reset",
    { status: 429 },
    { status: 502 },
    "lost reply",
  ] as const;
  api.fail = (n) => (n < 20 ? failures[n % 7] : undefined);
  const { progress, trouble, done } = start(10_300);
  await done;
  expect(progress).toMatchObject({ settled: 10_300, sentTo: 10_300, rejected: [] });
  expect(trouble()).toBeNull();
  expect(progress.replayed).toBeGreaterThan(0);
  expect([...api.orders.values()].map(({ price }) => price).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 10_300 }, (_, index) => index),
  );
});

test("waits for Retry-After", async () => {
  api.fail = (n) => (n === 0 ? { status: 503, headers: { "retry-after": "1" } } : undefined);
  const startedMs = Date.now();
  await start(1).done;
  expect(Date.now() - startedMs).toBeGreaterThanOrEqual(1_000);
});

test("lists rejected rows with their reasons, and does not resend them", async () => {
  api.rejects = ({ price }) => [7, 600, 1_299].includes(price);
  const { progress, done } = start(1_300);
  await done;
  const reason = "drink must be known";
  expect([...progress.rejected].sort((a, b) => a.index - b.index)).toEqual([
    { index: 7, reason },
    { index: 600, reason },
    { index: 1_299, reason },
  ]);
  expect(progress.settled).toBe(1_300);
  expect(api.orders.size).toBe(1_297);
});

test("continues after a batch of rejected rows only", async () => {
  api.rejects = ({ price }) => price === 0;
  const { progress, done } = start(2, { dueAfterMs: (index) => index * 50 });
  await done;
  expect(progress).toMatchObject({ settled: 2, rejected: [{ index: 0 }] });
});

test("gives up early when the API rejects everything or does not know the mode", async () => {
  api.rejects = () => true;
  await expect(start(5_000).done).rejects.toThrow("the API rejects every order: drink must be known");
  api.fail = () => ({ status: 404, body: { title: "There is nothing here" } });
  await expect(start(10).done).rejects.toThrow("404");
  api.fail = () => ({ status: 422, body: { detail: "must be an array" } });
  await expect(start(10).done).rejects.toThrow("422: must be an array");
});

test("gives up when no request succeeds for too long", async () => {
  api.fail = () => ({ status: 503, body: { detail: "the backend of this mode does not answer" } });
  const { progress, done } = start(10, { stallLimitMs: 300 });
  await expect(done).rejects.toThrow("the API answers 503: the backend of this mode does not answer");
  expect(progress.settled).toBe(0);
});

test("ends without an error when aborted, and sentTo is how far all rows are settled", async () => {
  const stop = new AbortController();
  api.fail = (n) => {
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

test("sends rows when they are due, and those that are due together in one batch", async () => {
  const startedMs = Date.now();
  await start(1_200, { dueAfterMs: (index) => (index < 600 ? 0 : 200) }).done;
  expect(Date.now() - startedMs).toBeGreaterThanOrEqual(200);
  expect([...sizes].sort((a, b) => b - a)).toEqual([500, 500, 100, 100]);
});
