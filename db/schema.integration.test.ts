/** Several installations in one database, each in its own schema. */
import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runner } from "node-pg-migrate";
import { beforeEach, describe, expect, test } from "vitest";
import { leaseSlot } from "#shared/modes/redis-streams/source.ts";
import { ensurePartitions } from "#shared/store/partitions.ts";
import type { Pool } from "#shared/store/pool.ts";
import { repair } from "#shared/store/repair.ts";
import { makeWeeks, ordersOf, partitions, retainNow } from "#shared/store/retention.fixture.ts";
import { schemaLock } from "#shared/store/schema.ts";
import { countOrders, store, untilStoredCounted, whileHeld } from "#shared/store/store.fixture.ts";
import { driftOf, numberOf } from "../dev/system/database.ts";
import { freshDatabase, freshName, poolOn, silent, someOrders } from "../test/fresh.ts";
import { migrate } from "./migrate.ts";

const MIGRATIONS = join(import.meta.dirname, "migrations");

let databaseUrl: string;
let admin: Pool;
const pools: Pool[] = [];
const open = (url: string): Pool => {
  const pool = poolOn(url, 8);
  pools.push(pool);
  return pool;
};
beforeEach(async () => {
  databaseUrl = await freshDatabase(undefined, "template0");
  admin = open(databaseUrl);
  return () => Promise.all(pools.splice(0).map((pool) => pool.end()));
});

const withPath = (searchPath: string, role?: string): string => {
  const url = new URL(databaseUrl);
  url.searchParams.set("options", `-c search_path=${searchPath}`);
  if (role !== undefined) url.username = role;
  return url.href;
};
const migrated = async (url: string): Promise<Pool> => {
  const lines: string[] = [];
  await migrate(url, (line) => lines.push(line));
  expect(lines).toEqual([]);
  return open(url);
};
/** Every relation and function of a schema, and the times of its migrations. */
const contentsOf = async (schema: string): Promise<unknown[]> => {
  const { rows } = await admin.query(
    `SELECT relname AS name, oid::text AS version FROM pg_class WHERE relnamespace = $1::regnamespace
     UNION ALL SELECT proname, md5(prosrc) FROM pg_proc WHERE pronamespace = $1::regnamespace ORDER BY 1, 2`,
    [schema],
  );
  const list = await admin.query(`SELECT name, run_on FROM ${schema}.migrations ORDER BY id`);
  return [...rows, ...list.rows];
};
const relationsIn = (schema: string): Promise<number> =>
  numberOf(
    admin,
    "SELECT count(*) FROM pg_class JOIN pg_namespace AS n ON n.oid = relnamespace WHERE nspname = $1",
    [schema],
  );
const ordersIn = (pool: Pool): Promise<number> => numberOf(pool, "SELECT count(*) FROM orders");

describe("two schemas of one database", () => {
  test.each([
    { name: "when each search_path names one", paths: ["app", "app2"] },
    { name: "when one search_path names both", paths: ["app,public", "public"] },
  ])("$name, both store, count and have their own partitions", async ({ paths }) => {
    await admin.query("CREATE SCHEMA app; CREATE SCHEMA app2");
    const [first, second] = await Promise.all(paths.map((path) => migrated(withPath(path))));
    if (!first || !second) throw new Error("unreachable");
    for (const [pool, some] of [
      [first, someOrders(50)],
      [second, someOrders(20)],
    ] as const) {
      await store(pool, some);
      await untilStoredCounted(pool);
      // the same ids are not duplicates in another installation
      const carried = someOrders(30, 2).slice(0, some.length - 10);
      expect(await countOrders(pool, carried)).toMatchObject({ orders: carried.length, duplicates: 0 });
      expect(await driftOf(pool)).toEqual([]);
    }
    expect([await ordersIn(first), await ordersIn(second)]).toEqual([80, 30]);
    for (const pool of [first, second]) {
      const weeks = await partitions(pool);
      expect(weeks.length).toBeGreaterThan(10);
      await pool.query(`DROP TABLE ${weeks.filter((week) => week !== "orders_default").at(-1)}`);
      await ensurePartitions(pool);
      expect(await partitions(pool)).toEqual(weeks);
      expect(await numberOf(pool, "SELECT count(*) FROM orders_default")).toBe(0);
    }
  });

  test("a migration of one does not change the other", async () => {
    await admin.query("CREATE SCHEMA app");
    await migrated(databaseUrl);
    const before = await contentsOf("public");
    await migrated(withPath("app,public"));
    expect(await contentsOf("public")).toEqual(before);
    expect(await relationsIn("app")).toBe(await relationsIn("public"));
  });

  test("retention, repair and slots of one do not wait for those of the other", async () => {
    await admin.query("CREATE SCHEMA app; CREATE SCHEMA app2");
    const [first, second] = await Promise.all(["app", "app2"].map((schema) => migrated(withPath(schema))));
    if (!first || !second) throw new Error("unreachable");
    for (const pool of [first, second]) {
      await makeWeeks(pool, 120, 100);
      await countOrders(pool, ordersOf(110, 5));
      await countOrders(pool, someOrders(5));
    }
    for (const outcomes of await Promise.all([retainNow(first), retainNow(second)]))
      expect(outcomes).toContainEqual(expect.objectContaining({ fate: "dropped" }));
    for (const pool of [first, second]) expect(await ordersIn(pool)).toBe(5);

    const leases = await Promise.all([leaseSlot(first, 1, silent), leaseSlot(second, 1, silent)]);
    expect(leases.map((lease) => lease?.slot)).toEqual([0, 0]);
    expect(await leaseSlot(first, 1, silent)).toBeNull();
    for (const lease of leases) await lease?.release();

    const locks = `SELECT ensure_order_partitions(now(), now());
      SELECT pg_advisory_xact_lock(${schemaLock("repair")}); LOCK TABLE applied IN ACCESS EXCLUSIVE MODE`;
    await whileHeld(first, locks, async () => {
      await ensurePartitions(second);
      const repaired = await repair(second, { longestMs: 5_000, signal: new AbortController().signal });
      expect(repaired.epoch).toBeNull();
    });
  });
});

