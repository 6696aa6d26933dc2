import { Registry } from "prom-client";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Board } from "#shared/domain/board.ts";
import { EMPTY_VIEW } from "#shared/domain/board.ts";
import { discardLetter, setAside } from "#shared/store/dead-letters.ts";
import type { Pool } from "#shared/store/pool.ts";
import { freshDatabase, poolOn, until } from "../../test/fresh.ts";
import { openBoardAge } from "./metrics.ts";
import { pollStored } from "./polls.ts";

let pool: Pool;
beforeAll(async () => {
  pool = poolOn(await freshDatabase());
});
afterAll(() => pool.end());

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

const LOOK_EVERY_MS = 20;
const watch = (on: Pool): Registry => {
  const registry = new Registry();
  const watching = pollStored(on, registry, ["v1", "v2"], LOOK_EVERY_MS);
  closers.push(() => watching.close());
  return registry;
};
/** `undefined` when the metric has no value. */
const figureIn = async (registry: Registry, metric: string): Promise<number | undefined> => {
  const lines = (await registry.metrics()).split("\n");
  const line = lines.find((each) => each.startsWith(`${metric} `));
  return line === undefined ? undefined : Number(line.split(" ").at(-1));
};
const letters = 'coffee_dead_letters_open{mode="v2"}';

test("open dead letters are told by mode until somebody has seen to them", async () => {
  const registry = watch(pool);
  await until("a first look", async () => (await figureIn(registry, letters)) !== undefined);
  expect(await figureIn(registry, letters)).toBe(0);
  for (const origin of ["1-0", "2-0"])
    await setAside(pool, { source: "v2", origin, index: 0, payload: "{}", reason: "22P02", detail: "" });
  await until("both are told", async () => (await figureIn(registry, letters)) === 2);
  expect(await figureIn(registry, 'coffee_dead_letters_open{mode="v1"}')).toBe(0);
  const { rows } = await pool.query<{ id: string }>("SELECT id FROM dead_letters LIMIT 1");
  expect(await discardLetter(pool, rows[0]?.id ?? "")).toBe(true);
  await until("one is left", async () => (await figureIn(registry, letters)) === 1);
});

test("the watermark ages with the oldest transaction that writes, and no other", async () => {
  const registry = watch(pool);
  const age = (): Promise<number | undefined> => figureIn(registry, "coffee_watermark_age_seconds");
  await until("nobody else of this server writes", async () => ((await age()) ?? 1) < 0.5);
  const writer = await pool.connect();
  try {
    await writer.query(
      "BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0; SELECT pg_current_xact_id()",
    );
    await until("it is held", async () => ((await age()) ?? 0) > 1);
  } finally {
    await writer.query("ROLLBACK");
    writer.release();
  }
  await until("it is free", async () => ((await age()) ?? 1) < 0.5);
});

test("without an answer of PostgreSQL there are no figures", async () => {
  const away = poolOn("postgres://nobody@127.0.0.1:1/nothing");
  closers.push(() => void away.end());
  const registry = watch(away);
  expect(await figureIn(registry, "coffee_watermark_age_seconds")).toBeUndefined();
  expect(await figureIn(registry, letters)).toBeUndefined();
  expect(await registry.metrics()).toContain("coffee_dead_letters_open");
});

test("the age of the board is that of the newest one, and grows before the first too", async () => {
  let board: Board | null = null;
  const registry = new Registry();
  openBoardAge(registry, () => board);
  expect(await figureIn(registry, "coffee_board_age_seconds")).toBeLessThan(5);
  await until("it grows", async () => ((await figureIn(registry, "coffee_board_age_seconds")) ?? 0) > 0.1);
  const asOfUs = (Date.now() - 7_000) * 1_000;
  board = {
    epoch: 1,
    version: 1,
    asOfUs,
    storesAsOfUs: 0,
    hourStartMs: 0,
    views: { all: EMPTY_VIEW },
  } as Board;
  const age = (await figureIn(registry, "coffee_board_age_seconds")) ?? 0;
  expect(age).toBeGreaterThanOrEqual(7);
  expect(age).toBeLessThan(12);
});
