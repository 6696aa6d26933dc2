import { describe, expect, test } from "vitest";
import { numberOf } from "../../dev/system/database.ts";
import { poolOn, someOrders } from "../../test/fresh.ts";
import { messageOf } from "../wire/order-message.ts";
import { countCarried } from "./count.ts";
import { isPoison, sqlStateOf } from "./errors.ts";
import type { Pool } from "./pool.ts";
import {
  countOrders,
  endLockWaiters,
  openEmptiedPool,
  untilLockWaiters,
  whileHeld,
} from "./store.fixture.ts";

const pool = await openEmptiedPool(6);
const failureOf = async (counting: Promise<unknown>) => {
  const error: unknown = await counting.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(Error);
  return { state: sqlStateOf(error), poison: isPoison(error) };
};

describe("is poison, and rejects the whole batch:", () => {
  const withLast = (change: (message: Record<string, unknown>) => void): string => {
    const messages = someOrders(10).map((order) => ({ ...messageOf(order) }) as Record<string, unknown>);
    const last = messages.at(-1);
    if (last) change(last);
    return JSON.stringify(messages);
  };
  const set = (member: string, value: unknown) =>
    withLast((message) => Object.assign(message, { [member]: value }));

  test.each<[string, string, () => string]>([
    ["a missing member", "23502", () => withLast((message) => delete message["store"])],
    ["no id", "23502", () => withLast((message) => delete message["id"])],
    ["no accepted_at", "23502", () => withLast((message) => delete message["accepted_at"])],
    ["a price of 0", "23514", () => set("price_cents", 0)],
    ["a price above 10 000.00", "23514", () => set("price_cents", 1_000_001)],
    ["a price that is not a number", "22P02", () => set("price_cents", "cheap")],
    ["a price out of range", "22003", () => set("price_cents", "99999999999999999999")],
    ["a bad uuid", "22P02", () => set("id", "not-an-id")],
    ["a bad time", "22007", () => set("event_time", "yesterday-ish")],
    ["the year 20000", "23514", () => set("event_time", "20000-01-01T00:00:00Z")],
    ["an infinite time of acceptance", "23514", () => set("accepted_at", "infinity")],
    ["an empty store", "23514", () => set("store", "")],
    ["a store of a megabyte", "23514", () => set("store", "x".repeat(1_000_000))],
    ["broken JSON", "22P02", () => withLast(() => undefined).slice(0, -2)],
    ["an escaped NUL character", "22P05", () => set("store", "up\0town")],
    ["a raw NUL character", "22021", () => `${withLast(() => undefined)}\0`],
    ["half a surrogate pair", "22P02", () => set("drink", "latte").replace('"latte"', '"\\ud800"')],
    ["a member that is not an object", "22023", () => "[5]"],
    ["too deep a nesting", "54001", () => `[${"[".repeat(100_000)}${"]".repeat(100_000)}]`],
  ])("%s", async (_name, state, messages) => {
    const batch = { source: "v2", part: 0, position: "1-0", messages: messages() };
    expect(await failureOf(countCarried(pool, batch))).toEqual({ state, poison: true });
    for (const table of ["orders", "rollup_minute", "rollup_hour", "rollup_day", "applied"])
      expect(await numberOf(pool, `SELECT count(*) FROM ${table}`), table).toBe(0);
  });
});

describe("is not poison", () => {
  const failureWhileLocked = (counting: Pool, interrupt: () => Promise<unknown>) =>
    whileHeld(pool, "LOCK TABLE applied IN ACCESS EXCLUSIVE MODE", async () => {
      const failure = failureOf(countOrders(counting, someOrders(3)));
      await untilLockWaiters(pool, 1);
      await interrupt();
      return failure;
    });

  test("a statement over its time limit", async () => {
    const cancel = () =>
      pool.query(
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
      );
    expect(await failureWhileLocked(pool, cancel)).toEqual({ state: "57014", poison: false });
  });

  test("a session that the administrator ends", async () => {
    const failure = await failureWhileLocked(pool, () => endLockWaiters(pool));
    expect(failure).toEqual({ state: "57P01", poison: false });
    expect(await numberOf(pool, "SELECT count(*) FROM orders")).toBe(0);
  });

  test("a refused connection", async () => {
    const unreachable = poolOn("postgres://postgres@127.0.0.1:1/postgres");
    const failure = await failureOf(countOrders(unreachable, someOrders(1)));
    expect(failure).toEqual({ state: undefined, poison: false });
    await unreachable.end();
  });
});
