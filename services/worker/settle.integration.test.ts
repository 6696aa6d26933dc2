import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Order } from "#shared/domain/order.ts";
import type { Pool } from "#shared/store/pool.ts";
import { openEmptiedPool } from "#shared/store/store.fixture.ts";
import { encodeOrder, encodeOrders, messageOf } from "#shared/wire/order-message.ts";
import { migrate } from "../../db/migrate.ts";
import { driftOf, emptied } from "../../dev/system/database.ts";
import { startPostgres } from "../../dev/system/servers/postgres.ts";
import type { Server } from "../../dev/system/servers/server.ts";
import { poolOn, someOrders, until } from "../../test/fresh.ts";
import { promisedWithin } from "../../test/promised.ts";
import { countOf, delivered, entryOf, openSettling, type Settling, withoutPrice } from "./settle.fixture.ts";

const pool = await openEmptiedPool();

type Kept = { origin: string; index: number; reason: string; detail: string; payload: Buffer };
const KEPT = "SELECT origin, index, reason, detail, payload FROM dead_letters ORDER BY origin, index";
const kept = async (): Promise<Kept[]> => (await pool.query<Kept>(KEPT)).rows;
const rows = (): Promise<number> => countOf(pool, "orders");
const totalOf = ({ counted }: Settling): number => counted.reduce((sum, { orders }) => sum + orders, 0);

describe("poison", () => {
  const withMember = (name: string, value: unknown) => (order: Order) =>
    JSON.stringify({ ...messageOf(order), [name]: value });
  const MEGABYTE = "x".repeat(1_000_000);
  const NESTED = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;

  test.each<[string, string, (order: Order) => string]>([
    ["a price of 0", "23514", withoutPrice],
    ["no object", "22023", () => "5"],
    ["null", "22023", () => "null"],
    ["an array in the array", "22023", (order) => `[${encodeOrder(order)}]`],
    ["an id of a megabyte", "22P02", withMember("id", MEGABYTE)],
    ["a store of a megabyte", "23514", withMember("store", MEGABYTE)],
    ["deep nesting", "54001", (order) => encodeOrder(order).replace("{", `{"more":${NESTED},`)],
    [
      "a number out of range",
      "22P02",
      (order) => encodeOrder(order).replace(/"price_cents":\d+/, '"price_cents":1e400'),
    ],
    [
      "brackets and quotes in a text",
      "22P05",
      (order) => encodeOrder(order).replace(/"store":"[^"]*"/, '"store":"]},{[\\"\\\\\\u0000"'),
    ],
  ])("%s is set aside alone, with its bytes, and its neighbours count", async (_name, reason, text) => {
    const [first, middle, last] = [someOrders(30, 1), someOrders(101, 2), someOrders(30, 3)];
    const settling = openSettling(pool);
    const payload = entryOf(middle, (index) => index === 57, text);
    await settling.settle(delivered([encodeOrders(first), payload, encodeOrders(last)]));
    expect([await rows(), totalOf(settling)]).toEqual([160, 160]);
    expect(await driftOf(pool)).toEqual([]);
    const expected = text(middle[57] as Order);
    const found = (await kept()).map(({ payload: bytes, detail: _, ...each }) => ({
      ...each,
      isSame: bytes.equals(Buffer.from(expected)),
    }));
    expect(found).toEqual([{ origin: "2-0", index: 57, reason, isSame: true }]);
    const [letter] = settling.letters;
    expect(settling.letters).toMatchObject([
      { ...{ source: "v2", origin: "2-0", index: 57 }, reason, payload: expected },
    ]);
    expect(letter?.detail.length).toBeLessThanOrEqual(1_000);
  });

  test("a redelivery adds no dead letter and counts nothing twice", async () => {
    const delivery = delivered([entryOf(someOrders(12), (index) => index === 0), "no JSON"]);
    const settling = openSettling(pool);
    await settling.settle(delivery);
    await settling.settle(delivery);
    expect((await kept()).map(({ origin, index }) => [origin, index])).toEqual([
      ["1-0", 0],
      ["2-0", -1],
    ]);
    expect([await rows(), totalOf(settling)]).toEqual([11, 11]);
  });

  test.each([
    ["cut off", (text: string) => text.slice(0, -5)],
    ["empty", () => ""],
    ["white space", () => "  \n "],
    ["a NUL character", (text: string) => `${text.slice(0, 9)}\0${text.slice(9)}`],
    ["two arrays", (text: string) => `${text},${text}`],
    ["HTML", () => "<html>\0</html>"],
  ])("an entry that is no JSON (%s) is set aside as a whole", async (_name, spoil) => {
    const broken = spoil(encodeOrders(someOrders(5, 1)));
    await openSettling(pool).settle(delivered([broken, encodeOrders(someOrders(5, 2))]));
    const found = await kept();
    expect(found).toMatchObject([{ origin: "1-0", index: -1, reason: "malformed" }]);
    expect(found[0]?.payload.toString()).toBe(broken);
    expect(found[0]?.detail).not.toBe("");
    expect(await rows()).toBe(5);
    expect(await driftOf(pool)).toEqual([]);
  });

  test("several orders of one entry keep their index", async () => {
    const bad = new Set([0, 1, 31, 63]);
    const texts = someOrders(64).map((order, index) =>
      bad.has(index) ? withoutPrice(order) : encodeOrder(order),
    );
    await openSettling(pool).settle(delivered([` [ ${texts.join(" , ")} ] `]));
    expect((await kept()).map(({ index }) => index)).toEqual([...bad]);
    expect(await rows()).toBe(60);
  });
});

