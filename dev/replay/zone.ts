/**
 * Local time of a shop to UTC, by the runtime's own time zone data (Intl).
 */
import { MINUTE_MS } from "#shared/domain/time.ts";

/** Milliseconds as if the shop's clock showed UTC -> UTC milliseconds. */
export type ToUtc = (localMs: number) => number;

/** All transitions since 1970 happen on a quarter of an hour, so offsets are looked up once for each. */
const SLOT_MS = 15 * MINUTE_MS;

/**
 * Throws a RangeError for a name that is no IANA time zone. A time that happens twice (clocks go back) means the
 * first, one that never happens (clocks go forward) means as much later as the clocks moved.
 */
export const openZone = (timeZone: string): ToUtc => {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  if (timeZone.toUpperCase() === "UTC") return (localMs) => localMs;
  const offsetAt = (utcMs: number): number => {
    const parts = Object.fromEntries(
      format.formatToParts(utcMs).map(({ type, value }) => [type, Number(value)]),
    );
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second) - utcMs;
  };
  const offsets = new Map<number, number>();
  return (localMs) => {
    const slot = Math.floor(localMs / SLOT_MS) * SLOT_MS;
    let offset = offsets.get(slot);
    if (offset === undefined) {
      offset = offsetOfLocal(slot, offsetAt);
      offsets.set(slot, offset);
    }
    return localMs - offset;
  };
};

/** The offsets a day before and after bracket any transition; the earlier one holds wherever it fits. */
const offsetOfLocal = (localMs: number, offsetAt: (utcMs: number) => number): number => {
  const before = offsetAt(localMs - 24 * 60 * MINUTE_MS);
  const after = offsetAt(localMs + 24 * 60 * MINUTE_MS);
  if (before === after || offsetAt(localMs - before) === before) return before;
  return offsetAt(localMs - after) === after ? after : before;
};
