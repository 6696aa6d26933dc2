import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Order } from "#shared/domain/order.ts";
import type { Count, Entry } from "#shared/ports.ts";
import type { Counted } from "#shared/store/count.ts";
import type { DeadLetter } from "#shared/store/dead-letters.ts";
import type { Pool } from "#shared/store/pool.ts";
import { encodeOrder, encodeOrders, messageOf } from "#shared/wire/order-message.ts";
import { migrate } from "../../db/migrate.ts";
import { driftOf, emptied, numberOf } from "../../dev/system/database.ts";
import { startPostgres } from "../../dev/system/servers/postgres.ts";
import type { Server } from "../../dev/system/servers/server.ts";
import { freshDatabase, poolOn, silent, someOrders, until } from "../../test/fresh.ts";
import { openSettle } from "./settle.ts";

let pool: Pool;
let counted: Counted[];
let letters: DeadLetter[];
let warnings: string[];
let stopping: AbortController;

beforeAll(async () => {
  pool = poolOn(await freshDatabase());
});
beforeEach(() => emptied(pool));
afterAll(() => pool.end());

const open = (on: Pool, poisonStopOrders = 20): Count => {
  counted = [];
  letters = [];
  warnings = [];
  stopping = new AbortController();
  return openSettle({
    pool: on,
    mode: "v2",
    log: { ...silent, warn: (_fields, message) => warnings.push(message) },
    signal: stopping.signal,
    poisonStopOrders,
    onCounted: (each) => counted.push(each),
    onDeadLetter: (each) => letters.push(each),
    onConflicts: () => undefined,
  });
};
const carried = (entries: readonly Entry[]) =>
  ({ kind: "carried", part: 0, position: "9-0", entries }) as const;
const entry = (origin: string, payload: string): Entry => ({ origin, payload });
const totals = () => counted.reduce((sum, { orders }) => sum + orders, 0);

type Kept = { origin: string; index: number; reason: string; detail: string; payload: Buffer };
const kept = async (): Promise<Kept[]> =>
  (
    await pool.query<Kept>(
      "SELECT origin, index, reason, detail, payload FROM dead_letters ORDER BY origin, index",
    )
  ).rows;
const rows = () => numberOf(pool, "SELECT count(*) FROM orders");
/** The group's text with one order written otherwise. */
const group = (orders: readonly Order[], bad: number, text: (order: Order) => string): string =>
  `[${orders.map((order, index) => (index === bad ? text(order) : encodeOrder(order))).join(",")}]`;
const priceless = (order: Order): string => JSON.stringify({ ...messageOf(order), price_cents: 0 });

