import { join } from "node:path";
import { runner } from "node-pg-migrate";
import pg from "pg";

/** Order ids may be made up to 31 days ago and 5 minutes ahead; weeks are made well before they begin. */
const WEEKS_BACK_DAYS = 38;
const WEEKS_AHEAD_DAYS = 35;

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
    await client.query("SELECT ensure_order_partitions(now() - $1::interval, now() + $2::interval)", [
      `${WEEKS_BACK_DAYS} days`,
      `${WEEKS_AHEAD_DAYS} days`,
    ]);
  } finally {
    await client.end();
  }
};
