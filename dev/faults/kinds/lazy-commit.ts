/** A PostgreSQL whose sessions do not wait for the log by default: a commit is answered while it is in memory alone. */
import { setTimeout as sleep } from "node:timers/promises";
import { openDatabase } from "../database.ts";
import type { Fault, Scene } from "../fault.ts";

/**
 * Only the log writer flushes then, and it does so rarely: kill -9 of all processes loses what was committed since.
 * Its first flush is right after a start, so the second kill is surely in the middle of its pause.
 */
const SELDOM_FLUSHED = {
  wal_writer_delay: "10s",
  wal_writer_flush_after: "1GB",
  // a page that is written flushes the log before
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
