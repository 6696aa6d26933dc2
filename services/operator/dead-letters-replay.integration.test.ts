import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { openClosers } from "#shared/runtime/lifecycle.ts";
import { encodeOrder } from "#shared/wire/order-message.ts";
import { numberOf } from "../../dev/system/database.ts";
import { temporaryFolder } from "../../dev/system/launcher.ts";
import { someOrders } from "../../test/fresh.ts";
import { UsageError } from "./command.ts";
import { one, openLetters } from "./dead-letters.fixture.ts";
import { deadLetters } from "./dead-letters.ts";

const closers = openClosers();
afterAll(() => closers.closeAll());
const folder = temporaryFolder("coffee-rt-letters-", closers);
const letters = await openLetters();
beforeEach(letters.emptied);

describe("replay", () => {
  test("leaves an order open with the reason while it fails, and counts it later", async () => {
    await letters.keptOrders([one()]);
    await letters.pool.query("ALTER TABLE orders ADD CONSTRAINT nothing CHECK (price_cents < 0) NOT VALID");
    const { status, lines } = await letters
      .run("replay", "1")
      .finally(() => letters.pool.query("ALTER TABLE orders DROP CONSTRAINT nothing"));
    expect(status).toBe(1);
    expect(lines[0]).toMatch(/^1: stays open, it still cannot be counted \(23514\): .*"nothing"/);
    expect(await letters.figures()).toEqual({ open: 1, counted: 0 });
    expect(await letters.run("replay", "1")).toEqual({
      status: 0,
      lines: ["1: replayed; 1 counted.", "1 counted now, 0 had been counted before."],
    });
    expect(await letters.figures()).toEqual({ open: 0, counted: 1 });
    expect((await letters.run("replay", "1")).lines).toContain("1: had been replayed before.");
    expect((await letters.run("replay", "2")).lines).toContain("2: there is no such dead letter.");
  });

  test("of all replays those of a mode and a reason, and leaves those that are not JSON", async () => {
    await letters.keptOrders(someOrders(3, 1), { reason: "23514" });
    await letters.keptOrders(someOrders(2, 2), { source: "v3", reason: "23514" });
    await letters.keptOrders(someOrders(2, 3), { source: "v3" });
    await letters.kept({ source: "v3", index: -1, payload: encodeOrder(one(4)).slice(1) });
    expect((await letters.run("replay", "--all", "--mode", "v3", "--reason", "23514")).lines).toEqual([
      "4: replayed; 1 counted.",
      "5: replayed; 1 counted.",
      "2 counted now, 0 had been counted before.",
    ]);
    const { status, lines } = await letters.run("replay", "--all");
    expect(status).toBe(1);
    expect(lines.at(-2)).toMatch(/^8: stays open, it is not JSON/);
    expect(lines.at(-1)).toBe("5 counted now, 0 had been counted before; 1 could not be replayed.");
    expect(await letters.figures()).toEqual({ open: 1, counted: 7 });
  });

  test("of all reads every page", async () => {
    await letters.pool.query(
      `INSERT INTO dead_letters (source, origin, index, payload, payload_sha256, reason, detail)
       SELECT 'v2', n, 0, '5', '', '22023', '' FROM generate_series(1, 1203) AS n`,
    );
    const { lines } = await letters.run("replay", "--all");
    expect(lines.at(-1)).toBe("0 counted now, 0 had been counted before; 1203 could not be replayed.");
  });

  test("stops between two letters when it is interrupted", async () => {
    await letters.keptOrders(someOrders(3));
    const stopping = new AbortController();
    const say = () => stopping.abort();
    const replaying = deadLetters.run(["replay", "--all"], {
      pool: letters.pool,
      say,
      signal: stopping.signal,
      env: {},
    });
    await expect(replaying).rejects.toThrow("Interrupted");
    expect(await letters.figures()).toEqual({ open: 2, counted: 1 });
  });
});

describe("replay of a correction", () => {
  const written = (text: string): string => {
    const file = join(folder, "payload.json");
    writeFileSync(file, text);
    return file;
  };

  test("counts it in place of the payload, which stays", async () => {
    const order = one();
    const payload = encodeOrder({ ...order, priceCents: 0 });
    await letters.kept({ payload });
    expect(await letters.run("replay", "1", "--payload", written(encodeOrder(order)))).toEqual({
      status: 0,
      lines: ["1: replayed; 1 counted."],
    });
    expect(await numberOf(letters.pool, "SELECT price_cents FROM orders")).toBe(order.priceCents);
    expect((await letters.run("show", "1")).lines.at(-1)).toBe(payload);
    expect((await letters.figures()).open).toBe(0);
  });

  test("counts all orders of an entry or none", async () => {
    const orders = someOrders(3);
    const texts = orders.map(encodeOrder);
    await letters.kept({ index: -1, payload: texts.join(";") });
    const poison = encodeOrder({ ...one(2), priceCents: 0 });
    const refused = await letters.run("replay", "1", "--payload", written(`[${[...texts, poison].join()}]`));
    expect(refused.status).toBe(1);
    expect(refused.lines[0]).toMatch(/^1: stays open, it still cannot be counted \(23514\)/);
    expect(await letters.figures()).toEqual({ open: 1, counted: 0 });
    expect((await letters.run("replay", "1", "--payload", written(`[${texts.join()}]`))).lines).toEqual([
      "1: replayed; 3 counted.",
    ]);
    expect(await letters.figures()).toEqual({ open: 0, counted: 3 });
  });

  const order = one();
  test.each([
    ["not JSON", "{", "not JSON"],
    ["no order", "[]", "has 0 orders"],
    ["two orders for one", `[${someOrders(2).map(encodeOrder).join()}]`, "is one order"],
    ["no id", "{}", "needs an id that is a UUIDv7"],
    ["an id of another kind", '{"id":"17"}', "needs an id that is a UUIDv7"],
    ["another order's id", encodeOrder(one(2)), "a correction keeps its id"],
  ])("refuses %s", async (_name, text, message) => {
    await letters.keptOrders([order]);
    await expect(letters.run("replay", "1", "--payload", written(text))).rejects.toThrow(message);
    await expect(letters.run("replay", "1", "--payload", written(text))).rejects.toThrow(UsageError);
    expect(await letters.figures()).toEqual({ open: 1, counted: 0 });
  });
});

test("a payload file that cannot be read is a usage error", async () => {
  await letters.keptOrders([one()]);
  await expect(letters.run("replay", "1", "--payload", join(folder, "missing"))).rejects.toThrow(
    /cannot be read.*ENOENT/,
  );
});
