/** The real worker in this process, on a mode's real source. */
import { pino } from "pino";
import { Registry } from "prom-client";
import { openBoardWriter } from "#shared/board/board.ts";
import type { Mode } from "#shared/ports.ts";
import type { Pool } from "#shared/store/pool.ts";
import { openWorkerMetrics } from "../services/worker/metrics.ts";
import { openWorker, type Worker } from "../services/worker/worker.ts";

const silent = pino({ level: "silent" });

export type WorkerHere = { readonly worker: Worker; stop(): Promise<void> };

export const startWorkerHere = (
  mode: Mode,
  settings: Record<string, unknown>,
  boardRedisUrl: string,
  pool: Pool,
): WorkerHere => {
  const board = openBoardWriter(boardRedisUrl, () => undefined);
  const worker = openWorker({
    settings: { publishEveryMs: 100, refreshEveryMs: 1_000, pinnedStores: "", poisonStopOrders: 20 },
    mode: mode.name,
    source: mode.openSource(settings, silent),
    pool,
    board,
    log: silent,
    metrics: openWorkerMetrics(new Registry(), mode.name),
  });
  let stopped: Promise<void> | null = null;
  const stop = (): Promise<void> => {
    stopped ??= worker.close().then(() => board.close());
    return stopped;
  };
  return { worker, stop };
};
