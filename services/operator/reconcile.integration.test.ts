/** `npm run reconcile` as a process: its output and exit codes. */
import { afterAll, beforeEach, expect, test } from "vitest";
import { at, HOUR, KEYS, sold } from "#shared/store/reconcile.fixture.ts";
import { untilLockWaiters, whileHeld } from "#shared/store/store.fixture.ts";
import { driftOf, numberOf } from "../../dev/system/database.ts";
import { freshDatabase, poolOn, until } from "../../test/fresh.ts";
import { OPERATOR, startProgram } from "../../test/processes.ts";

const databaseUrl = await freshDatabase();
const pool = poolOn(databaseUrl);
beforeEach(() => sold(pool));
afterAll(() => pool.end());

const start = (...args: string[]) =>
  startProgram(OPERATOR, { DATABASE_URL: databaseUrl }, ["reconcile", ...args]);
const reconcile = async (...args: string[]): Promise<{ status: number | null; out: string }> => {
  const program = start(...args);
  return { status: await program.ended, out: program.output() };
};

test("exits with 0 when all is equal, and prints what was dropped, as text and JSON", async () => {
  expect(await reconcile()).toEqual({ status: 0, out: "Equal: the rollups agree with 244 orders.\n" });
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

test("exits with 1 and prints each difference with table, bucket and key, and changes nothing", async () => {
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

test("prints twenty differences and the number of others", async () => {
  await pool.query("DELETE FROM rollup_minute; DELETE FROM rollup_day");
  const lines = (await reconcile()).out.trimEnd().split("\n");
  expect(lines).toHaveLength(22);
  expect(lines[20]).toMatch(/^and \d+ more: .*rollup_minute \d+/);
});

test("repairs, prints the changes and exits with 0; a second repair has none", async () => {
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
] as const)("%s ends a repair, which changes nothing and leaves no session", async (how, status) => {
  await pool.query("DELETE FROM rollup_minute");
  const sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'coffee-reconcile'";
  await whileHeld(pool, "UPDATE meta SET epoch = epoch", async () => {
    const program = start("--repair");
    await untilLockWaiters(pool, 1);
    expect(await program.kill(how)).toBe(status);
    await until("its session has ended", async () => (await numberOf(pool, sessions)) === 0);
  });
  expect(await numberOf(pool, "SELECT count(*) FROM rollup_minute")).toBe(0);
  expect(await numberOf(pool, "SELECT epoch FROM meta")).toBe(1);
});

test("exits with 2 and the usage for an unknown option", async () => {
  const { status, out } = await reconcile("--fix");
  expect(status).toBe(2);
  expect(out).toContain("--fix");
  expect(out).toContain("reconcile --repair");
});
