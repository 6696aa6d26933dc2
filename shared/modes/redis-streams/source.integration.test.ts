import { beforeEach, expect, test } from "vitest";
import { freshDatabase, poolOn, silent, until } from "../../../test/fresh.ts";
import type { Pool } from "../../store/pool.ts";
import { type Lease, leaseSlot } from "./source.ts";

let pool: Pool;
let leases: Set<Lease>;
beforeEach(async () => {
  pool = poolOn(await freshDatabase(), 8);
  leases = new Set();
  return async () => {
    for (const each of leases) await each.release();
    await pool.end();
  };
});

const lease = async (slots = 3): Promise<Lease | null> => {
  const leased = await leaseSlot(pool, slots, silent);
  if (leased) leases.add(leased);
  return leased;
};
const release = async (which: Lease | null | undefined): Promise<void> => {
  if (which && leases.delete(which)) await which.release();
};
const ADVISORY =
  "FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
const loseSlot = async (mine: Lease | null): Promise<void> => {
  expect(mine?.lost.aborted).toBe(false);
  await pool.query(`SELECT pg_terminate_backend(pid) ${ADVISORY}`);
  await until("it is lost", () => mine?.lost.aborted === true);
};

test("leases the lowest free slots, also concurrently, each in a session of its own", async () => {
  expect((await lease())?.slot).toBe(0);
  const two = await Promise.all([lease(), lease()]);
  expect(two.map((each) => each?.slot).sort()).toEqual([1, 2]);
  const { rows } = await pool.query(
    `SELECT count(*)::int AS locks, count(DISTINCT pid)::int AS sessions ${ADVISORY}`,
  );
  expect(rows).toEqual([{ locks: 3, sessions: 3 }]);
});

test("returns null while all slots are leased, and leases a released one again", async () => {
  await Promise.all([lease(), lease(), lease()]);
  expect(await lease()).toBeNull();
  expect(pool.totalCount).toBe(3);
  const middle = [...leases].find(({ slot }) => slot === 1);
  await release(middle);
  expect(middle?.lost.aborted).toBe(false);
  await until("the server has noticed", async () => (await lease())?.slot === 1);
  expect(await lease()).toBeNull();
});

test("aborts `lost` when the server ends the session, and another worker gets the slot", async () => {
  const mine = await lease(1);
  expect(await lease(1)).toBeNull();
  await loseSlot(mine);
  // the server reports the end of a session before it releases the session's locks
  await until("another worker gets the slot", async () => (await lease(1))?.slot === 0);
});

test("releases a lost lease like any other", async () => {
  const mine = await lease(1);
  await loseSlot(mine);
  await release(mine);
  expect(pool.totalCount).toBeLessThanOrEqual(1);
  expect((await pool.query("SELECT 1")).rowCount).toBe(1);
});

test("rejects while PostgreSQL is unreachable, and keeps no connection", async () => {
  const unreachable = poolOn("postgres://postgres@127.0.0.1:1/postgres");
  await expect(leaseSlot(unreachable, 3, silent)).rejects.toThrow();
  expect(unreachable.totalCount).toBe(0);
  await unreachable.end();
});
