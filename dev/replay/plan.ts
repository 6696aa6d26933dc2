/**
 * When each sale is said to have happened, under which key it is sent, and which hours are compared at the end.
 */
import { hash } from "node:crypto";
import { v7 as uuidV7 } from "uuid";
import { DAY_MS, HOUR_MS, iso } from "#shared/domain/time.ts";
import type { Row, Survey } from "./survey.ts";

/** The first and the last of a list that is in the order of time. */
export const spanOf = (rows: readonly Row[]): { firstMs: number; lastMs: number } => ({
  firstMs: rows[0]?.ms ?? 0,
  lastMs: rows.at(-1)?.ms ?? 0,
});

/** Whole days, so that the day keeps its shape: the last sale gets the last such day that is not in the future. */
export const shiftToNow = (lastMs: number, nowMs: number): number =>
  Math.floor((nowMs - lastMs) / DAY_MS) * DAY_MS;

/** Whole hours around all sales, because the system's history knows hours. */
export const hoursAround = (rows: readonly Row[], shiftMs: number): { fromMs: number; toMs: number } => {
  const { firstMs, lastMs } = spanOf(rows);
  const hour = (ms: number): number => Math.floor((ms + shiftMs) / HOUR_MS) * HOUR_MS;
  return { fromMs: hour(firstMs), toMs: hour(lastMs) + HOUR_MS };
};

export type KeySource = { readonly sha256: string; readonly mode: string; readonly keyTimeMs: number };

/**
 * A UUIDv7 that is a pure function of file, mode, line and the time of the replay's first start, so that a replay
 * that goes on after an interruption sends the very same orders.
 */
export const keyOfLine = ({ sha256, mode, keyTimeMs }: KeySource, line: number): string =>
  uuidV7({
    msecs: keyTimeMs,
    random: hash("sha256", `${sha256}\0${mode}\0${line}`, "buffer").subarray(0, 16),
  });

/** The body of the order for a row. */
export const orderOfRow = (
  row: Row,
  { stores, drinks }: Pick<Survey, "stores" | "drinks">,
  shiftMs: number,
) => ({
  drink: drinks[row.drink] ?? "",
  store: stores[row.store] ?? "",
  price: row.cents / 100,
  timestamp: iso(row.ms + shiftMs),
});

/**
 * When a row is sent, in milliseconds since this run's start. Rows before `sentTo` were sent by an earlier run:
 * they go at once, again, which is safe, and proves that none was lost.
 */
export const dueAfterMs = (rows: readonly Row[], index: number, speed: number, sentTo: number): number => {
  if (speed === Number.POSITIVE_INFINITY || index <= sentTo) return 0;
  return ((rows[index]?.ms ?? 0) - (rows[sentTo]?.ms ?? 0)) / speed;
};
