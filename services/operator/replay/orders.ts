/** The orders of a sales file: their times, keys and pace, and the hours that are compared at the end. */
import { hash } from "node:crypto";
import { v7 as uuidV7 } from "uuid";
import { DAY_MS, HOUR_MS, iso } from "#shared/domain/time.ts";
import type { Hours } from "./api.ts";
import type { Row } from "./survey.ts";

/** The first and the last moment of rows in the order of time. */
export const spanOf = (rows: readonly Row[]): { firstMs: number; lastMs: number } => ({
  firstMs: rows[0]?.ms ?? 0,
  lastMs: rows.at(-1)?.ms ?? 0,
});

/** Whole days, so that the day keeps its shape: the last sale moves to the last such moment before now. */
export const shiftToNow = (lastMs: number, nowMs: number): number =>
  Math.floor((nowMs - lastMs) / DAY_MS) * DAY_MS;

/** Whole hours around all sales, because the system's history is in hours. */
export const hoursAround = (rows: readonly Row[], shiftMs: number): Hours => {
  const { firstMs, lastMs } = spanOf(rows);
  const hour = (ms: number): number => Math.floor((ms + shiftMs) / HOUR_MS) * HOUR_MS;
  return { fromMs: hour(firstMs), toMs: hour(lastMs) + HOUR_MS };
};

export type KeySource = { readonly sha256: string; readonly mode: string; readonly keyTimeMs: number };

/**
 * A UUIDv7 that is a pure function of file, mode, line and the time of the replay's first start, so that a replay
 * that continues after an interruption sends the same orders.
 */
export const keyOfLine = ({ sha256, mode, keyTimeMs }: KeySource, line: number): string =>
  uuidV7({
    msecs: keyTimeMs,
    random: hash("sha256", `${sha256}\0${mode}\0${line}`, "buffer").subarray(0, 16),
  });

/** The body of a batch of orders. */
export const bodyOf = (rows: readonly Row[], source: KeySource, shiftMs: number): string =>
  JSON.stringify(
    rows.map(({ line, ms, cents, store, drink }) => ({
      id: keyOfLine(source, line),
      drink,
      store,
      price: cents / 100,
      timestamp: iso(ms + shiftMs),
    })),
  );

/**
 * When a row is sent, in milliseconds since this run's start. Rows before `sentTo` were sent by an earlier run: they
 * are sent again at once, which is safe and proves that none was lost.
 */
export const dueAfterMs = (rows: readonly Row[], index: number, speed: number, sentTo: number): number => {
  if (speed === Number.POSITIVE_INFINITY || index <= sentTo) return 0;
  return ((rows[index]?.ms ?? 0) - (rows[sentTo]?.ms ?? 0)) / speed;
};
