/** A program that publishes boards long after it has read them, as one that was paused in between would. */
import { setTimeout as sleep } from "node:timers/promises";
import { openBoardWriter } from "#shared/board/board.ts";
import { runProgram } from "#shared/runtime/lifecycle.ts";
import { openLog } from "#shared/runtime/log.ts";
import { readBoard } from "#shared/store/board-read.ts";
import { openPool } from "#shared/store/pool.ts";

/** Several boards of the workers' later. */
const LATE_MS = 700;
const TIMEOUT_MS = 5_000;

const log = openLog("late-publisher", "warn", false);

await runProgram(log, TIMEOUT_MS, async (closers, failed) => {
  const pool = openPool(
    {
      databaseUrl: process.env["DATABASE_URL"] ?? "",
      program: "coffee-late-publisher",
      maxConnections: 1,
      statementTimeoutMs: TIMEOUT_MS,
      connectTimeoutMs: TIMEOUT_MS,
    },
    failed,
  );
  closers.add("PostgreSQL", () => pool.end());
  const board = openBoardWriter(process.env["BOARD_REDIS_URL"] ?? "", failed);
  closers.add("the board", () => board.close());
  const stopping = new AbortController();
  const publishing = (async () => {
    while (!stopping.signal.aborted) {
      const old = await readBoard(pool, null, []);
      await sleep(LATE_MS);
      await board.publish(old);
    }
  })();
  publishing.catch(failed);
  closers.add("publishing", async () => {
    stopping.abort();
    await publishing;
  });
});
