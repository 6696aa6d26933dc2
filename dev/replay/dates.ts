/**
 * Dates and times as exports write them. Nothing is left to `Date.parse`, which takes local time for a missing
 * offset, month before day, and February 30 for March 2.
 */
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "#shared/domain/time.ts";
import type { ToUtc } from "./zone.ts";

/** In which order a date of numbers, like 3/4/2026, is read. */
export type DateOrder = "dmy" | "mdy" | "ymd";

/** A date with its time in UTC milliseconds, or why it is none. */
export type Moment = { readonly ms: number } | { readonly problem: string };

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

const EPOCH = /^(?:\d{10}(?:\.\d+)?|\d{13})$/;
const WEEKDAY = /^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+/i;
const YEAR_FIRST = /^(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?!\d)/;
const COMPACT = /^(\d{4})(\d{2})(\d{2})(?!\d)/;
const NUMBERS = /^(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})(?!\d)/;
const DAY_MONTH = /^(\d{1,2})(?:st|nd|rd|th)?[\s\-/.]+([a-z]{3,9})\.?,?[\s\-/]+(\d{4}|\d{2})(?!\d)/i;
const MONTH_DAY = /^([a-z]{3,9})\.?[\s-]+(\d{1,2})(?:st|nd|rd|th)?,?[\s-]+(\d{4})(?!\d)/i;
const TIME =
  /^(\d{1,2})(?::(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?\s*([ap]\.?m\.?)?\s*(z|utc|gmt|[+-]\d{2}(?::?\d{2})?)?$/i;

type Day = { readonly year: number; readonly month: number; readonly day: number; readonly rest: string };

/**
 * What the text of a date says about the order of its numbers: the only one possible, `either` where both day and
 * month first make a date, and null where it does not matter.
 */
export const orderHint = (text: string): "dmy" | "mdy" | "either" | null => {
  const match = NUMBERS.exec(withoutWeekday(text));
  if (!match) return null;
  const [first, second] = [Number(match[1]), Number(match[3])];
  if (first > 12 && second <= 12) return "dmy";
  if (second > 12 && first <= 12) return "mdy";
  return first === second || first > 12 ? null : "either";
};

/**
 * The moment that a date text and, where it has a column of its own, a time text mean at a shop in this zone. An
 * offset or epoch seconds in the text win over the zone. A date without any time is its midnight.
 */
export const momentOf = (date: string, time: string, order: DateOrder, toUtc: ToUtc): Moment => {
  const text = withoutWeekday(date);
  if (text === "") return { problem: "the date is missing" };
  if (EPOCH.test(text))
    return { ms: text.length === 13 ? Number(text) : Math.round(Number(text) * SECOND_MS) };
  const day = dayOf(text, order);
  if (!day) return { problem: `"${shown(date)}" is no known form of a date` };
  const dayMs = Date.UTC(day.year, day.month - 1, day.day);
  const back = new Date(dayMs);
  if (back.getUTCMonth() !== day.month - 1 || back.getUTCDate() !== day.day)
    return { problem: `"${shown(date)}" is no day of the calendar` };
  // Spreadsheets write a time column as 1899-12-30 07:06:11, and a date column as 2026-01-15 00:00:00.
  const clock = clockOf(time.trim() === "" ? day.rest : time.trim().replace(/^\d{4}-\d{2}-\d{2}[T\s]+/, ""));
  if (!clock) return { problem: `"${shown(time.trim() === "" ? date : time)}" has no known form of a time` };
  const shopMs = dayMs + clock.sinceMidnightMs;
  return { ms: clock.offsetMs === null ? toUtc(shopMs) : shopMs - clock.offsetMs };
};

const withoutWeekday = (text: string): string => text.trim().replaceAll(/\s+/g, " ").replace(WEEKDAY, "");

const dayOf = (text: string, order: DateOrder): Day | null => {
  const day = (match: RegExpExecArray, year = "", month: string | number = "", ofMonth = ""): Day => ({
    year: fullYear(year),
    month: Number(month),
    day: Number(ofMonth),
    rest: text.slice(match[0].length).replace(/^(?:\s*,\s*|T|\s+at\s+|\s+)/i, ""),
  });
  let match = YEAR_FIRST.exec(text);
  if (match) return day(match, match[1], match[3], match[4]);
  match = NUMBERS.exec(text);
  if (match) {
    if (order === "ymd") return day(match, match[1], match[3], match[4]);
    return order === "dmy"
      ? day(match, match[4], match[3], match[1])
      : day(match, match[4], match[1], match[3]);
  }
  match = COMPACT.exec(text);
  if (match) return day(match, match[1], match[2], match[3]);
  match = DAY_MONTH.exec(text);
  if (match) return day(match, match[3], monthOf(match[2]), match[1]);
  match = MONTH_DAY.exec(text);
  return match ? day(match, match[3], monthOf(match[1]), match[2]) : null;
};

/** 0, which is no month of the calendar, for a word that is none. */
const monthOf = (word = ""): number => MONTHS.indexOf(word.slice(0, 3).toLowerCase()) + 1;

/** 26 is 2026 and 99 is 1999: the rule of POSIX strptime, with its pivot at 69. */
const fullYear = (year: string): number => {
  const value = Number(year);
  return year.length > 2 ? value : value + (value < 69 ? 2000 : 1900);
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

const offsetOf = (zone: string): number => {
  const match = /^([+-])(\d{2}):?(\d{2})?$/.exec(zone);
  if (!match) return 0;
  return (match[1] === "-" ? -1 : 1) * (Number(match[2]) * HOUR_MS + Number(match[3] ?? 0) * MINUTE_MS);
};

const shown = (text: string): string => text.trim().slice(0, 40);
