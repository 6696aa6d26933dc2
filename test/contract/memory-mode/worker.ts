/** The worker of the memory mode as a process; it is only ever killed. */
import { loadSettings } from "#shared/runtime/config.ts";
import { openPool } from "#shared/store/pool.ts";
import { startWorkerHere } from "../../worker-here.ts";
import { memory } from "./mode.ts";

const { DATABASE_URL: databaseUrl = "", BOARD_REDIS_URL: boardUrl = "" } = process.env;
const pool = openPool(
  {
    databaseUrl,
    program: "memory-worker",
    maxConnections: 4,
    statementTimeoutMs: 20_000,
    connectTimeoutMs: 5_000,
  },
  () => undefined,
);
startWorkerHere(memory, loadSettings(memory.knobs, process.env) as Record<string, unknown>, boardUrl, pool);
process.stdin.on("end", () => process.exit(0)).resume();