describe("poison", () => {
  test.each<[string, string, (order: Order) => string]>([
    ["a price of 0", "23514", priceless],
    ["no object", "22023", () => "5"],
    ["null", "22023", () => "null"],
    ["an array in the array", "22023", (order) => `[${encodeOrder(order)}]`],
    [
      "a megabyte of an id",
      "22P02",
      (order) => JSON.stringify({ ...messageOf(order), id: "x".repeat(1_000_000) }),
    ],
    [
      "a megabyte of a store",
      "23514",
      (order) => JSON.stringify({ ...messageOf(order), store: "x".repeat(1_000_000) }),
    ],
    [
      "deep nesting",
      "54001",
      (order) => encodeOrder(order).replace("{", `{"more":${"[".repeat(100_000)}${"]".repeat(100_000)},`),
    ],
    [
      "a number no program can hold",
      "22P02",
      (order) => encodeOrder(order).replace(/"price_cents":\d+/, '"price_cents":1e400'),
    ],
    [
      "brackets and quotes in a text",
      "22P05",
      (order) => encodeOrder(order).replace(/"store":"[^"]*"/, '"store":"]},{[\\"\\\\\\u0000"'),
    ],
  ])("%s is set aside alone, byte by byte, and its neighbours count", async (_name, reason, text) => {
    const [first, middle, last] = [someOrders(30, 1), someOrders(101, 2), someOrders(30, 3)];
    const settle = open(pool);
    const payload = group(middle, 57, text);
    await settle(
      carried([entry("1-0", encodeOrders(first)), entry("2-0", payload), entry("3-0", encodeOrders(last))]),
    );
    expect(await rows()).toBe(160);
    expect(totals()).toBe(160);
    expect(await driftOf(pool)).toEqual([]);
    const expected = text(middle[57] as Order);
    expect(
      (await kept()).map(({ payload: bytes, detail: _, ...each }) => ({
        ...each,
        same: bytes.equals(Buffer.from(expected)),
      })),
    ).toEqual([{ origin: "2-0", index: 57, reason, same: true }]);
    expect(letters).toMatchObject([{ source: "v2", origin: "2-0", index: 57, reason, payload: expected }]);
    expect(letters[0]?.detail.length).toBeLessThanOrEqual(1_000);
  });

  test("delivered again it stays one dead letter and counts nothing twice", async () => {
    const orders = someOrders(12);
    const delivery = carried([entry("1-0", group(orders, 0, priceless)), entry("2-0", "no JSON")]);
    const settle = open(pool);
    await settle(delivery);
    await settle(delivery);
    expect((await kept()).map(({ origin, index }) => [origin, index])).toEqual([
      ["1-0", 0],
      ["2-0", -1],
    ]);
    expect(await rows()).toBe(11);
    expect(totals()).toBe(11);
  });

  test.each([
    ["cut off", (text: string) => text.slice(0, -5)],
    ["empty", () => ""],
    ["white", () => "  \n "],
    ["a NUL character", (text: string) => `${text.slice(0, 9)}\0${text.slice(9)}`],
    ["two arrays", (text: string) => `${text},${text}`],
    ["HTML", () => "<html>\0</html>"],
  ])("an entry that is no JSON (%s) is set aside whole", async (_name, spoil) => {
    const good = someOrders(5, 2);
    const broken = spoil(encodeOrders(someOrders(5, 1)));
    await open(pool)(carried([entry("1-0", broken), entry("2-0", encodeOrders(good))]));
    const found = await kept();
    expect(found).toMatchObject([{ origin: "1-0", index: -1, reason: "malformed" }]);
    expect(found[0]?.payload.toString()).toBe(broken);
    expect(found[0]?.detail).not.toBe("");
    expect(await rows()).toBe(5);
    expect(await driftOf(pool)).toEqual([]);
  });

  test("several of one entry each keep their place", async () => {
    const orders = someOrders(64);
    const bad = new Set([0, 1, 31, 63]);
    const texts = orders.map((order, index) => (bad.has(index) ? priceless(order) : encodeOrder(order)));
    await open(pool)(carried([entry("1-0", ` [ ${texts.join(" , ")} ] `)]));
    expect((await kept()).map(({ index }) => index)).toEqual([...bad]);
    expect(await rows()).toBe(60);
  });

  test("single orders, arrays and empty arrays are all entries", async () => {
    const [one, two, three] = [someOrders(1, 1), someOrders(2, 2), someOrders(3, 3)];
    const settle = open(pool);
    await settle(carried([entry("1-0", encodeOrder(one[0] as Order)), entry("2-0", encodeOrders(two))]));
    await settle(
      carried([entry("3-0", "[]"), entry("4-0", `\n${encodeOrders(three)}\n`), entry("5-0", " [ ] ")]),
    );
    await settle(carried([entry("6-0", "[]")]));
    expect(await rows()).toBe(6);
    expect(await kept()).toEqual([]);
  });
});

describe("infrastructure", () => {
  let server: Server;
  let away: Pool;
  beforeAll(async () => {
    server = await startPostgres({ durable: false });
    await migrate(server.url, () => undefined);
    away = poolOn(server.url);
  });
  beforeEach(() => emptied(away));
  afterAll(async () => {
    await away.end();
    await server.stop();
  });
  afterEach(async () => {
    stopping.abort();
    await server.start().catch(() => undefined);
  });

  test("is retried until PostgreSQL is back; nothing is set aside, all counts once", async () => {
    const [before, during] = [someOrders(10, 1), someOrders(40, 2)];
    const settle = open(away);
    await settle(carried([entry("1-0", encodeOrders(before))]));
    await server.kill();
    let settled = false;
    const settling = settle(
      carried([entry("2-0", group(during, 3, priceless)), entry("3-0", "no JSON")]),
    ).then(() => {
      settled = true;
    });
    await until("it has tried", () => warnings.length > 0);
    expect(settled).toBe(false);
    await server.start();
    await settling;
    expect(await numberOf(away, "SELECT count(*) FROM orders")).toBe(49);
    expect(await driftOf(away)).toEqual([]);
    expect(await numberOf(away, "SELECT count(*) FROM dead_letters")).toBe(2);
    expect(letters).toHaveLength(2);
    expect(warnings.every((message) => message.startsWith("counting failed"))).toBe(true);
  });

  test("ends with the stop: the delivery is rejected and nothing is set aside", async () => {
    const settle = open(away);
    await server.kill();
    const settling = settle(carried([entry("1-0", encodeOrders(someOrders(30)))]));
    settling.catch(() => undefined);
    await until("it has tried", () => warnings.length > 0);
    const aborted = performance.now();
    stopping.abort();
    await expect(settling).rejects.toThrow();
    expect(performance.now() - aborted).toBeLessThan(3_000);
    expect(counted).toEqual([]);
    expect(letters).toEqual([]);
  });

  test("stored orders wait for it too", async () => {
    const settle = open(away);
    await server.kill();
    const settling = settle({ kind: "stored", part: 0 });
    await until("it has tried", () => warnings.length > 0);
    await server.start();
    await settling;
    expect(counted).toMatchObject([{ orders: 0 }]);
  });
});
