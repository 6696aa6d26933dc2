import { createHash } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { driftOf, emptied, numberOf } from "../../dev/system/database.ts";
import { freshDatabase, poolOn, someOrders, until } from "../../test/fresh.ts";
import type { Order } from "../domain/order.ts";
import { encodeOrder, encodeOrders } from "../wire/order-message.ts";
import { readBoard } from "./board-read.ts";
import { countCarried } from "./count.ts";
import {
  type DeadLetter,
  discardLetter,
  letterIds,
  OPERATOR_PART,
  type Replay,
  replayLetter,
  setAside,
} from "./dead-letters.ts";
import type { Pool } from "./pool.ts";

let pool: Pool;
beforeAll(async () => {
  pool = poolOn(await freshDatabase());
});
beforeEach(() => emptied(pool));
afterAll(() => pool.end());

const letter: DeadLetter = {
  source: "v2",
  origin: "17-0",
  index: 3,
  payload: '{"id":"x"}',
  reason: "22P02",
  detail: "invalid input syntax for type uuid",
};
const kept = async () =>
  (
    await pool.query<{ payload: Buffer; payload_sha256: Buffer; detail: string; index: number }>(
      "SELECT source, origin, index, payload, payload_sha256, reason, detail, set_aside_at FROM dead_letters ORDER BY id",
    )
  ).rows;

test("keeps the letter with its payload's bytes and hash", async () => {
  const payload = '{"store":"Zürich ☕"}';
  await setAside(pool, { ...letter, payload });
  const [row] = await kept();
  expect(row).toMatchObject({
    source: "v2",
    origin: "17-0",
    index: 3,
    reason: "22P02",
    detail: letter.detail,
  });
  expect(row?.payload.toString()).toBe(payload);
  expect(row?.payload_sha256.toString("hex")).toBe(createHash("sha256").update(payload).digest("hex"));
});

test("the same letter again, also at once, changes nothing; another one is kept too", async () => {
  await Promise.all([setAside(pool, letter), setAside(pool, letter), setAside(pool, letter)]);
  const [first] = await kept();
  await setAside(pool, { ...letter, detail: "told otherwise" });
  expect(await kept()).toEqual([first]);
  await setAside(pool, { ...letter, index: 4 });
  await setAside(pool, { ...letter, origin: "18-0" });
  await setAside(pool, { ...letter, payload: "{}" });
  await setAside(pool, { ...letter, source: "v3" });
  expect(await kept()).toHaveLength(5);
});

test("takes what no text can hold: U+0000 in payload and detail, and megabytes", async () => {
  await setAside(pool, { ...letter, payload: "\0{", detail: "Unexpected token '\0'" });
  await setAside(pool, { ...letter, payload: "x".repeat(3_000_000) });
  const [nul, large] = await kept();
  expect(nul?.payload).toEqual(Buffer.from([0, 0x7b]));
  expect(nul?.detail).toBe("Unexpected token '\\0'");
  expect(large?.payload.length).toBe(3_000_000);
});

test.each([
  ["01A1FBFE-483E-715C-85C7-0BF011F941B1", "01a1fbfe-483e-715c-85c7-0bf011f941b1"],
  ["17", null],
  [17, null],
  [undefined, null],
])("an order's id %j is kept as %j beside it", async (id, expected) => {
  await setAside(pool, { ...letter, payload: JSON.stringify({ store: "uptown", id }) });
  const { rows } = await pool.query("SELECT order_id FROM dead_letters");
  expect(rows).toEqual([{ order_id: expected }]);
});

test.each(["null", "5", "[]", '[{"id":"01a1fbfe-483e-715c-85c7-0bf011f941b1"}]', "{", "[".repeat(100_000)])(
  "%.9s tells no id",
  async (payload) => {
    await setAside(pool, { ...letter, payload });
    const { rows } = await pool.query("SELECT order_id FROM dead_letters");
    expect(rows).toEqual([{ order_id: null }]);
  },
);

