import { Registry } from "prom-client";
import { expect, onTestFinished, test } from "vitest";
import type { Board } from "#shared/domain/board.ts";
import { EMPTY_VIEW } from "#shared/domain/board.ts";
import { discardLetter, storeLetter } from "#shared/store/dead-letters.ts";
import type { Pool } from "#shared/store/pool.ts";
import { openTestPool, whileHeld } from "#shared/store/store.fixture.ts";
import { poolForTest, until } from "../../test/fresh.ts";
import { openBoardAge } from "./metrics.ts";
import { pollStored } from "./polls.ts";

const pool = await openTestPool();

const POLL_EVERY_MS = 20;
const watch = (on: Pool): Registry => {
  const registry = new Registry();
  const watching = pollStored(on, registry, ["v1", "v2"], POLL_EVERY_MS);
  onTestFinished(() => watching.close());
  return registry;
};
/** `undefined` when the metric has no value. */
const figureIn = async (registry: Registry, metric: string): Promise<number | undefined> => {
  const lines = (await registry.metrics()).split("\n");
  const line = lines.find((each) => each.startsWith(`${metric} `));
  return line === undefined ? undefined : Number(line.split(" ").at(-1));
};
const letters = 'coffee_dead_letters_open{mode="v2"}';

test("exposes open dead letters by mode until they are discarded", async () => {
  const registry = watch(pool);
  await until("a first poll", async () => (await figureIn(registry, letters)) !== undefined);
  expect(await figureIn(registry, letters)).toBe(0);
  for (const origin of ["1-0", "2-0"])
    await storeLetter(pool, { source: "v2", origin, index: 0, payload: "{}", reason: "22P02", detail: "" });
  await until("both are exposed", async () => (await figureIn(registry, letters)) === 2);
  expect(await figureIn(registry, 'coffee_dead_letters_open{mode="v1"}')).toBe(0);
  const { rows } = await pool.query<{ id: string }>("SELECT id FROM dead_letters LIMIT 1");
  expect(await discardLetter(pool, rows[0]?.id ?? "")).toBe(true);
  await until("one is left", async () => (await figureIn(registry, letters)) === 1);
});

test("the age of the watermark is that of the oldest writing transaction", async () => {
  const registry = watch(pool);
  const age = (): Promise<number | undefined> => figureIn(registry, "coffee_watermark_age_seconds");
  await until("no other test writes", async () => ((await age()) ?? 1) < 0.5);
  await whileHeld(pool, "SELECT pg_current_xact_id()", () =>
    until("it grows", async () => ((await age()) ?? 0) > 1),
  );
  await until("it is 0 again", async () => ((await age()) ?? 1) < 0.5);
});

test("exposes no figures while PostgreSQL is unreachable", async () => {
  const unreachable = poolForTest("postgres://unused@127.0.0.1:1/nothing");
  const registry = watch(unreachable);
  expect(await figureIn(registry, "coffee_watermark_age_seconds")).toBeUndefined();
  expect(await figureIn(registry, letters)).toBeUndefined();
  expect(await registry.metrics()).toContain("coffee_dead_letters_open");
});

test("the age of the board is that of the newest one, and grows from the start without one", async () => {
  let board: Board | null = null;
  const registry = new Registry();
  openBoardAge(registry, () => board);
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
  expect(age).toBeLessThan((Date.now() * 1_000 - asOfUs) / 1_000_000 + 0.1);
});
