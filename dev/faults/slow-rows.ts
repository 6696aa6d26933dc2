/** Makes rows slow to insert, and waits for redeliveries. */
import type { Pool } from "#shared/store/pool.ts";
import { numberOf, openDatabase } from "../system/database.ts";
import { waitUntil } from "../system/wait.ts";

const SLOW_ROWS = (body: string): string => `
CREATE OR REPLACE FUNCTION slow_rows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body} RETURN NEW; END $$`;

/** Before any program is there: a trigger made under load deadlocks with statements that hold a partition. */
export const prepareSlowRows = async (databaseUrl: string): Promise<void> => {
  const pool = openDatabase(databaseUrl);
  await pool.query(`${SLOW_ROWS("")};
CREATE TRIGGER slow_rows BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION slow_rows()`);
  await pool.end();
};

/** While `work` lasts each row of orders takes up to so long, so that what seldom meets in time surely does. */
export const withSlowRows = async (
  databaseUrl: string,
  mostMs: number,
  work: () => Promise<void>,
): Promise<void> => {
  const pool = openDatabase(databaseUrl);
  try {
    await pool.query(SLOW_ROWS(`PERFORM pg_sleep(random() * ${mostMs / 1_000});`));
    await work();
  } finally {
    await pool.query(SLOW_ROWS(""));
    await pool.end();
  }
};

/** Orders that came once more than they were counted: shows that something really came again. */
const duplicatesIn = (pool: Pool): Promise<number> =>
  numberOf(pool, "SELECT coalesce(sum(duplicates), 0) FROM applied");

const COMES_AGAIN_MS = 20_000;

/** Does `work` and waits until this many orders more were found to be counted before. */
export const withRepetitions = async (databaseUrl: string, work: () => Promise<number>): Promise<void> => {
  const pool = openDatabase(databaseUrl);
  try {
    const before = await duplicatesIn(pool);
    const atLeast = await work();
    if (atLeast === 0) throw new Error("nothing was there to come again");
    const isAgain = async (): Promise<boolean> => (await duplicatesIn(pool)) >= before + atLeast;
    await waitUntil(`${atLeast} orders come again`, isAgain, COMES_AGAIN_MS);
  } finally {
    await pool.end();
  }
};
