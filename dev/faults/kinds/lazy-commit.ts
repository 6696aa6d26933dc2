/** PostgreSQL where sessions do not wait for the WAL by default: a commit is answered while it is only in memory. */
import { setTimeout as sleep } from "node:timers/promises";
import { openDatabase } from "../../system/database.ts";
import type { Fault, Scene } from "../fault.ts";

/**
 * Then only the WAL writer flushes the WAL, every 10 s: kill -9 of all processes loses what was committed since. It
 * flushes first right after a start, so the second kill is in the middle of its pause for certain.
 */
const SELDOM_FLUSHED = {
  wal_writer_delay: "10s",
  wal_writer_flush_after: "1GB",
  // writing a page flushes the WAL up to its last change
  bgwriter_lru_maxpages: "0",
};
const BETWEEN_KILLS_MS = 4_000;
const KILLS = 2;

const setRoleDefault = async (databaseUrl: string): Promise<void> => {
  const pool = openDatabase(databaseUrl);
  await pool.query("ALTER ROLE CURRENT_USER SET synchronous_commit = off");
  await pool.end();
};

const killAll = async ({ ground }: Scene): Promise<void> => {
  const postgres = ground.server("postgres");
  for (let count = 0; count < KILLS; count++) {
    if (count > 0) await sleep(BETWEEN_KILLS_MS);
    await postgres.kill();
    await postgres.start();
  }
};

/** The product sets synchronous_commit for its sessions, so that a default of the role loses nothing. */
export const killPostgresLazyCommit: Fault = {
  name: "kill-postgres-lazy-commit",
  ground: {
    servers: { postgres: { settings: SELDOM_FLUSHED } },
    prepareDatabase: setRoleDefault,
  },
  strike: killAll,
  recoverWithinSeconds: 30,
};
