import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { v7 as orderId } from "uuid";
import { beforeEach, expect, test } from "vitest";
import { DAY_MS } from "#shared/domain/time.ts";
import type { Pool } from "#shared/store/pool.ts";
import { numberOf } from "../dev/system/database.ts";
import { freePort } from "../dev/system/servers/ports.ts";
import { freshDatabase, poolOn } from "../test/fresh.ts";
import { migrate } from "./migrate.ts";

let databaseUrl: string;
let pool: Pool;
beforeEach(async () => {
  databaseUrl = await freshDatabase(undefined, "template0");
  const opened = poolOn(databaseUrl);
  pool = opened;
  return () => opened.end();
});

const migrations = readdirSync(join(import.meta.dirname, "migrations"));
const lines: string[] = [];
const migrated = () => migrate(databaseUrl, (line) => lines.push(line));
/** Every column, index, constraint, partition and function, and the rows that the migrations wrote. */
const schema = async (): Promise<unknown[]> => {
  const { rows } = await pool.query(
    `SELECT 'column' AS what, table_name || '.' || column_name AS name, data_type || column_default AS how
     FROM information_schema.columns WHERE table_schema = 'public'
     UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
     UNION ALL SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
       FROM pg_constraint WHERE connamespace = 'public'::regnamespace
     UNION ALL SELECT 'partition', relname, pg_get_expr(relpartbound, oid) FROM pg_class WHERE relispartition
     UNION ALL SELECT 'function', proname, md5(prosrc) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
     UNION ALL SELECT 'migration', name, run_on::text FROM migrations
     UNION ALL SELECT 'meta', epoch::text, system_identifier || '/' || direct_watermark FROM meta
     ORDER BY 1, 2, 3`,
  );
  return rows;
};
const insert = async (keyMs: number): Promise<string> => {
  const { rows } = await pool.query<{ part: string }>(
    `INSERT INTO orders (order_id, mode, store, drink, price_cents, event_time, accepted_at, fingerprint)
     VALUES ($1, 'v2', 'uptown', 'latte', 450, now(), now(), '\\x00') RETURNING tableoid::regclass AS part`,
    [orderId({ msecs: keyMs })],
  );
  return rows[0]?.part ?? "";
};
const weeks = async (): Promise<string[]> =>
  (
    await pool.query<{ name: string }>(
      "SELECT relname AS name FROM pg_class WHERE relispartition AND relkind = 'r' AND relname <> 'orders_default' ORDER BY 1",
    )
  ).rows.map(({ name }) => name);

test("creates one schema when three run at once, and changes nothing when it is repeated", async () => {
  await Promise.all([migrated(), migrated(), migrated()]);
  const first = await schema();
  expect(await numberOf(pool, "SELECT count(*) FROM migrations")).toBe(migrations.length);
  expect(await numberOf(pool, "SELECT count(*) FROM meta")).toBe(1);
  expect(first.length).toBeGreaterThan(100);
  await Promise.all([migrated(), migrated()]);
  expect(await schema()).toEqual(first);
  expect(lines).toEqual([]);
});

test("creates the partitions of all keys from 31 days ago to 5 weeks ahead", async () => {
  await migrated();
  const now = Date.now();
  for (let day = -31; day <= 35; day++)
    expect(await insert(now + day * DAY_MS), `${day} days`).toMatch(/^orders_\d{8}$/);
  expect(await insert(now + 60 * DAY_MS)).toBe("orders_default");
});

test("starts weeks on Monday in UTC, also for a session whose time zone changes its clocks", async () => {
  await migrated();
  const before = await weeks();
  const session = poolOn(databaseUrl, 1);
  await session.query("SET timezone = 'America/New_York'");
  // New York changes its clocks on March 14 and November 7, 2027
  for (const month of ["2027-03", "2027-11"])
    await session.query(`SELECT ensure_order_partitions('${month}-01T12:00Z', '${month}-28T12:00Z')`);
  await session.end();
  const added = (await weeks()).filter((name) => !before.includes(name));
  const days = ["0301", "0308", "0315", "0322", "1101", "1108", "1115", "1122"];
  expect(added).toEqual(days.map((day) => `orders_2027${day}`));
  expect(await insert(Date.parse("2027-03-14T23:59:59.999Z"))).toBe("orders_20270308");
  expect(await insert(Date.parse("2027-03-15T00:00:00.000Z"))).toBe("orders_20270315");
  const again = "SELECT ensure_order_partitions('2027-02-22T00:00Z', '2027-04-04T23:00Z')";
  expect(await numberOf(pool, again)).toBe(2);
});

