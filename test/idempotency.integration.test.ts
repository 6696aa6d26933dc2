/** One key is one order, in every mode and between modes, however often and with whatever body it is sent. */
import { v7 as newOrderId } from "uuid";
import { afterAll, describe, expect, test } from "vitest";
import { DAY_MS } from "#shared/domain/time.ts";
import { whileHeld } from "#shared/store/store.fixture.ts";
import { driftOf, numberOf } from "../dev/system/database.ts";
import { until } from "./fresh.ts";
import {
  LATTE as latte,
  type OrderStatus,
  statusOf as orderStatus,
  postOrder,
  untilDecided,
} from "./requests.ts";
import { startSystem } from "./system.ts";

const system = await startSystem();
afterAll(system.close);

const mocha = { drink: "mocha", store: "central", price: 3.8 };

const post = (mode: string, key: string, body: object): Promise<Response> =>
  untilDecided(() => postOrder(system.url, mode, body, { "idempotency-key": key }));
/** Concurrently, one for each body. */
const postAll = (mode: string, key: string, bodies: readonly object[]): Promise<Response[]> =>
  Promise.all(bodies.map((body) => post(mode, key, body)));

const statusOf = (key: string): Promise<OrderStatus> => orderStatus(system.url, key);
const untilCounted = async (key: string): Promise<OrderStatus> => {
  await until(`${key} is counted`, async () => (await statusOf(key)).status === "counted");
  return statusOf(key);
};
const settled = (mode: string): Promise<number> =>
  numberOf(system.pool, "SELECT coalesce(sum(orders + duplicates), 0) FROM applied WHERE source = $1", [
    mode,
  ]);
/** Sends, and waits until the worker has counted or recognised all of them. */
const sendAll = async (mode: string, key: string, bodies: readonly object[]): Promise<Response[]> => {
  const before = await settled(mode);
  const responses = await postAll(mode, key, bodies);
  // v1's worker sees only what was stored
  const expected = mode === "v1" ? responses.filter(({ status }) => status === 201) : responses;
  await until("all are settled", async () => (await settled(mode)) >= before + expected.length);
  return responses;
};
const conflictsOf = async (key: string): Promise<{ mode: string; drink: string }[]> =>
  (
    await system.pool.query<{ mode: string; drink: string }>(
      `SELECT c.mode, c.drink FROM order_conflicts AS c JOIN orders AS o USING (order_id)
       WHERE order_id = $1 AND c.fingerprint <> o.fingerprint`,
      [key],
    )
  ).rows;
const statuses = (responses: readonly Response[]): number[] => responses.map(({ status }) => status).sort();
const copies = <T>(count: number, each: T): T[] => Array.from({ length: count }, () => each);

