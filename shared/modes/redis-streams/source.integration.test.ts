import { afterEach, beforeEach, expect, test } from "vitest";
import { freshDatabase, poolOn, silent, until } from "../../../test/fresh.ts";
import type { Pool } from "../../store/pool.ts";
import { type Lease, leaseSlot } from "./source.ts";

let pool: Pool;
let leases: Lease[] = [];
beforeEach(async () => {
  pool = poolOn(await freshDatabase(), 8);
});
afterEach(async () => {
  for (const lease of leases) await lease.release();
  leases = [];
  await pool.end();
});

const lease = async (slots = 3): Promise<Lease | null> => {
  const taken = await leaseSlot(pool, slots, silent);
  if (taken) leases.push(taken);
  return taken;
};
const released = async (which: Lease | undefined): Promise<void> => {
  leases = leases.filter((each) => each !== which);
  await which?.release();
};
const endSessions = () =>
  pool.query(
    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
  );

test("workers get slots of their own, the lowest first, also at once", async () => {
  expect((await lease())?.slot).toBe(0);
  const two = await Promise.all([lease(), lease()]);
  expect(two.map((each) => each?.slot).sort()).toEqual([1, 2]);
});

test("null when all are taken, and a released one is given again", async () => {
  await Promise.all([lease(), lease(), lease()]);
  expect(await lease()).toBeNull();
  expect(pool.totalCount).toBe(3);
  const middle = leases.find(({ slot }) => slot === 1);
  await released(middle);
  expect(middle?.lost.aborted).toBe(false);
  await until("the server has noticed", async () => (await lease())?.slot === 1);
  expect(await lease()).toBeNull();
});

test("one connection gives one slot at a time", async () => {
  await lease();
  await lease();
  const { rows } = await pool.query(
    "SELECT count(*)::int AS locks, count(DISTINCT pid)::int AS sessions FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
  );
  expect(rows).toEqual([{ locks: 2, sessions: 2 }]);
});

test("`lost` aborts when the server ends the session, and another gets the slot", async () => {
  const mine = await lease(1);
  expect(mine?.lost.aborted).toBe(false);
  expect(await lease(1)).toBeNull();
  await endSessions();
  await until("it is lost", () => mine?.lost.aborted === true);
  // the server reports the end of a session before it releases the session's locks
  await until("another worker gets the slot", async () => (await lease(1))?.slot === 0);
});

test("a lost lease can be released like any other", async () => {
  const mine = await lease(1);
  await endSessions();
  await until("it is lost", () => mine?.lost.aborted === true);
  await released(mine ?? undefined);
  expect(pool.totalCount).toBeLessThanOrEqual(1);
  expect((await pool.query("SELECT 1")).rowCount).toBe(1);
});

test("rejects while PostgreSQL is away, and keeps no connection", async () => {
  const nobody = poolOn("postgres://postgres@127.0.0.1:1/postgres");
  await expect(leaseSlot(nobody, 3, silent)).rejects.toThrow();
  expect(nobody.totalCount).toBe(0);
  await nobody.end();
});