describe("replayLetter", () => {
  let pool: Pool;
  beforeAll(async () => {
    pool = poolOn(await freshDatabase(), 10);
  });
  beforeEach(() => emptied(pool));
  afterAll(() => pool.end());

  const kept = async (orders: readonly Order[], source = "v2"): Promise<string[]> => {
    for (const [index, order] of orders.entries())
      await setAside(pool, {
        source,
        origin: "1-0",
        index,
        payload: encodeOrder(order),
        reason: "23514",
        detail: "",
      });
    return letterIds(pool, {}, "0", 1_000);
  };
  const count = (orders: readonly Order[], source = "v2") =>
    countCarried(pool, { source, part: 0, position: "1-0", messages: encodeOrders(orders) });
  const counted = () => numberOf(pool, "SELECT coalesce(sum(orders), 0) FROM rollup_hour");
  const open = async (): Promise<number> => (await letterIds(pool, { isOpen: true }, "0", 1_000)).length;
  const outcomes = (replays: readonly Replay[]): string[] => replays.map(({ outcome }) => outcome).sort();

  test("counts into every rollup, in the operator's own shard, and the board's version grows", async () => {
    const now = await count(someOrders(3, 9)).then(() => readBoard(pool, null, []));
    const old = someOrders(2).map((order) => ({ ...order, acceptedAtMs: Date.now() - 86_400_000 }));
    for (const id of await kept(old))
      expect(await replayLetter(pool, id)).toMatchObject({ outcome: "counted", orders: 1, duplicates: 0 });
    expect(await driftOf(pool)).toEqual([]);
    expect(await numberOf(pool, "SELECT sum(orders) FROM rollup_day WHERE shard = $1", [OPERATOR_PART])).toBe(
      2,
    );
    const board = await readBoard(pool, null, []);
    expect(board.version).toBe(now.version + 2);
    expect(board.views["v2"]?.orders).toBe(5);
    expect(board.views["v2"]?.recent.map(({ id }) => id)).toEqual(
      expect.arrayContaining(old.map(({ id }) => id)),
    );
    // a day old is what was replayed, not what comes now
    expect(board.views["v2"]?.freshnessMs).toBeLessThan(60_000);
  });

  test("many at once count once, and one of them did it", async () => {
    const [id = ""] = await kept(someOrders(1));
    const replays = await Promise.all(Array.from({ length: 10 }, () => replayLetter(pool, id)));
    expect(outcomes(replays)).toEqual([...Array(9).fill("before"), "counted"]);
    expect(await counted()).toBe(1);
  });

  test("at once with workers that are brought the same orders, each counts once", async () => {
    const orders = someOrders(60);
    const ids = await kept(orders);
    const replays = await Promise.all([
      ...ids.map((id) => replayLetter(pool, id)),
      ...[0, 1, 2].map(async (): Promise<Replay> => {
        const { orders: n, duplicates } = await count(orders.toReversed());
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

  test("what had been counted before is a duplicate, and another body a conflict", async () => {
    const [same, changed] = someOrders(2) as [Order, Order];
    await count([same, { ...changed, body: "another" }], "v3");
    const [first = "", second = ""] = await kept([same, changed]);
    const known = { outcome: "counted", orders: 0, duplicates: 1 };
    expect(await replayLetter(pool, first)).toEqual({ ...known, conflicts: 0 });
    expect(await replayLetter(pool, second)).toEqual({ ...known, conflicts: 1 });
    expect({ counted: await counted(), open: await open() }).toEqual({ counted: 2, open: 0 });
    expect(await numberOf(pool, "SELECT count(*) FROM order_conflicts")).toBe(1);
  });

  test("the same letter set aside again after its replay stays replayed", async () => {
    const orders = someOrders(1);
    const [id = ""] = await kept(orders);
    await replayLetter(pool, id);
    expect(await kept(orders)).toEqual([id]);
    expect(await open()).toBe(0);
  });

  test("a session that ends in the middle leaves the letter open and nothing counted", async () => {
    const [id = ""] = await kept(someOrders(1));
    const lock = await pool.connect();
    try {
      await lock.query(
        "SET idle_in_transaction_session_timeout = 0; BEGIN; LOCK TABLE applied IN ACCESS EXCLUSIVE MODE",
      );
      const replaying = replayLetter(pool, id);
      replaying.catch(() => undefined);
      const ended = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE wait_event_type = 'Lock' AND datname = current_database()`;
      await until("it counts, and is ended", async () => (await pool.query(ended)).rows.length > 0);
      await expect(replaying).rejects.toThrow();
    } finally {
      lock.release(true);
    }
    expect({ counted: await counted(), open: await open() }).toEqual({ counted: 0, open: 1 });
    expect(await replayLetter(pool, id)).toMatchObject({ outcome: "counted" });
  });

  test("replayed and discarded at once it counts, and is replayed", async () => {
    const [id = ""] = await kept(someOrders(1));
    const [replay] = await Promise.all([replayLetter(pool, id), discardLetter(pool, id)]);
    expect(replay.outcome).toBe("counted");
    expect(await numberOf(pool, "SELECT count(*) FROM dead_letters WHERE replayed_at IS NOT NULL")).toBe(1);
    expect(await discardLetter(pool, id)).toBe(false);
  });
});
