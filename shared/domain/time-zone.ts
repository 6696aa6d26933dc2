/** Local time of an IANA time zone, by the runtime's own time zone data. */
import { DAY_MS, MINUTE_MS } from "./time.ts";

/** Milliseconds as if the local clock showed UTC -> UTC milliseconds. */
export type ToUtc = (localMs: number) => number;

/** All transitions since 1970 happen on a quarter of an hour, so offsets are looked up once for each. */
const SLOT_MS = 15 * MINUTE_MS;

/**
 * Local time to UTC. Throws a RangeError for a name that is no IANA
 * time zone. A local time that happens twice (clocks go back) means the first; one that never happens (clocks go
 * forward) means as much later as the clocks moved.
 */
export const openZone = (timeZone: string): ToUtc => {
  const format = new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "medium" });
  if (timeZone.toUpperCase() === "UTC") return (localMs) => localMs;
  // sv-SE writes 2026-03-14 08:52:00
  const offsetAt = (utcMs: number): number =>
    Date.parse(`${format.format(utcMs).replace(" ", "T")}Z`) - utcMs;
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
  const before = offsetAt(localMs - DAY_MS);
  const after = offsetAt(localMs + DAY_MS);
  if (before === after || offsetAt(localMs - before) === before) return before;
  return offsetAt(localMs - after) === after ? after : before;
};
