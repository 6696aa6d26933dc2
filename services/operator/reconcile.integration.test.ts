/** The command as an operator calls it: a process, its lines and its status. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Pool } from "#shared/store/pool.ts";
import { at, HOUR, KEYS, sold } from "#shared/store/reconcile.fixture.ts";
import { driftOf, numberOf } from "../../dev/system/database.ts";
import { freshDatabase, poolOn, until } from "../../test/fresh.ts";

let databaseUrl: string;
let pool: Pool;
beforeAll(async () => {
  databaseUrl = await freshDatabase();
  pool = poolOn(databaseUrl);
});
beforeEach(() => sold(pool));
afterAll(() => pool.end());

type Ended = { readonly status: number | null; readonly out: string; readonly err: string };
const main = join(import.meta.dirname, "main.ts");
const start = (...args: string[]) => {
  const ended = Promise.withResolvers<Ended>();
  const child = execFile(
    process.execPath,
    [main, "reconcile", ...args],
    { env: { DATABASE_URL: databaseUrl } },
    (_error, out, err) => ended.resolve({ status: child.exitCode, out, err }),
  );
  return { child, ended: ended.promise };
};
const reconcile = (...args: string[]): Promise<Ended> => start(...args).ended;

test("says equal, with status 0, in words and as JSON, and names what is history", async () => {
  expect(await reconcile()).toEqual({
    status: 0,
    out: "Equal: the rollups agree with 244 orders.\n",
    err: "",
  });
  await pool.query("INSERT INTO dropped VALUES ('orders', $1)", [at(HOUR)]);
  const { status, out } = await reconcile();
  expect(status).toBe(0);
  expect(out).toContain(`orders up to ${at(HOUR)} were dropped by retention`);
  expect(JSON.parse((await reconcile("--json")).out)).toMatchObject({
    equal: true,
    apart: 0,
    history: { orders: at(HOUR) },
  });
});

test("tells a difference by table, bucket and key, with status 1, and changes nothing", async () => {
  await pool.query(`UPDATE rollup_hour SET orders = orders + 1 WHERE drink = 'affogato';
    UPDATE applied SET orders = orders - 2 WHERE source = 'v1'`);
  for (let again = 0; again < 2; again++) {
    const { status, out } = await reconcile();
    expect(status).toBe(1);
    expect(out.split("\n")).toEqual([
      "applied v1: orders 38; should be 40",
      `rollup_hour ${at(HOUR)} v2 uptown affogato: orders 6, revenue 45.00; should be orders 5, revenue 45.00`,
      "2 rows differ from 244 orders. To rebuild: reconcile --repair",
      "",
    ]);
  }
  const { status, out } = await reconcile("--json");
  expect(status).toBe(1);
  expect(JSON.parse(out)).toMatchObject({
    equal: false,
    apart: 1,
    totals: [{ mode: "v1", want: 40, have: 38 }],
    first: [{ rollup: "rollup_hour", bucket: at(HOUR), drink: "affogato", have: { orders: 6 } }],
  });
});

test("tells twenty of many and how many more there are", async () => {
  await pool.query("DELETE FROM rollup_minute; DELETE FROM rollup_day");
  const lines = (await reconcile()).out.trimEnd().split("\n");
  expect(lines).toHaveLength(22);
  expect(lines[20]).toMatch(/^and \d+ more: .*rollup_minute \d+/);
});

test("repairs, shows what, with status 0; and again there is nothing to do", async () => {
  await pool.query(KEYS.map(({ rollup }) => `DELETE FROM ${rollup} WHERE bucket = '${at(HOUR)}'`).join(";"));
  const { status, out } = await reconcile("--repair");
  expect(status).toBe(0);
  expect(out).toContain(
    `rollup_hour ${at(HOUR)} v2 uptown affogato: nothing; should be orders 5, revenue 45.00`,
  );
  expect(out).toMatch(
    /Rebuilt 3 rows from their orders; counting waited \d+ ms; boards continue as epoch 2\./,
  );
  expect(await driftOf(pool)).toEqual([]);
  expect((await reconcile("--repair")).out).toMatch(/^Equal/);
  expect(JSON.parse((await reconcile("--repair", "--json")).out)).toMatchObject({ equal: true, epoch: null });
});

test.each([
  ["SIGINT", 130],
  ["SIGKILL", null],
] as const)("is ended by %s in the middle, and nothing is changed or left waiting", async (how, status) => {
  await pool.query("DELETE FROM rollup_minute");
  const waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'coffee-reconcile'";
  const holder = await pool.connect();
  try {
    await holder.query(
      "BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0; UPDATE meta SET epoch = epoch",
    );
    const { child, ended } = start("--repair");
    await until(
      "it holds the lock",
      async () => (await numberOf(pool, `${waiting} AND wait_event_type = 'Lock'`)) === 1,
    );
    child.kill(how);
    expect((await ended).status).toBe(status);
    await until("its session is gone", async () => (await numberOf(pool, waiting)) === 0);
  } finally {
    await holder.query("ROLLBACK");
    holder.release();
  }
  expect(await numberOf(pool, "SELECT count(*) FROM rollup_minute")).toBe(0);
  expect(await numberOf(pool, "SELECT epoch FROM meta")).toBe(1);
});

test("called wrongly says how, with status 2", async () => {
  const { status, err } = await reconcile("--mend");
  expect(status).toBe(2);
  expect(err).toContain("--mend");
  expect(err).toContain("reconcile --repair");
});
