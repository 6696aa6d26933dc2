import { join } from "node:path";
import { runner } from "node-pg-migrate";
import pg from "pg";
import { ensurePartitions } from "#shared/store/partitions.ts";

/**
 * Brings the database to the newest schema and makes the partitions of the coming weeks. Forward only. Any
 * number of processes may call it at once: they take turns by an advisory lock.
 */
export const migrate = async (databaseUrl: string, onLine: (line: string) => void): Promise<void> => {
  await runner({
    databaseUrl,
    dir: join(import.meta.dirname, "migrations"),
    migrationsTable: "migrations",
    direction: "up",
    checkOrder: true,
    advisoryLockMode: "wait",
    log: () => undefined,
    logger: { debug: () => undefined, info: () => undefined, warn: onLine, error: onLine },
  });
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await ensurePartitions(client);
  } finally {
    await client.end();
  }
};
