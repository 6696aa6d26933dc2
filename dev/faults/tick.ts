/** A program that counts v1's stored orders all the time and over several connections, as no schedule would have it. */
import { setTimeout as sleep } from "node:timers/promises";
import { runProgram } from "#shared/runtime/lifecycle.ts";
import { openLog } from "#shared/runtime/log.ts";
import { countStored } from "#shared/store/count.ts";
import { openPool } from "#shared/store/pool.ts";

const AT_ONCE = 3;
/** Leaves the machine to the orders. */
const PAUSE_MS = 2;
const TIMEOUT_MS = 5_000;

const log = openLog("ticker", "warn", false);

await runProgram(log, TIMEOUT_MS, async (closers, failed) => {
  const pool = openPool(
    {
      databaseUrl: process.env["DATABASE_URL"] ?? "",
      program: "coffee-ticker",
      maxConnections: AT_ONCE,
      statementTimeoutMs: TIMEOUT_MS,
      connectTimeoutMs: TIMEOUT_MS,
    },
    failed,
  );
  closers.add("PostgreSQL", () => pool.end());
  const stopping = new AbortController();
  const tick = async (): Promise<void> => {
    for (; !stopping.signal.aborted; await sleep(PAUSE_MS))
      await countStored(pool, { source: "v1", part: 0 });
  };
  const ticking = Promise.all(Array.from({ length: AT_ONCE }, tick));
  ticking.catch(failed);
  closers.add("ticks", async () => {
    stopping.abort();
    await ticking;
  });
});
