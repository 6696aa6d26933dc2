/** A database for each run, copied from a migrated one: a tenth of the time of a new server, and as empty. */
import { openPool, type Pool } from "#shared/store/pool.ts";
import { migrate } from "../../../db/migrate.ts";

export type Databases = {
  /** Its URL. `prepare` is SQL that is run there before anything else. */
  fresh(prepare?: string): Promise<string>;
  /** Takes it away again, when nobody is connected any more. */
  drop(databaseUrl: string): Promise<void>;
};

const TEMPLATE = "coffee_lab_template";
const STATEMENT_MS = 60_000;

/** For the lab's own statements, beside the programs'. */
export const openLabPool = (databaseUrl: string, maxConnections = 2): Pool =>
  openPool(
    {
      databaseUrl,
      program: "coffee-lab",
      maxConnections,
      statementTimeoutMs: STATEMENT_MS,
      connectTimeoutMs: STATEMENT_MS,
    },
    // it breaks with a server that a fault ends; the next statement connects anew
    () => undefined,
  );

export type Migrate = (databaseUrl: string) => Promise<void>;

const ownMigrations: Migrate = (databaseUrl) => migrate(databaseUrl, () => undefined);

/** Makes the template first. What an interrupted suite left behind on a server of somebody else's is replaced. */
export const openDatabases = async (serverUrl: string, migrateIt = ownMigrations): Promise<Databases> => {
  const admin = <T>(work: (pool: Pool) => Promise<T>): Promise<T> => onPool(serverUrl, work);
  await admin(async (pool) => {
    await pool.query(`DROP DATABASE IF EXISTS ${TEMPLATE}`);
    await pool.query(`CREATE DATABASE ${TEMPLATE}`);
  });
  await migrateIt(named(serverUrl, TEMPLATE));
  let made = 0;
  return {
    fresh: async (prepare) => {
      const name = `coffee_lab_${process.pid}_${++made}`;
      await admin(async (pool) => {
        await pool.query(`CREATE DATABASE ${name} TEMPLATE ${TEMPLATE}`);
        // what the run before left dirty would be written during this one
        await pool.query("CHECKPOINT");
      });
      const url = named(serverUrl, name);
      if (prepare !== undefined) await onPool(url, (pool) => pool.query(prepare));
      return url;
    },
    drop: (databaseUrl) =>
      admin(async (pool) => {
        await pool.query(`DROP DATABASE IF EXISTS ${new URL(databaseUrl).pathname.slice(1)} WITH (FORCE)`);
      }),
  };
};

const named = (serverUrl: string, database: string): string => {
  const url = new URL(serverUrl);
  url.pathname = database;
  return url.href;
};

const onPool = async <T>(databaseUrl: string, work: (pool: Pool) => Promise<T>): Promise<T> => {
  const pool = openLabPool(databaseUrl, 1);
  try {
    return await work(pool);
  } finally {
    await pool.end();
  }
};
