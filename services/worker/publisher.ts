import { setTimeout as sleep } from "node:timers/promises";
import type { BoardPosition, BoardWriter } from "#shared/board/board.ts";
import type { Board } from "#shared/domain/board.ts";
import type { Log } from "#shared/ports.ts";
import { openOutageLog } from "#shared/runtime/outage-log.ts";
import { MissingRight } from "#shared/runtime/redis.ts";
import { raiseEpoch, readBoard } from "#shared/store/board-read.ts";
import type { Pool } from "#shared/store/pool.ts";
import { type Ranking, rankingIn, readRanking } from "#shared/store/ranking.ts";

export type Publisher = {
  /** The rollups changed: a board is published within `publishEveryMs`. */
  changed(): void;
  /** Rejects with `MissingRight` when the board's Redis refuses a command that it has never allowed. */
  readonly refused: Promise<never>;
  close(): Promise<void>;
};

export type Publishing = {
  readonly pool: Pool;
  readonly board: BoardWriter;
  readonly log: Log;
  readonly publishEveryMs: number;
  readonly refreshEveryMs: number;
  readonly pinnedStores: readonly string[];
  /** Called when Redis holds a board with everything that was counted up to `readAtMs` (performance.now()). */
  readonly onPublished: (readAtMs: number) => void;
  /** Called when Redis holds another publisher's board, with the time of its read by PostgreSQL's clock. */
  readonly onSeen: (asOfMs: number) => void;
};

/** Pause before the next attempt while another publisher has the turn. */
const TURN_TAKEN_MS = 20;
/** At close, the last change is published within this time: this publisher's own turn blocks 100 ms, and Redis may be down. */
const LAST_WITHIN_MS = 500;

/**
 * Publishes the board: once within `publishEveryMs` of a change, however many changes there are, and every
 * `refreshEveryMs` without one. A failure delays the board, never an order; it is logged and retried.
 */
export const openPublisher = (publishing: Publishing): Publisher => {
  const { log, publishEveryMs, refreshEveryMs } = publishing;
  let dirty = false;
  let lastAt = 0;
  let failures = 0;
  // the first attempts may find connections that are not established yet
  const outage = openOutageLog(log, {
    failing: "publish failed, retrying",
    recovered: "publish recovered",
    tolerated: 2,
  });
  const refused = Promise.withResolvers<never>();
  // it may reject before its first listener
  refused.promise.catch(() => undefined);

  const changed = (): void => {
    dirty = true;
    // the leading edge: at once after a quiet time, else one period after the last board
    const inStepMs = lastAt + publishEveryMs - performance.now();
    alarm.within(Math.max(0, Math.min(publishEveryMs, inStepMs)));
  };
  const ranker = openRanker(publishing, changed, refused.reject);

  const publishOnce = async (): Promise<void> => {
    const wanted = dirty;
    dirty = false;
    try {
      const done = await publish(publishing, ranker);
      if (done) {
        lastAt = performance.now();
        failures = 0;
        outage.succeeded();
      } else dirty ||= wanted;
      // not done: another publisher has the turn or published a newer board, so it is checked again soon
      alarm.within(dirty ? (done ? publishEveryMs : TURN_TAKEN_MS) : refreshEveryMs);
    } catch (error) {
      dirty ||= wanted;
      failures++;
      if (error instanceof MissingRight) refused.reject(error);
      outage.failed(error);
      alarm.within(publishEveryMs * Math.min(failures, 10));
    }
  };

  const alarm = openAlarm(publishOnce);
  alarm.within(0);
  return {
    changed,
    refused: refused.promise,
    close: async () => {
      await alarm.close();
      await ranker.close();
      for (const deadline = performance.now() + LAST_WITHIN_MS; dirty; await sleep(TURN_TAKEN_MS)) {
        await publishOnce();
        if (performance.now() > deadline) break;
      }
    },
  };
};

/**
 * Reads PostgreSQL and publishes the board. Resolves with false when another publisher has the turn or published a newer
 * board. The published position is read before PostgreSQL, so a lower version in PostgreSQL can only be a restore.
 */
