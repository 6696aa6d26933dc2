import { join } from "node:path";
import { PG_MIGRATE_LOCK_ID, runner } from "node-pg-migrate";
import pg from "pg";
import { type Static, Type } from "typebox";
import { databaseUrlKnob, logLevelKnob } from "#shared/runtime/config.ts";
import { ensurePartitions } from "#shared/store/partitions.ts";
import { openSession } from "#shared/store/pool.ts";
import { writableSchema } from "#shared/store/schema.ts";

export const migrationKnobs = Type.Object({
  databaseUrl: databaseUrlKnob,
  waitForDatabaseMs: Type.Integer({
    default: 60_000,
    minimum: 0,
    maximum: 3_600_000,
    description: "how long a database that is not there yet is waited for",
  }),
  logLevel: logLevelKnob("info"),
});

export type MigrationSettings = Static<typeof migrationKnobs>;

const LIST = "migrations";
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Migrates the first schema of the session's search_path to the newest version, and creates the partitions of the coming
 * weeks. Forward only. Several processes may call it at once: an advisory lock serialises them. Several schemas of one
 * database may be migrated, also at once.
 */
export const migrate = async (databaseUrl: string, onLine: (line: string) => void): Promise<void> => {
  // a migration may rewrite a table of any size, so no statement has a limit
  const client = await openSession({
    databaseUrl,
    program: "coffee-migrations",
    statementTimeoutMs: 0,
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    isWriter: true,
  });
  try {
    const schema = await writableSchema(client);
    // node-pg-migrate's own key: earlier versions left the lock to it
    await client.query("SELECT pg_advisory_lock($1)", [PG_MIGRATE_LOCK_ID]);
    await moveList(client, schema);
    await runner({
      dbClient: client,
      schema,
      dir: join(import.meta.dirname, "migrations"),
      migrationsTable: LIST,
      direction: "up",
      checkOrder: true,
      noLock: true,
      log: () => undefined,
      logger: { debug: () => undefined, info: () => undefined, warn: onLine, error: onLine },
    });
    await ensurePartitions(client);
  } finally {
    await client.end();
  }
};

/** From the catalog: to_regclass would fail where the role may not use public. */
const TABLES = `
SELECT nspname = $1 AS "isOurs", relname::text AS name FROM pg_class JOIN pg_namespace AS n ON n.oid = relnamespace
WHERE relname IN ('orders', '${LIST}') AND nspname IN ('public', $1)`;
const FIRST_LISTED = `SELECT name FROM public.${LIST} ORDER BY id LIMIT 1`;

/** Earlier versions kept the list of migrations in public, wherever search_path put the tables. */
const moveList = async (client: pg.Client, schema: string): Promise<void> => {
  const { rows } = await client.query<{ isOurs: boolean; name: string }>(TABLES, [schema]);
  const has = (isOurs: boolean, name: string): boolean =>
    rows.some((table) => table.isOurs === isOurs && table.name === name);
  if (!has(true, "orders") || has(true, LIST) || has(false, "orders") || !has(false, LIST)) return;
  const listed = await client.query<{ name: string }>(FIRST_LISTED);
  if (listed.rows[0]?.name !== "0001_orders") return;
  await client.query(`ALTER TABLE public.${LIST} SET SCHEMA ${pg.escapeIdentifier(schema)}`);
};