test("gives every partition, also a later one, the settings of autovacuum", async () => {
  await migrated();
  await pool.query("SELECT ensure_order_partitions('2027-03-15T00:00Z', '2027-03-16T00:00Z')");
  const { rows } = await pool.query<{ name: string; targets: string; options: string }>(
    `SELECT relname AS name, string_agg(DISTINCT attstattarget::text, ',') AS targets, array_to_string(reloptions, ',') AS options
     FROM pg_partition_tree('orders') JOIN pg_class ON oid = relid JOIN pg_attribute ON attrelid = oid AND attnum > 0
     WHERE isleaf GROUP BY relname, reloptions`,
  );
  expect(rows.map(({ name }) => name)).toEqual(expect.arrayContaining(["orders_default", "orders_20270315"]));
  for (const { targets, options } of rows)
    expect({ targets, options }).toEqual({
      targets: "10",
      options: "autovacuum_vacuum_cost_delay=20,autovacuum_analyze_scale_factor=0.5",
    });
});

test("creates no partition for a week that has orders in the default partition", async () => {
  await migrated();
  const early = Date.now() + 60 * DAY_MS;
  expect(await insert(early)).toBe("orders_default");
  const before = await weeks();
  const at = (days: number) => `to_timestamp(${early + days * DAY_MS}::float8 / 1000)`;
  const create = `SELECT ensure_order_partitions(${at(-8)}, ${at(8)})`;
  await pool.query(create);
  const { rows } = await pool.query<{ name: string }>(
    `SELECT 'orders_' || to_char(date_trunc('week', ${at(0)}, 'UTC') AT TIME ZONE 'UTC', 'YYYYMMDD') AS name`,
  );
  const added = (await weeks()).filter((name) => !before.includes(name));
  expect(added).not.toContain(rows[0]?.name);
  expect(added.length).toBeGreaterThanOrEqual(2);
  expect(await numberOf(pool, create)).toBe(0);
  // later orders of that week are stored there too, and its neighbours have their own partitions
  expect(await insert(early + 1)).toBe("orders_default");
  expect(await insert(early - 7 * DAY_MS)).not.toBe("orders_default");
  await migrated();
  expect(await numberOf(pool, "SELECT count(*) FROM orders_default")).toBe(2);
});

const runMigrations = (env: Record<string, string>) =>
  promisify(execFile)(process.execPath, [join(import.meta.dirname, "main.ts")], { env });

test("the program migrates an empty database, also when several run at once and again", async () => {
  const env = { DATABASE_URL: databaseUrl };
  await Promise.all([runMigrations(env), runMigrations(env), runMigrations(env)]);
  const { stdout } = await runMigrations(env);
  expect(stdout).toContain("database has the newest schema");
  // past and coming weeks
  expect((await weeks()).length).toBeGreaterThan(10);
});

test("the program waits for a database that is not up yet, for a limited time", async () => {
  const unused = `postgres://coffee@127.0.0.1:${await freePort()}/coffee`;
  const ended = runMigrations({ DATABASE_URL: unused, WAIT_FOR_DATABASE_MS: "500" });
  await expect(ended).rejects.toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/waiting for the database.*migration failed: .*ECONNREFUSED/s),
  });
});

test("the program does not wait for a database that does not exist", async () => {
  const unknown = databaseUrl.replace(/[^/]*$/, "no_such_database");
  const ended = runMigrations({ DATABASE_URL: unknown });
  await expect(ended).rejects.toMatchObject({ code: 1, stdout: expect.stringContaining("does not exist") });
});

test("the program names a wrong setting", async () => {
  const ended = runMigrations({ DATABASE_URL: "mysql://x" });
  await expect(ended).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('DATABASE_URL is "mysql://x"'),
  });
});
