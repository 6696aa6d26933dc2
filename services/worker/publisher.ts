import { setTimeout as sleep } from "node:timers/promises";
import type { BoardWriter } from "#shared/board/board.ts";
import type { Log } from "#shared/ports.ts";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { raiseEpoch, readBoard } from "#shared/store/board-read.ts";
import type { Pool } from "#shared/store/pool.ts";

export type Publisher = {
  /** The rollups changed: a board is published within `publishEveryMs`. */
  changed(): void;
  close(): Promise<void>;
};

export type Publishing = {
  readonly pool: Pool;
  readonly board: BoardWriter;
  readonly log: Log;
  readonly publishEveryMs: number;
  readonly refreshEveryMs: number;
  readonly pinnedStores: readonly string[];
  /** Called when a board that has everything counted up to `readAtMs` (Date.now()) stands in Redis. */
  readonly onPublished: (readAtMs: number) => void;
};

/** Another publisher had the turn: look again after it. */
const TURN_TAKEN_MS = 20;
/** Closing, the last change gets this long: its own turn of just before lasts 100 ms, and Redis may be away. */
const LAST_WITHIN_MS = 500;

/**
 * Publishes the board: once within `publishEveryMs` of a change however many there are, and every
 * `refreshEveryMs` without one. A failure costs a board's freshness, never an order: it is told and tried again.
 */
export const openPublisher = (publishing: Publishing): Publisher => {
  const { pool, board, log } = publishing;
  let dirty = false;
  let closing = false;
  let lastAt = 0;
  let failures = 0;
  let timer: NodeJS.Timeout | null = null;
  let underWay: Promise<void> = Promise.resolve();

  /** One timer at most; an earlier wish replaces a later one. */
  let dueAt = Number.POSITIVE_INFINITY;
  const schedule = (inMs: number): void => {
    const at = performance.now() + inMs;
    if (closing || at >= dueAt) return;
    if (timer) clearTimeout(timer);
    dueAt = at;
    timer = setTimeout(() => {
      dueAt = Number.POSITIVE_INFINITY;
      underWay = underWay.then(publishOnce);
    }, inMs);
  };

  const publishOnce = async (): Promise<void> => {
    const wanted = dirty;
    dirty = false;
    try {
      const done = await publish();
      if (!done) dirty ||= wanted;
      if (failures >= 3 && done) log.info({ failures }, "the board is published again");
      if (done) failures = 0;
      schedule(dirty ? (done ? publishing.publishEveryMs : TURN_TAKEN_MS) : publishing.refreshEveryMs);
    } catch (error) {
      dirty ||= wanted;
      failures++;
      // the first attempts may meet connections that are not there yet; an outage is told every 20th time
      if (failures % 20 === 3)
        log.warn({ reason: messageOf(error), failures }, "the board could not be published; trying again");
      schedule(publishing.publishEveryMs * Math.min(failures, 10));
    }
  };

  /** False when it is another publisher's turn. The board is read before PostgreSQL, so a lower version there is a restore. */
  const publish = async (): Promise<boolean> => {
    if (!(await board.takeTurn())) return false;
    const previous = await board.read();
    const readAtMs = Date.now();
    let next = await readBoard(pool, previous, publishing.pinnedStores);
    if (
      previous &&
      (next.epoch < previous.epoch || (next.epoch === previous.epoch && next.version < previous.version))
    ) {
      log.warn(
        { board: previous.version, database: next.version },
        "the database is older than the board: a restore; the epoch rises",
      );
      await raiseEpoch(pool, previous.epoch);
      next = await readBoard(pool, null, publishing.pinnedStores);
    }
    const result = await board.publish(next);
    if (result === "ahead")
      throw new Error("PostgreSQL's clock is more than 5 s ahead of Redis'; set the clocks");
    lastAt = performance.now();
    if (result === "older") return false;
    publishing.onPublished(readAtMs);
    return true;
  };

  schedule(0);
  return {
    changed: () => {
      dirty = true;
      // the leading edge: at once after a quiet time, else in step
      schedule(
        Math.max(
          0,
          Math.min(publishing.publishEveryMs, lastAt + publishing.publishEveryMs - performance.now()),
        ),
      );
    },
    close: async () => {
      closing = true;
      if (timer) clearTimeout(timer);
      await underWay;
      for (const deadline = performance.now() + LAST_WITHIN_MS; dirty; await sleep(TURN_TAKEN_MS)) {
        await publishOnce();
        if (performance.now() > deadline) break;
      }
    },
  };
};
