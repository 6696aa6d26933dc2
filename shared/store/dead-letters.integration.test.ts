import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { driftOf, numberOf } from "../../dev/system/database.ts";
import { someOrders, until } from "../../test/fresh.ts";
import type { Order } from "../domain/order.ts";
import { DAY_MS } from "../domain/time.ts";
import { encodeOrder } from "../wire/order-message.ts";
import { readBoard } from "./board-read.ts";
import {
  type DeadLetter,
  discardLetter,
  letterIds,
  OPERATOR_PART,
  type Replay,
  replayLetter,
  storeLetter,
} from "./dead-letters.ts";
import { countOrders, endLockWaiters, openEmptiedPool, whileHeld } from "./store.fixture.ts";

const pool = await openEmptiedPool(10);

const letter: DeadLetter = {
  source: "v2",
  origin: "17-0",
  index: 3,
  payload: '{"id":"x"}',
  reason: "22P02",
  detail: "invalid input syntax for type uuid",
};
const stored = async () =>
  (
    await pool.query<{ payload: Buffer; payload_sha256: Buffer; order_id: string | null; detail: string }>(
      "SELECT * FROM dead_letters ORDER BY id",
    )
  ).rows;

test("stores the letter with its payload's bytes and hash", async () => {
  const payload = '{"store":"Zürich ☕"}';
  await storeLetter(pool, { ...letter, payload });
  const [row] = await stored();
  expect(row).toMatchObject({ ...letter, payload: Buffer.from(payload) });
  expect(row?.payload_sha256.toString("hex")).toBe(createHash("sha256").update(payload).digest("hex"));
});

test("stores a letter once, also concurrently, and another one too", async () => {
  await Promise.all([storeLetter(pool, letter), storeLetter(pool, letter), storeLetter(pool, letter)]);
  const [first] = await stored();
  await storeLetter(pool, { ...letter, detail: "another detail" });
  expect(await stored()).toEqual([first]);
  for (const change of [{ index: 4 }, { origin: "18-0" }, { payload: "{}" }, { source: "v3" }])
    await storeLetter(pool, { ...letter, ...change });
  expect(await stored()).toHaveLength(5);
});

test("stores U+0000 in payload and detail, and megabytes", async () => {
  await storeLetter(pool, { ...letter, payload: "\0{", detail: "Unexpected token '\0'" });
  await storeLetter(pool, { ...letter, payload: "x".repeat(3_000_000) });
  const [nul, large] = await stored();
  expect(nul?.payload).toEqual(Buffer.from([0, 0x7b]));
  expect(nul?.detail).toBe("Unexpected token '\\0'");
  expect(large?.payload.length).toBe(3_000_000);
});

test.each([
  ['{"store":"uptown","id":"01A1FBFE-483E-715C-85C7-0BF011F941B1"}', "01a1fbfe-483e-715c-85c7-0bf011f941b1"],
  ['{"id":"17"}', null],
  ['{"id":17}', null],
  ["{}", null],
  ["null", null],
  ["5", null],
  ['[{"id":"01a1fbfe-483e-715c-85c7-0bf011f941b1"}]', null],
  ["{", null],
  ["[".repeat(100_000), null],
])("stores the order's id of the payload %.40s as %j", async (payload, expected) => {
  await storeLetter(pool, { ...letter, payload });
  expect((await stored()).map((row) => row.order_id)).toEqual([expected]);
});