const publish = async (publishing: Publishing, ranker: Ranker): Promise<boolean> => {
  const { pool, board, log, pinnedStores, onPublished } = publishing;
  if (!(await board.takeTurn())) return reportSeen(publishing);
  const previous = await board.position();
  const ranking = await ranker.newest(previous);
  const readAtMs = performance.now();
  let next = await readBoard(pool, ranking, pinnedStores);
  if (previous && isBehind(next, previous)) {
    const versions = { board: previous.version, database: next.version };
    // turns may overlap on a busy machine: only the publisher that raised the epoch logs it
    if (await raiseEpoch(pool, previous.epoch))
      log.warn(versions, "database older than the board after a restore, epoch raised");
    next = await readBoard(pool, null, pinnedStores);
  } else if (previous === null && next.version > 0) {
    // The lost board may have been newer than a database that was restored since, and readers and clients remember it.
    // Its epoch is unknown, but lower than the current time: only this branch ever raises an epoch that far.
    log.info({ version: next.version }, "board missing in Redis, epoch raised");
    await raiseEpoch(pool, Math.max(next.epoch, Math.floor(next.asOfUs / 1_000)));
    next = await readBoard(pool, null, pinnedStores);
  }
  const result = await board.publish(next);
  if (result === "ahead")
    throw new Error("PostgreSQL's clock is more than 5 s ahead of Redis' clock: synchronise the clocks");
  if (result === "older") return reportSeen(publishing);
  onPublished(readAtMs);
  ranker.published(next);
  return true;
};

/** Another publisher's board contains the orders that this process counted before: a skipped turn delays no order. */
const reportSeen = async ({ board, onSeen }: Publishing): Promise<false> => {
  const position = await board.position();
  if (position) onSeen(position.asOfUs / 1_000);
  return false;
};

const isBehind = (next: Board, previous: BoardPosition): boolean =>
  next.epoch < previous.epoch || (next.epoch === previous.epoch && next.version < previous.version);

type Ranker = {
  /** The newest ranking that any publisher has made; null before the first one. */
  newest(published: BoardPosition | null): Promise<Ranking | null>;
  /** Starts a new ranking in the background when that of this board is old and orders were counted since. */
  published(board: Board): void;
  close(): Promise<void>;
};

const RANK_EVERY_US = 1_000_000;

/** Ranks the stores in the background, so that no board waits for it; of N workers one at a time does. */
const openRanker = (
  { pool, board, log }: Publishing,
  onRanked: () => void,
  onRefused: (error: MissingRight) => void,
): Ranker => {
  let held: Ranking | null = null;
  let rankedVersion = -1;
  let underWay: Promise<void> | null = null;
  let closed = false;
  const outage = openOutageLog(log, {
    failing: "store ranking failed, retrying",
    recovered: "store ranking recovered",
  });
  const heldAsOfUs = (): number => held?.asOfUs ?? 0;
  const rank = async (version: number): Promise<void> => {
    try {
      if (!(await board.takeRanking())) return;
      held = await readRanking(pool);
      rankedVersion = version;
      outage.succeeded();
      if (!closed) onRanked();
    } catch (error) {
      if (error instanceof MissingRight) onRefused(error);
      // the next board starts another attempt
      outage.failed(error);
    } finally {
      underWay = null;
    }
  };
  return {
    newest: async (published) => {
      // only another publisher's ranking is worth reading the whole board for, once a second at most
      if (published && published.storesAsOfUs > heldAsOfUs()) {
        const whole = await board.read();
        if (whole && whole.storesAsOfUs > heldAsOfUs()) held = rankingIn(whole);
      }
      return held;
    },
    published: (next) => {
      if (next.storesAsOfUs > heldAsOfUs()) held = rankingIn(next);
      const isFresh = next.version === rankedVersion || next.asOfUs - next.storesAsOfUs < RANK_EVERY_US;
      if (!closed && !underWay && !isFresh) underWay = rank(next.version);
    },
    close: async () => {
      closed = true;
      await underWay;
    },
  };
};

/** Does `work` at the earliest requested time, one at a time; a later request does not postpone it. */
const openAlarm = (work: () => Promise<void>) => {
  let dueAt = Number.POSITIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  let underWay: Promise<void> = Promise.resolve();
  let closed = false;
  return {
    within: (ms: number): void => {
      const at = performance.now() + ms;
      if (closed || at >= dueAt) return;
      clearTimeout(timer);
      dueAt = at;
      timer = setTimeout(() => {
        dueAt = Number.POSITIVE_INFINITY;
        underWay = underWay.then(work);
      }, ms);
    },
    close: async (): Promise<void> => {
      closed = true;
      clearTimeout(timer);
      await underWay;
    },
  };
};
