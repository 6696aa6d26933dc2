import type { BoardWriter } from "#shared/board/board.ts";
import type { Log, Source } from "#shared/ports.ts";
import type { Counted } from "#shared/store/count.ts";
import type { Pool } from "#shared/store/pool.ts";
import type { WorkerSettings } from "./config.ts";
import type { WorkerMetrics } from "./metrics.ts";
import { openPublisher } from "./publisher.ts";
import { openSettle } from "./settle.ts";

export type Worker = {
  /** Resolves when the source has ended after `close`; rejects when it failed, or may not publish at all. */
  readonly ended: Promise<void>;
  /** Stops reading, settles the current deliveries, publishes them, closes the source. */
  close(): Promise<void>;
};

export type WorkerParts = {
  readonly settings: Pick<
    WorkerSettings,
    "publishEveryMs" | "refreshEveryMs" | "pinnedStores" | "poisonStopOrders"
  >;
  readonly mode: string;
  readonly source: Source;
  readonly pool: Pool;
  readonly board: BoardWriter;
  readonly log: Log;
  readonly metrics: WorkerMetrics;
};

/** Counted and not yet published; each with the time of its commit, by a monotonic clock and by PostgreSQL's. */
type Unpublished = {
  readonly committedAtMs: number;
  readonly visibleFromMs: number;
  readonly orders: number;
  readonly ages: Counted["ages"];
};
/** While publishing fails, freshness is measured for this many orders; later ones are left out. */
const MAX_UNPUBLISHED_ORDERS = 500_000;

/** Counts what the source delivers and publishes the board. */
export const openWorker = (parts: WorkerParts): Worker => {
  const { settings, metrics, source } = parts;
  const stopping = new AbortController();
  let unpublished: Unpublished[] = [];
  let unpublishedOrders = 0;

  const reportFresh = (isOnBoard: (batch: Unpublished) => boolean): void => {
    const now = performance.now();
    for (const { committedAtMs, ages } of unpublished.filter(isOnBoard))
      for (const { ms, orders } of ages)
        metrics.fresh("published", (ms + now - committedAtMs) / 1000, orders);
    unpublished = unpublished.filter((batch) => !isOnBoard(batch));
    unpublishedOrders = unpublished.reduce((sum, batch) => sum + batch.orders, 0);
  };
  const publisher = openPublisher({
    pool: parts.pool,
    board: parts.board,
    log: parts.log,
    publishEveryMs: settings.publishEveryMs,
    refreshEveryMs: settings.refreshEveryMs,
    pinnedStores: settings.pinnedStores
      .normalize("NFC")
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== ""),
    onPublished: (readAtMs) => {
      metrics.published((performance.now() - readAtMs) / 1_000);
      reportFresh(({ committedAtMs }) => committedAtMs <= readAtMs);
    },
    onSeen: (asOfMs) => reportFresh(({ visibleFromMs }) => visibleFromMs <= asOfMs),
  });
  const onCounted = ({ orders, duplicates, ages, visibleFromMs }: Counted): void => {
    metrics.counted(orders, duplicates);
    if (orders + duplicates > 0) metrics.batch(orders + duplicates);
    if (orders === 0) return;
    for (const { ms, orders: n } of ages) metrics.fresh("committed", ms / 1000, n);
    if (unpublishedOrders < MAX_UNPUBLISHED_ORDERS)
      unpublished.push({ committedAtMs: performance.now(), visibleFromMs, orders, ages });
    unpublishedOrders += orders;
    publisher.changed();
  };
  const settle = openSettle({
    pool: parts.pool,
    mode: parts.mode,
    log: parts.log,
    signal: stopping.signal,
    poisonStopOrders: settings.poisonStopOrders,
    onCounted,
    onDeadLetter: ({ reason }) => metrics.deadLetter(reason),
    onConflicts: metrics.conflicts,
  });
  const running = source.run(settle, stopping.signal);
  return {
    ended: Promise.race([running, publisher.refused]),
    close: async () => {
      stopping.abort();
      // its failure was reported by `ended`
      await running.catch(() => undefined);
      await publisher.close();
      await source.close();
    },
  };
};