describe("replayLetter", () => {
  const asLetters = async (orders: readonly Order[]): Promise<string[]> => {
    for (const [index, order] of orders.entries())
      await storeLetter(pool, { ...letter, index, payload: encodeOrder(order) });
    return letterIds(pool, {}, "0", 1_000);
  };
  const counted = () => numberOf(pool, "SELECT coalesce(sum(orders), 0) FROM rollup_hour");
  const open = async (): Promise<number> => (await letterIds(pool, { isOpen: true }, "0", 1_000)).length;

  test("counts into every rollup, in the operator's shard, and raises the board's version", async () => {
    await countOrders(pool, someOrders(3, 9));
    const { version } = await readBoard(pool, null, []);
    const old = someOrders(2).map((order) => ({ ...order, acceptedAtMs: Date.now() - DAY_MS }));
    for (const id of await asLetters(old))
      expect(await replayLetter(pool, id)).toMatchObject({ outcome: "counted", orders: 1, duplicates: 0 });
    expect(await driftOf(pool)).toEqual([]);
    expect(await numberOf(pool, "SELECT sum(orders) FROM rollup_day WHERE shard = $1", [OPERATOR_PART])).toBe(
      2,
    );
    const board = await readBoard(pool, null, []);
    expect(board.version).toBe(version + 2);
    expect(board.views["v2"]?.orders).toBe(5);
    expect(board.views["v2"]?.recent.map(({ id }) => id)).toEqual(
      expect.arrayContaining(old.map(({ id }) => id)),
    );
    // the age of replayed orders is not that of current ones
    expect(board.views["v2"]?.freshnessMs).toBeLessThan(60_000);
  });

  test("counts once when many replay concurrently", async () => {
    const [id = ""] = await asLetters(someOrders(1));
    const replays = await Promise.all(Array.from({ length: 10 }, () => replayLetter(pool, id)));
    expect(replays.map(({ outcome }) => outcome).sort()).toEqual([...Array(9).fill("before"), "counted"]);
    expect(await counted()).toBe(1);
  });

  test("counts each order once when workers count the same orders", async () => {
    const orders = someOrders(60);
    const ids = await asLetters(orders);
    const replays = await Promise.all([
      ...ids.map((id) => replayLetter(pool, id)),
      ...[0, 1, 2].map(async (): Promise<Replay> => {
        const { orders: n, duplicates } = await countOrders(pool, orders.toReversed());
        return { outcome: "counted", orders: n, duplicates, conflicts: 0 };
      }),
    ]);
    const total = replays.reduce((sum, each) => sum + (each.outcome === "counted" ? each.orders : 0), 0);
    expect({ total, counted: await counted(), open: await open() }).toEqual({
      total: 60,
      counted: 60,
      open: 0,
    });
    expect(await driftOf(pool)).toEqual([]);
  });

  test("reports counted orders as duplicates, and another body as a conflict", async () => {
    const [same, changed] = someOrders(2) as [Order, Order];
    await countOrders(pool, [same, { ...changed, body: "another" }], 0, "v3");
    const [first = "", second = ""] = await asLetters([same, changed]);
    const known = { outcome: "counted", orders: 0, duplicates: 1 };
    expect(await replayLetter(pool, first)).toEqual({ ...known, conflicts: 0 });
    expect(await replayLetter(pool, second)).toEqual({ ...known, conflicts: 1 });
    expect({ counted: await counted(), open: await open() }).toEqual({ counted: 2, open: 0 });
    expect(await numberOf(pool, "SELECT count(*) FROM order_conflicts")).toBe(1);
  });

  test("leaves a replayed letter replayed when it is stored again", async () => {
    const orders = someOrders(1);
    const [id = ""] = await asLetters(orders);
    await replayLetter(pool, id);
    expect(await asLetters(orders)).toEqual([id]);
    expect(await open()).toBe(0);
  });

  test("leaves the letter open and counts nothing when its session ends", async () => {
    const [id = ""] = await asLetters(someOrders(1));
    await whileHeld(pool, "LOCK TABLE applied IN ACCESS EXCLUSIVE MODE", async () => {
      const replaying = expect(replayLetter(pool, id)).rejects.toThrow();
      await until("it waits, and is ended", async () => (await endLockWaiters(pool)) > 0);
      await replaying;
    });
    expect({ counted: await counted(), open: await open() }).toEqual({ counted: 0, open: 1 });
    expect(await replayLetter(pool, id)).toMatchObject({ outcome: "counted" });
  });

  test("counts when the letter is discarded concurrently", async () => {
    const [id = ""] = await asLetters(someOrders(1));
    const [replay] = await Promise.all([replayLetter(pool, id), discardLetter(pool, id)]);
    expect(replay.outcome).toBe("counted");
    expect(await numberOf(pool, "SELECT count(*) FROM dead_letters WHERE replayed_at IS NOT NULL")).toBe(1);
    expect(await discardLetter(pool, id)).toBe(false);
  });
});
