import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { emptied, numberOf } from "../../dev/system/database.ts";
import { freshDatabase, poolOn, someOrders, until } from "../../test/fresh.ts";
import { encodeOrders, messageOf } from "../wire/order-message.ts";
import { countCarried } from "./count.ts";
import { isPoison, sqlStateOf } from "./errors.ts";
import { openPool, type Pool } from "./pool.ts";

let databaseUrl: string;
let pool: Pool;
beforeAll(async () => {
  databaseUrl = await freshDatabase();
  pool = poolOn(databaseUrl, 6);
});
beforeEach(() => emptied(pool));
afterAll(() => pool.end());

describe("poison rejects the whole batch", () => {
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
    ["a price that is no number", "22P02", () => set("price_cents", "cheap")],
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
    ["a member that is no object", "22023", () => "[5]"],
    ["too deep a nesting", "54001", () => `[${"[".repeat(100_000)}${"]".repeat(100_000)}]`],
  ])("%s", async (_name, state, messages) => {
    const error: unknown = await countCarried(pool, {
      source: "v2",
      part: 0,
      position: "1-0",
      messages: messages(),
    }).catch((reason: unknown) => reason);
    expect({ state: sqlStateOf(error), poison: isPoison(error) }).toEqual({ state, poison: true });
    for (const table of ["orders", "rollup_minute", "rollup_hour", "rollup_day", "applied"])
      expect(await numberOf(pool, `SELECT count(*) FROM ${table}`), table).toBe(0);
  });
});

describe("infrastructure is no poison", () => {
  /** Counts while the table is locked, until `interrupt` has ended it. */
  const countWhileLocked = async (counting: Pool, interrupt: () => Promise<void>): Promise<unknown> => {
    const lock = await pool.connect();
    try {
      await lock.query(
        "SET idle_in_transaction_session_timeout = 0; BEGIN; LOCK TABLE applied IN ACCESS EXCLUSIVE MODE",
      );
      const messages = encodeOrders(someOrders(3));
      const outcome = countCarried(counting, { source: "v2", part: 0, position: "1-0", messages }).catch(
        (error: unknown) => error,
      );
      await until("the statement waits", async () => (await waiting()) === 1);
      await interrupt();
      return await outcome;
    } finally {
      lock.release(true);
    }
  };
  const waiting = (): Promise<number> =>
    numberOf(
      pool,
      "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
    );

  test("a statement that takes too long", async () => {
    const hasty = openPool(
      { databaseUrl, program: "hasty", maxConnections: 1, statementTimeoutMs: 300, connectTimeoutMs: 2_000 },
      () => undefined,
    );
    const error = await countWhileLocked(hasty, async () => undefined);
    await hasty.end();
    expect({ state: sqlStateOf(error), poison: isPoison(error) }).toEqual({ state: "57014", poison: false });
  });

  test("a session that the administrator ends", async () => {
    const error = await countWhileLocked(pool, async () => {
      await pool.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE wait_event_type = 'Lock' AND datname = current_database()`,
      );
    });
    expect({ state: sqlStateOf(error), poison: isPoison(error) }).toEqual({ state: "57P01", poison: false });
    expect(await numberOf(pool, "SELECT count(*) FROM orders")).toBe(0);
  });

  test("a refused connection", async () => {
    const nobody = poolOn("postgres://postgres@127.0.0.1:1/postgres");
    const messages = encodeOrders(someOrders(1));
    const error: unknown = await countCarried(nobody, {
      source: "v2",
      part: 0,
      position: "1-0",
      messages,
    }).catch((reason: unknown) => reason);
    await nobody.end();
    expect(error).toBeInstanceOf(Error);
    expect(isPoison(error)).toBe(false);
  });
});