test("a role that owns only its schema migrates, counts and drops partitions", async () => {
  const role = freshName("owner");
  await admin.query(`CREATE ROLE ${role} LOGIN; CREATE SCHEMA ${role} AUTHORIZATION ${role}`);
  await admin.query("REVOKE ALL ON SCHEMA public FROM PUBLIC");
  const url = withPath(`"$user",public`, role);
  const pool = await migrated(url);
  await migrate(url, () => undefined);
  await makeWeeks(pool, 120, 100);
  await countOrders(pool, ordersOf(110, 5));
  expect(await retainNow(pool)).toContainEqual(expect.objectContaining({ fate: "dropped" }));
  expect(await relationsIn("public")).toBe(0);
});

test("uses the search_path of a database", async () => {
  await admin.query("CREATE SCHEMA app");
  await admin.query(
    "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = app, public', current_database()); END $$",
  );
  await migrated(databaseUrl);
  expect(await relationsIn("public")).toBe(0);
  expect(await relationsIn("app")).toBeGreaterThan(20);
});

describe("rejects with the statement to run", () => {
  test.each([
    [
      "app,public",
      `search_path is 'app,public', and there is no schema "app". Run CREATE SCHEMA "app" AUTHORIZATION`,
    ],
    [`"My shop"`, `there is no schema "My shop". Run CREATE SCHEMA "My shop"`],
    ["", "which names no schema. Run CREATE SCHEMA coffee"],
    [`"$user"`, "which names no schema. Run CREATE SCHEMA coffee"],
    ["pg_catalog,public", `"pg_catalog" is a system schema`],
  ])("where search_path is %s", async (path, sentence) => {
    await expect(migrate(withPath(path.replaceAll(" ", "\\ ")), () => undefined)).rejects.toThrow(sentence);
    expect(await relationsIn("public")).toBe(0);
  });

  test("where the schema of the role's name would hide an installation in public", async () => {
    const role = freshName("owner");
    await admin.query(`CREATE ROLE ${role} LOGIN; GRANT USAGE, CREATE ON SCHEMA public TO ${role}`);
    const url = withPath(`"$user",public`, role);
    await migrate(url, () => undefined);
    await admin.query(`CREATE SCHEMA ${role} AUTHORIZATION ${role}`);
    await expect(migrate(url, () => undefined)).rejects.toThrow(
      `orders is found in schema "public", not in "${role}". Name the one to use: ALTER ROLE "${role}" SET search_path = "public";`,
    );
  });

  test("where the role may not create tables in it", async () => {
    const role = freshName("guest");
    await admin.query(`CREATE ROLE ${role} LOGIN`);
    await expect(migrate(withPath("public", role), () => undefined)).rejects.toThrow(
      `role "${role}" may not create tables in schema "public". Run GRANT USAGE, CREATE ON SCHEMA "public" TO "${role}";`,
    );
  });
});

describe("an installation of an earlier version", () => {
  /** As that version: up to 0009, by a call without a schema. */
  const migratedBefore = async (url: string): Promise<void> => {
    const dir = mkdtempSync(join(tmpdir(), "coffee-migrations-"));
    const names = readdirSync(MIGRATIONS).filter((name) => name < "0010");
    for (const name of names) cpSync(join(MIGRATIONS, name), join(dir, name));
    const nothing = () => undefined;
    const quiet = { debug: nothing, info: nothing, warn: nothing, error: nothing };
    const options = { dir, migrationsTable: "migrations", direction: "up", checkOrder: true } as const;
    await runner({ databaseUrl: url, ...options, log: nothing, logger: quiet });
    rmSync(dir, { recursive: true });
  };

  test("in public continues there, with its orders and its list of migrations", async () => {
    await migratedBefore(databaseUrl);
    const before = await admin.query("SELECT id, name, run_on FROM migrations ORDER BY id");
    await ensurePartitions(admin);
    await countOrders(admin, someOrders(10));
    await migrated(databaseUrl);
    const after = await admin.query("SELECT id, name, run_on FROM migrations ORDER BY id");
    expect(after.rows.slice(0, before.rows.length)).toEqual(before.rows);
    expect(after.rows).toHaveLength(readdirSync(MIGRATIONS).length);
    await ensurePartitions(admin);
    expect(await countOrders(admin, someOrders(10, 2))).toMatchObject({ orders: 10 });
    expect(await driftOf(admin)).toEqual([]);
  });

  test("in another schema moves its list of migrations out of public", async () => {
    await admin.query("CREATE SCHEMA app");
    await migratedBefore(withPath("app"));
    expect(await numberOf(admin, "SELECT count(*) FROM public.migrations")).toBe(9);
    const pool = await migrated(withPath("app"));
    expect(await numberOf(pool, "SELECT count(*) FROM app.migrations")).toBe(readdirSync(MIGRATIONS).length);
    expect(await relationsIn("public")).toBe(0);
    expect(await countOrders(pool, someOrders(10))).toMatchObject({ orders: 10 });
  });
});
