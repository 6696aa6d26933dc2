/** What v1 knows of its backlog while PostgreSQL is slow. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freshDatabase, poolOn, silent, someOrders } from "../../../test/fresh.ts";
import type { Intake } from "../../ports.ts";
import { loadSettings } from "../../runtime/config.ts";
import type { Pool } from "../../store/pool.ts";
import { openDirectIntake } from "./intake.ts";
import { type DirectSettings, directKnobs } from "./mode.ts";

/** Longer than a statement of the intake may take, and less than two of them. */
const TOO_LONG_MS = 1_700;

let pool: Pool;
let intake: Intake;
beforeAll(async () => {
  const databaseUrl = await freshDatabase();
  pool = poolOn(databaseUrl, 1);
  await pool.query("SET idle_in_transaction_session_timeout = 0");
  const variables = { DATABASE_URL: databaseUrl, BOARD_REDIS_URL: "redis://127.0.0.1:1" };
  intake = openDirectIntake(loadSettings(directKnobs, variables) as DirectSettings, silent);
});
afterAll(async () => {
  await intake.close();
  await pool.end();
});

test("a backlog is counted as far as anybody asked", async () => {
  await intake.accept(someOrders(7));
  expect((await intake.backlog(100)).orders).toBe(7);
  expect((await intake.backlog(5)).orders).toBe(5);
});

test("one that cannot be counted in time is as large as it need be known, and its age is told", async () => {
  await pool.query("BEGIN; LOCK TABLE meta IN ACCESS EXCLUSIVE MODE");
  const asked = intake.backlog(1_000);
  await sleep(TOO_LONG_MS);
  await pool.query("COMMIT");
  const { orders, oldestMs } = await asked;
  expect(orders).toBe(1_000);
  expect(oldestMs).toBeGreaterThan(TOO_LONG_MS);
});

test("while PostgreSQL does not answer at all nothing is said of it", async () => {
  await pool.query("BEGIN; LOCK TABLE meta IN ACCESS EXCLUSIVE MODE");
  try {
    await expect(intake.backlog(1_000)).rejects.toThrow(/statement timeout/);
  } finally {
    await pool.query("COMMIT");
  }
});
