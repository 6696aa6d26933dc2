import { setTimeout as sleep } from "node:timers/promises";
import type { BoardWriter } from "#shared/board/board.ts";
import type { Board } from "#shared/domain/board.ts";
import type { Log } from "#shared/ports.ts";
import { openOutageLog } from "#shared/runtime/outage-log.ts";
import { MissingRight } from "#shared/runtime/redis-rights.ts";
import { raiseEpoch, readBoard } from "#shared/store/board-read.ts";
import type { Pool } from "#shared/store/pool.ts";
import { type Ranking, rankingIn, readRanking } from "#shared/store/ranking.ts";

export type Publisher = {
  /** The rollups changed: a board is published within `publishEveryMs`. */
  changed(): void;
  /** Rejects with `MissingRight` when the board's Redis refuses what it has never allowed. */
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
  /** Called when a board that has everything counted up to `readAtMs` (performance.now()) stands in Redis. */
  readonly onPublished: (readAtMs: number) => void;
  /** Called when the board of another was seen in Redis, with the time of its read by PostgreSQL's clock. */
  readonly onSeen: (asOfMs: number) => void;
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
  const { log, publishEveryMs, refreshEveryMs } = publishing;
  let dirty = false;
  let lastAt = 0;
  let failures = 0;
  // the first attempts may meet connections that are not established yet
  const outage = openOutageLog(log, {
    failing: "publish failed, retrying",
    recovered: "publish recovered",
    tolerated: 2,
  });
  const refused = Promise.withResolvers<never>();
  // it may reject before anything waits for it
  refused.promise.catch(() => undefined);

  const changed = (): void => {
    dirty = true;
    // the leading edge: at once after a quiet time, else in step
    const inStepMs = lastAt + publishEveryMs - performance.now();
    alarm.within(Math.max(0, Math.min(publishEveryMs, inStepMs)));
  };
  const ranker = openRanker(publishing, changed, refused.reject);

  const publishOnce = async (): Promise<void> => {
    const wanted = dirty;
    dirty = false;
    try {
      const done = await publish(publishing, ranker);
      if (done) lastAt = performance.now();
      else dirty ||= wanted;
      if (done) {
        outage.succeeded();
        failures = 0;
      }
      // not done is the turn of another, or a newer board: both are worth another look soon
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
 * Reads the truth and publishes it. False when it is another publisher's turn, or a newer board was there first.
 * The board is read before PostgreSQL, so a lower version there can only be a restore.
 */
const publish = async (publishing: Publishing, ranker: Ranker): Promise<boolean> => {
  const { pool, board, log, pinnedStores, onPublished } = publishing;
  if (!(await board.takeTurn())) return see(publishing);
  const previous = await board.read();
  const readAtMs = performance.now();
  let next = await readBoard(pool, ranker.newest(previous), pinnedStores);
  if (previous && isBehind(next, previous)) {
    const versions = { board: previous.version, database: next.version };
    // turns may overlap on a busy machine: whoever raised it tells it
    if (await raiseEpoch(pool, previous.epoch))
      log.warn(versions, "the database is older than the board: a restore; the epoch rises");
    next = await readBoard(pool, null, pinnedStores);
  } else if (previous === null && next.version > 0) {
    // what stood there may have been newer than a database that was restored since, and readers and clients remember
    // it: its epoch is not known any more, but it is below the time, by which alone it ever made such a leap
    log.info({ version: next.version }, "the board is gone; the epoch rises");
    await raiseEpoch(pool, Math.max(next.epoch, Math.floor(next.asOfUs / 1_000)));
    next = await readBoard(pool, null, pinnedStores);
  }
  const result = await board.publish(next);
  if (result === "ahead")
    throw new Error("PostgreSQL's clock is more than 5 s ahead of Redis'; set the clocks");
  if (result === "older") return see(publishing);
  onPublished(readAtMs);
  ranker.published(next);
  return true;
};

/** The board of another holds what this process counted before: not to have had the turn makes no order late. */
const see = async ({ board, onSeen }: Publishing): Promise<false> => {
  const asOfMs = await board.asOfMs();
  if (asOfMs !== null) onSeen(asOfMs);
  return false;
};

type Ranker = {
  /** The newer of our own ranking and that of the board published last. */
  newest(previous: Board | null): Ranking | null;
  /** Ranks anew, in the background, when the stores of this board are old and something was sold since. */
  published(board: Board): void;
  close(): Promise<void>;
};

const RANK_EVERY_US = 1_000_000;

/** Ranks the stores beside the boards, so that no board waits for it; of N workers one at a time does. */
const openRanker = (
  { pool, board, log }: Publishing,
  onRanked: () => void,
  onRefused: (error: MissingRight) => void,
): Ranker => {
  let own: Ranking | null = null;
  let rankedVersion = -1;
  let underWay: Promise<void> | null = null;
  let closed = false;
  const outage = openOutageLog(log, {
    failing: "store ranking failed, retrying",
    recovered: "store ranking recovered",
  });
  const rank = async (version: number): Promise<void> => {
    try {
      if (!(await board.takeRanking())) return;
      own = await readRanking(pool);
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
    newest: (previous) => {
      const theirs = previous && rankingIn(previous);
      return own && own.asOfUs > (theirs?.asOfUs ?? 0) ? own : theirs;
    },
    published: ({ asOfUs, storesAsOfUs, version }) => {
      if (closed || underWay || version === rankedVersion || asOfUs - storesAsOfUs < RANK_EVERY_US) return;
      underWay = rank(version);
    },
    close: async () => {
      closed = true;
      await underWay;
    },
  };
};

const isBehind = (next: Board, previous: Board): boolean =>
  next.epoch < previous.epoch || (next.epoch === previous.epoch && next.version < previous.version);

/** Does `work` at the earliest time wished for, one at a time; a later wish does not put it off. */
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