test("counts entries of one order, of several, and of none", async () => {
  const [one, two, three] = [someOrders(1, 1), someOrders(2, 2), someOrders(3, 3)];
  const { settle } = openSettling(pool);
  await settle(delivered([encodeOrder(one[0] as Order), encodeOrders(two)]));
  await settle(delivered(["[]", `\n${encodeOrders(three)}\n`, " [ ] "], 3));
  await settle(delivered(["[]"], 6));
  expect([await rows(), await kept()]).toEqual([6, []]);
});

describe("while PostgreSQL is down", () => {
  let server: Server;
  let down: Pool;
  beforeAll(async () => {
    server = await startPostgres({ durable: false });
    await migrate(server.url, () => undefined);
    down = poolOn(server.url);
  });
  beforeEach(() => emptied(down));
  afterAll(async () => {
    await down.end();
    await server.stop();
  });
  afterEach(() => server.start().catch(() => undefined));

  test("retries until it is back; nothing is set aside, all counts once", async () => {
    const { settle, letters, warnings } = openSettling(down);
    await settle(delivered([encodeOrders(someOrders(10, 1))]));
    await server.kill();
    let settled = false;
    const during = delivered([entryOf(someOrders(40, 2), (index) => index === 3), "no JSON"], 2);
    const settling = settle(during).then(() => {
      settled = true;
    });
    await until("it has tried", () => warnings.length > 0);
    expect(settled).toBe(false);
    await server.start();
    await settling;
    expect([await countOf(down, "orders"), await countOf(down, "dead_letters")]).toEqual([49, 2]);
    expect(await driftOf(down)).toEqual([]);
    expect(letters).toHaveLength(2);
    expect(warnings.every((message) => message.startsWith("counting failed"))).toBe(true);
  });

  test("rejects the delivery on a stop, and nothing is set aside", async () => {
    const { settle, counted, letters, warnings, stopping } = openSettling(down);
    await server.kill();
    const settling = settle(delivered([encodeOrders(someOrders(30))]));
    settling.catch(() => undefined);
    await until("it has tried", () => warnings.length > 0);
    stopping.abort();
    await promisedWithin(3_000, "the delivery is rejected", expect(settling).rejects.toThrow());
    expect([counted, letters]).toEqual([[], []]);
  });

  test("counts stored orders once it is back", async () => {
    const { settle, counted, warnings } = openSettling(down);
    await server.kill();
    const settling = settle({ kind: "stored", part: 0 });
    await until("it has tried", () => warnings.length > 0);
    await server.start();
    await settling;
    expect(counted).toMatchObject([{ orders: 0 }]);
  });
});
