/** Local time of an IANA time zone, by the runtime's own time zone data. */
import { DAY_MS, iso, MINUTE_MS } from "./time.ts";

/** Milliseconds as if the local clock showed UTC -> UTC milliseconds. */
export type ToUtc = (localMs: number) => number;
/** Why a local time is not one moment: clocks that go back show it twice, clocks that go forward leave it out. */
export type Oddity = "twice" | "never";
export type LocalClock = { readonly toUtc: ToUtc; readonly oddityOf: (localMs: number) => Oddity | null };

/** All transitions since 1970 happen on a quarter of an hour, so offsets are looked up once for each. */
const SLOT_MS = 15 * MINUTE_MS;

/** Local time to UTC, as `openClock` reads it. */
export const openZone = (timeZone: string): ToUtc => openClock(timeZone).toUtc;

/**
 * Throws a RangeError for a name that is no IANA time zone. A local time that happens twice (clocks go back) means the
 * first; one that never happens (clocks go forward) means as much later as the clocks moved.
 */
export const openClock = (timeZone: string): LocalClock => {
  const format = new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "medium" });
  if (timeZone.toUpperCase() === "UTC") return { toUtc: (localMs) => localMs, oddityOf: () => null };
  // sv-SE writes 2026-03-14 08:52:00
  const offsetAt = (utcMs: number): number =>
    Date.parse(`${format.format(utcMs).replace(" ", "T")}Z`) - utcMs;
  const slots = new Map<number, Slot>();
  const slotOf = (localMs: number): Slot => {
    const start = Math.floor(localMs / SLOT_MS) * SLOT_MS;
    const known = slots.get(start);
    if (known) return known;
    const slot = slotAt(start, offsetAt);
    slots.set(start, slot);
    return slot;
  };
  return {
    toUtc: (localMs) => localMs - slotOf(localMs).offsetMs,
    oddityOf: (localMs) => slotOf(localMs).oddity,
  };
};

type Slot = { readonly offsetMs: number; readonly oddity: Oddity | null };

/** The offsets a day before and after bracket any transition; the earlier one holds wherever it fits. */
const slotAt = (localMs: number, offsetAt: (utcMs: number) => number): Slot => {
  const before = offsetAt(localMs - DAY_MS);
  const after = offsetAt(localMs + DAY_MS);
  if (before === after) return { offsetMs: before, oddity: null };
  const [fitsBefore, fitsAfter] = [before, after].map((offset) => offsetAt(localMs - offset) === offset);
  if (fitsBefore) return { offsetMs: before, oddity: fitsAfter ? "twice" : null };
  return fitsAfter ? { offsetMs: after, oddity: null } : { offsetMs: before, oddity: "never" };
};

/** A day of a zone: when it starts, and that midnight as if the local clock showed UTC. */
export type LocalDay = { readonly startMs: number; readonly localMs: number };

/**
 * The days of a zone that overlap with `fromMs` to `toMs` (exclusive), and after them the day that follows. They last from
 * one start to the next: 23 to 25 hours, or not at all where a zone left out a date.
 */
export const localDays = (toUtc: ToUtc, fromMs: number, toMs: number): LocalDay[] => {
  // no zone is a day ahead of UTC
  let localMs = Math.floor(fromMs / DAY_MS + 1) * DAY_MS;
  while (toUtc(localMs) > fromMs) localMs -= DAY_MS;
  const days: LocalDay[] = [];
  for (;;) {
    const startMs = toUtc(localMs);
    if (days.at(-1)?.startMs === startMs) days.pop();
    days.push({ startMs, localMs });
    if (startMs >= toMs && days.length > 1) return days;
    localMs += DAY_MS;
  }
};

/** RFC 3339, in the zone's own time. */
export const localIso = ({ startMs, localMs }: LocalDay): string => {
  const minutes = Math.abs(localMs - startMs) / MINUTE_MS;
  const two = (number: number): string => String(number).padStart(2, "0");
  const offset = `${localMs < startMs ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
  return `${iso(localMs).slice(0, -1)}${offset}`;
};