describe.each(["v1", "v2", "v3"])("%s", (mode) => {
  const isStored = mode === "v1";

  test("fifty concurrent requests with one key and one body create one order", async () => {
    const key = newOrderId();
    const responses = await sendAll(mode, key, copies(50, latte));
    expect(statuses(responses)).toEqual(isStored ? [...copies(49, 200), 201] : copies(50, 202));
    for (const { status, headers } of responses)
      expect(headers.get("idempotency-replayed")).toBe(status === 200 ? "true" : null);
    const replies = (await Promise.all(responses.map((each) => each.json()))) as { timestamp: string }[];
    const { timestamp, ...order } = await untilCounted(key);
    expect(order).toEqual({ ...latte, id: key, mode, status: "counted", conflicts: 0 });
    // in v1 every reply has the stored order
    const times = replies.map((reply) => reply.timestamp);
    if (isStored) expect(new Set(times)).toEqual(new Set([timestamp]));
    else expect(times).toContain(timestamp);
  });

  test("of fifty concurrent requests with one key and two bodies one body counts, the other is a conflict", async () => {
    const key = newOrderId();
    const bodies = copies(25, [latte, mocha]).flat();
    const responses = await sendAll(mode, key, bodies);
    const { drink } = await untilCounted(key);
    const [loser] = [latte, mocha].filter((body) => body.drink !== drink);
    if (isStored) {
      expect(statuses(responses)).toEqual([...copies(24, 200), 201, ...copies(25, 422)]);
      const refused = responses.filter((_, index) => bodies[index] === loser);
      for (const response of refused)
        expect(await response.json()).toMatchObject({ status: 422, type: "key-conflict" });
      expect(await conflictsOf(key)).toEqual([]);
    } else {
      expect(statuses(responses)).toEqual(copies(50, 202));
      await until("the conflict is recorded", async () => (await statusOf(key)).conflicts === 1);
      expect(await conflictsOf(key)).toEqual([{ mode, drink: loser?.drink }]);
    }
  });

  test("a body without a timestamp differs from the same one with the timestamp of the reply", async () => {
    const key = newOrderId();
    await sendAll(mode, key, [latte]);
    const { timestamp } = await untilCounted(key);
    await sendAll(mode, key, [latte]);
    expect(await statusOf(key)).toMatchObject({ timestamp, conflicts: 0 });
    const [dated] = await sendAll(mode, key, [{ ...latte, timestamp }]);
    expect(dated?.status).toBe(isStored ? 422 : 202);
    if (!isStored) await until("the conflict is recorded", async () => (await statusOf(key)).conflicts === 1);
    expect(await statusOf(key)).toMatchObject({ timestamp, conflicts: isStored ? 0 : 1 });
  });

  test("the same time and price written in two ways are one body", async () => {
    const key = newOrderId();
    const hour = new Date(Date.now() - 3_600_000).toISOString().slice(0, 19);
    const body = { ...latte, price: "4.50", timestamp: `${hour}Z` };
    await sendAll(mode, key, [body]);
    await untilCounted(key);
    const [again] = await sendAll(mode, key, [{ ...latte, timestamp: `${hour}.000+00:00` }]);
    expect(again?.status).toBe(isStored ? 200 : 202);
    expect((await statusOf(key)).conflicts).toBe(0);
  });

  // shared/domain/order.test.ts has both limits of a key's age
  test("a key of almost 31 days ago counts, and an older one is invalid", async () => {
    const keyAt = (ms: number): string => newOrderId({ msecs: Date.now() - 31 * DAY_MS + ms });
    const key = keyAt(60_000);
    expect((await post(mode, key, latte)).status).toBe(isStored ? 201 : 202);
    expect(await untilCounted(key)).toMatchObject({ mode, conflicts: 0 });
    const response = await post(mode, keyAt(-1_000), latte);
    expect(response.status).toBe(422);
    const message = expect.stringContaining("must not be made more than");
    const errors = [{ field: "Idempotency-Key", message }];
    expect(await response.json()).toMatchObject({ type: "invalid", errors });
  });

  test("an order has a status once it is counted, or stored at once", async () => {
    const key = newOrderId();
    expect(await statusOf(key)).toMatchObject({ status: 404, type: "not-yet-visible-or-unknown" });
    // no worker can count meanwhile
    await whileHeld(system.pool, "LOCK TABLE applied IN EXCLUSIVE MODE", async () => {
      const response = await post(mode, key, latte);
      expect(response.headers.get("location")).toBe(`/api/orders/${key}`);
      expect((await statusOf(key)).status).toBe(isStored ? "stored" : 404);
    });
    expect(await untilCounted(key)).toMatchObject({ mode, drink: "latte" });
  });
});

describe("between the modes", () => {
  test.each([
    ["v2", "v3"],
    ["v3", "v2"],
    ["v1", "v2"],
    ["v1", "v3"],
  ])("%s first: the same body by %s is the same order, another body is a conflict", async (first, second) => {
    const key = newOrderId();
    await sendAll(first, key, [latte]);
    await untilCounted(key);
    await sendAll(second, key, [latte]);
    expect(await statusOf(key)).toMatchObject({ mode: first, conflicts: 0 });
    await sendAll(second, key, [mocha]);
    await until("the conflict is recorded", async () => (await statusOf(key)).conflicts === 1);
    expect(await conflictsOf(key)).toEqual([{ mode: second, drink: "mocha" }]);
    expect(await statusOf(key)).toMatchObject({ mode: first, drink: "latte" });
  });

  test.each(["v2", "v3"])(
    "v1 replays an order that %s has counted, and rejects another body",
    async (first) => {
      const key = newOrderId();
      await sendAll(first, key, [latte]);
      const { timestamp } = await untilCounted(key);
      const again = await post("v1", key, latte);
      expect(again.status).toBe(200);
      expect(await again.json()).toMatchObject({ id: key, timestamp });
      const other = await post("v1", key, mocha);
      expect(other.status).toBe(422);
      expect(await other.json()).toMatchObject({ type: "key-conflict" });
    },
  );

  test("two bodies sent concurrently by all three modes count once", async () => {
    const key = newOrderId();
    await Promise.all(["v1", "v2", "v3"].map((mode) => postAll(mode, key, [latte, mocha, latte, mocha])));
    const { drink } = await untilCounted(key);
    await until("the conflict is recorded", async () => (await statusOf(key)).conflicts === 1);
    expect(await conflictsOf(key)).toMatchObject([{ drink: drink === "latte" ? "mocha" : "latte" }]);
  });
});

test("after all of this the rollups are exact and there are no dead letters", async () => {
  expect(await driftOf(system.pool)).toEqual([]);
  expect(await numberOf(system.pool, "SELECT count(*) FROM dead_letters")).toBe(0);
});
