/**
 * Dates and times as exports write them, in the time zone of the shop. `Date.parse` is not used: it takes local time
 * for a missing offset, month before day, and February 30 for March 2.
 */
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "#shared/domain/time.ts";
import type { ToUtc } from "#shared/domain/time-zone.ts";

/** The order in which a date of numbers, like 3/4/2026, is read. */
export type DateOrder = "dmy" | "mdy" | "ymd";
/** A date with its time in UTC milliseconds, or why the text is not a date. */
export type Moment = { readonly ms: number } | { readonly problem: string };

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

const EPOCH = /^(?:\d{10}(?:\.\d+)?|\d{13})$/;
const WEEKDAY = /^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+/i;
const NUMBERS = /^(?<a>\d{1,2})([-/.])(?<b>\d{1,2})\2(?<c>\d{4}|\d{2})(?!\d)/;
/** Forms whose parts have names; NUMBERS is the one that needs a date order. */
const FORMS = [
  /^(?<year>\d{4})([-/.])(?<month>\d{1,2})\2(?<day>\d{1,2})(?!\d)/,
  /^(?<year>\d{4})(?<month>\d{2})(?<day>\d{2})(?!\d)/,
  /^(?<day>\d{1,2})(?:st|nd|rd|th)?[\s\-/.]+(?<month>[a-z]{3,9})\.?,?[\s\-/]+(?<year>\d{4}|\d{2})(?!\d)/i,
  /^(?<month>[a-z]{3,9})\.?[\s-]+(?<day>\d{1,2})(?:st|nd|rd|th)?,?[\s-]+(?<year>\d{4})(?!\d)/i,
];
/** What separates a date from its time. */
const SEPARATOR = /^(?:\s*,\s*|T|\s+at\s+|\s+)/i;
const TIME =
  /^(\d{1,2})(?::(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?\s*([ap]\.?m\.?)?\s*(z|utc|gmt|[+-]\d{2}(?::?\d{2})?)?$/i;

/**
 * What a date text shows about the order of its numbers: the only one possible, `either` where both day first and
 * month first make a date, and null where the order does not matter.
 */
export const orderHint = (text: string): "dmy" | "mdy" | "either" | null => {
  const { a, b } = NUMBERS.exec(withoutWeekday(text))?.groups ?? {};
  const [first, second] = [Number(a), Number(b)];
  if (first > 12 && second <= 12) return "dmy";
  if (second > 12 && first <= 12) return "mdy";
  return a === undefined || first === second || first > 12 ? null : "either";
};

/**
 * The moment of a date text and, where it has a column of its own, a time text, at a shop in this zone. An offset or
 * epoch seconds in the text win over the zone. A date without a time is its midnight.
 */
export const momentOf = (date: string, time: string, order: DateOrder, toUtc: ToUtc): Moment => {
  const text = withoutWeekday(date);
  if (text === "") return { problem: "the date is missing" };
  if (EPOCH.test(text))
    return { ms: text.length === 13 ? Number(text) : Math.round(Number(text) * SECOND_MS) };
  const day = dayOf(text, order);
  if (day === null) return { problem: `"${shown(date)}" is no known form of a date` };
  if (Number.isNaN(day.ms)) return { problem: `"${shown(date)}" is no day of the calendar` };
  // spreadsheets write a time column as 1899-12-30 07:06:11, and a date column as 2026-01-15 00:00:00
  const clock = clockOf(time.trim() === "" ? day.rest : time.trim().replace(/^\d{4}-\d{2}-\d{2}[T\s]+/, ""));
  if (clock === null)
    return { problem: `"${shown(time.trim() === "" ? date : time)}" has no known form of a time` };
  const shopMs = day.ms + clock.sinceMidnightMs;
  return { ms: clock.offsetMs === null ? toUtc(shopMs) : shopMs - clock.offsetMs };
};

const shown = (text: string): string => text.trim().slice(0, 40);

const withoutWeekday = (text: string): string => text.trim().replaceAll(/\s+/g, " ").replace(WEEKDAY, "");

/** Midnight of the date, NaN when the calendar has no such day, and the text behind it; null for an unknown form. */
const dayOf = (text: string, order: DateOrder): { ms: number; rest: string } | null => {
  for (const form of [NUMBERS, ...FORMS]) {
    const match = form.exec(text);
    if (!match?.groups) continue;
    const { a, b, c } = match.groups;
    const [year = match.groups["year"], month = match.groups["month"], day = match.groups["day"]] =
      order === "ymd" ? [a, b, c] : order === "dmy" ? [c, b, a] : [c, a, b];
    return {
      ms: midnightOf(fullYear(year ?? ""), monthOf(month ?? ""), Number(day)),
      rest: text.slice(match[0].length).replace(SEPARATOR, ""),
    };
  }
  return null;
};

const midnightOf = (year: number, month: number, day: number): number => {
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? date.getTime() : Number.NaN;
};

/** 0, which is no month of the calendar, for an unknown word. */
const monthOf = (text: string): number =>
  /^\d/.test(text) ? Number(text) : MONTHS.indexOf(text.slice(0, 3).toLowerCase()) + 1;

/** 26 is 2026 and 99 is 1999: the rule of POSIX strptime, with its pivot at 69. */
const fullYear = (text: string): number => {
  const year = Number(text);
  return text.length > 2 ? year : year + (year < 69 ? 2000 : 1900);
};

const clockOf = (text: string): { sinceMidnightMs: number; offsetMs: number | null } | null => {
  if (text === "") return { sinceMidnightMs: 0, offsetMs: null };
  const match = TIME.exec(text);
  if (!match) return null;
  const half = match[5]?.[0]?.toLowerCase();
  const [hour, minute, second] = [Number(match[1]), Number(match[2] ?? 0), Number(match[3] ?? 0)];
  const isHour = half ? hour >= 1 && hour <= 12 : hour <= 23 && match[2] !== undefined;
  if (!isHour || minute > 59 || second > 59) return null;
  const hourOfDay = half ? (hour % 12) + (half === "p" ? 12 : 0) : hour;
  const fractionMs = Math.floor(Number(`0.${match[4] ?? 0}`) * SECOND_MS);
  const sinceMidnightMs = hourOfDay * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS + fractionMs;
  const offsetMs = match[6] === undefined ? null : offsetOf(match[6]);
  return offsetMs !== null && Math.abs(offsetMs) >= DAY_MS ? null : { sinceMidnightMs, offsetMs };
};

const offsetOf = (text: string): number => {
  const match = /^([+-])(\d{2}):?(\d{2})?$/.exec(text);
  if (!match) return 0;
  return (match[1] === "-" ? -1 : 1) * (Number(match[2]) * HOUR_MS + Number(match[3] ?? 0) * MINUTE_MS);
};
