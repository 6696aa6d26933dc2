/** `npm run retention` as a process, on a database with old orders. */
import { beforeEach, expect, test } from "vitest";
import type { Pool } from "#shared/store/pool.ts";
import { makeWeeks, ordersOf } from "#shared/store/retention.fixture.ts";
import { countOrders } from "#shared/store/store.fixture.ts";
import { numberOf } from "../../dev/system/database.ts";
import { freshDatabase, poolForTest } from "../../test/fresh.ts";
import { OPERATOR, startProgram } from "../../test/processes.ts";

let databaseUrl: string;
let pool: Pool;
beforeEach(async () => {
  databaseUrl = await freshDatabase();
  pool = poolForTest(databaseUrl);
});

const run = async (args: readonly string[], env: Record<string, string> = {}) => {
  const settings = { DATABASE_URL: databaseUrl, ...env };
  const program = startProgram(OPERATOR, settings, ["retention", ...args]);
  return { status: await program.ended, output: program.output() };
};
const left = (): Promise<number> => numberOf(pool, "SELECT count(*) FROM orders");

test("a dry run prints what retention drops then", async () => {
  await makeWeeks(pool, 120, 100);
  await countOrders(pool, ordersOf(110, 5));
  await countOrders(pool, ordersOf(1, 5));
  const dry = await run(["--dry-run"]);
  expect(dry).toMatchObject({ status: 0, output: expect.stringMatching(/orders_\d{8} .*would be dropped/) });
  expect(dry.output).toMatch(/rollup_minute +1 rows {2}would be dropped/);
  expect(await left()).toBe(10);
  expect(await run([])).toMatchObject({
    status: 0,
    output: expect.stringMatching(/orders_\d{8} .* dropped/),
  });
  expect(await left()).toBe(5);
  expect(await run([])).toEqual({ status: 0, output: "Nothing has expired.\n" });
});

test("contradicting settings and unknown options change nothing", async () => {
  await makeWeeks(pool, 120, 100);
  await countOrders(pool, ordersOf(110, 5));
  const contradiction = await run([], { ORDERS_KEEP_DAYS: "50", V3_RETENTION_HOURS: "720" });
  expect(contradiction.status).toBe(1);
  expect(contradiction.output).toMatch(
    /ORDERS_KEEP_DAYS is "50": expected at least 68.*V3_RETENTION_HOURS is "720"/,
  );
  const unknown = await run(["--now"]);
  expect(unknown).toMatchObject({ status: 2, output: expect.stringContaining('does not know "--now"') });
  expect(await left()).toBe(5);
});
