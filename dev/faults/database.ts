import { openPool, type Pool } from "#shared/store/pool.ts";
import { numberOf } from "./recount.ts";

const STATEMENT_MS = 30_000;

/** The database itself, for what looks at it from outside. */
export const openDatabase = (databaseUrl: string): Pool =>
  openPool(
    {
      databaseUrl,
      program: "coffee-faults",
      maxConnections: 2,
      statementTimeoutMs: STATEMENT_MS,
      connectTimeoutMs: STATEMENT_MS,
    },
    // it breaks with the server, which is what faults are for; the next statement connects anew
    () => undefined,
  );

/** Orders that came once more than they were counted: shows that something really came again. */
export const duplicatesIn = (pool: Pool): Promise<number> =>
  numberOf(pool, "SELECT coalesce(sum(duplicates), 0) FROM applied");
