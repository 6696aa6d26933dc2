import { createHash } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { emptied } from "../../dev/system/database.ts";
import { freshDatabase, poolOn } from "../../test/fresh.ts";
import { type DeadLetter, setAside } from "./dead-letters.ts";
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
