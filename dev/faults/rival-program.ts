/**
 * A program that competes with the workers, named by RIVAL_PROGRAM:
 * - `late publisher` publishes boards long after it read them, as a paused worker would;
 * - `aggregator` counts v1's stored orders all the time over several connections, which no schedule does.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { openBoardWriter } from "#shared/board/board.ts";
import { countStored } from "#shared/modes/direct/count-stored.ts";
import { type Closers, runProgram } from "#shared/runtime/lifecycle.ts";
import { openLog } from "#shared/runtime/log.ts";
import { servers } from "#shared/servers.ts";
import { readBoard } from "#shared/store/board-read.ts";
import { openPool, type Pool } from "#shared/store/pool.ts";

/** The workers publish several boards in this time. */
const LATE_MS = 700;
const COUNTS_AT_ONCE = 3;
/** Leaves CPU time to the orders. */
const PAUSE_MS = 2;
const TIMEOUT_MS = 5_000;

type Parts = {
  readonly pool: Pool;
  readonly closers: Closers;
  readonly failed: (error: Error) => void;
  readonly signal: AbortSignal;
};

const publishLate = async ({ pool, closers, failed, signal }: Parts): Promise<void> => {
  const board = openBoardWriter(process.env[servers.board.variable] ?? "", failed);
  closers.add("the board", () => board.close());
  while (!signal.aborted) {
    const old = await readBoard(pool, null, []);
    await sleep(LATE_MS);
    await board.publish(old);
  }
};

const countConcurrently = async ({ pool, signal }: Parts): Promise<void> => {
  const count = async (): Promise<void> => {
    for (; !signal.aborted; await sleep(PAUSE_MS)) await countStored(pool, { source: "v1", part: 0 });
  };
  await Promise.all(Array.from({ length: COUNTS_AT_ONCE }, count));
};

await runProgram(openLog("rival", "warn", false), TIMEOUT_MS, async (closers, failed) => {
  const pool = openPool(
    {
      databaseUrl: process.env[servers.postgres.variable] ?? "",
      program: "coffee-rival",
      maxConnections: COUNTS_AT_ONCE,
      statementTimeoutMs: TIMEOUT_MS,
      connectTimeoutMs: TIMEOUT_MS,
    },
    failed,
  );
  closers.add("PostgreSQL", () => pool.end());
  const stopping = new AbortController();
  const work = process.env["RIVAL_PROGRAM"] === "aggregator" ? countConcurrently : publishLate;
  const working = work({ pool, closers, failed, signal: stopping.signal });
  working.catch(failed);
  closers.add("its work", async () => {
    stopping.abort();
    await working;
  });
});
