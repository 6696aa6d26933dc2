/** Dump and restore of the data as by pg_dump and psql, which the embedded PostgreSQL does not include. */
import type { Pool } from "#shared/store/pool.ts";

/** By table, its rows as PostgreSQL's own JSON: never parsed here, since a bigint may not fit into a number. */
export type Dump = ReadonlyMap<string, string>;

const TABLES = `
SELECT relname AS name FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND relname <> 'migrations'`;

/** All tables in one snapshot, transaction ids and the system identifier included. */
export const dump = async (pool: Pool): Promise<Dump> => {
  const client = await pool.connect();
  try {
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    const tables = new Map<string, string>();
    for (const { name } of (await client.query<{ name: string }>(TABLES)).rows) {
      const text = `SELECT coalesce(json_agg(t), '[]')::text AS rows FROM ${name} AS t`;
      tables.set(name, (await client.query<{ rows: string }>(text)).rows[0]?.rows ?? "[]");
    }
    await client.query("COMMIT");
    return tables;
  } finally {
    client.release();
  }
};

/** Into a migrated database; replaces the rows that migrations inserted. */
export const restore = async (pool: Pool, tables: Dump): Promise<void> => {
  for (const [name, rows] of tables) {
    await pool.query(`DELETE FROM ${name}`);
    await pool.query(
      `INSERT INTO ${name} OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_recordset(NULL::${name}, $1)`,
      [rows],
    );
  }
};
