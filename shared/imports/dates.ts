/**
 * Dates and times as exports write them, in the time zone of the shop. `Date.parse` is not used: it takes local time
 * for a missing offset, month before day, and February 30 for March 2.
 */
import { SECOND_MS } from "#shared/domain/time.ts";
import type { LocalClock, Oddity } from "#shared/domain/time-zone.ts";
import { clockOf } from "./clock.ts";
import { isWeekday, monthNamed } from "./months.ts";
import { zoneNamed } from "./zones.ts";

/** The order in which a date of numbers, like 3/4/2026, is read. */
export type DateOrder = "dmy" | "mdy" | "ymd";
/** What a record says about its time; a date may hold the time too, and the others may be empty. */
export type DateTexts = { readonly date: string; readonly time: string; readonly zone: string };
/** A date with its time in UTC milliseconds, or why the text is not a date. */
export type Moment =
  | { readonly ms: number; readonly oddity: Oddity | null; readonly hasTime: boolean }
  | { readonly problem: string };

const EPOCH = /^(?:\d{10}(?:\.\d+)?|\d{13})$/;
const FIRST_WORD = /^(\p{L}+)\.?,?\s+(?=\S)/u;
const NUMBERS = /^(?<a>\d{1,2})\s?([-/.])\s?(?<b>\d{1,2})\s?\2\s?(?<c>\d{4}|\d{2})(?!\d)/;
/** `st` of 1st, `er` of 1er, `de` of 14 de marzo de 2026. */
const ORDINAL = "(?:st|nd|rd|th|er|º|\\.)?";
const OF = "[\\s\\-/.,]*(?:de[l]?\\s+)?";
const MONTH = "(?<month>\\p{L}{3,12})";
/** Forms whose parts have names; NUMBERS is the one that needs a date order. */
const FORMS = [
  /^(?<year>\d{4})\s?([-/.])\s?(?<month>\d{1,2})\s?\2\s?(?<day>\d{1,2})\.?(?!\d)/,
  /^(?<year>\d{4})(?<month>\d{2})(?<day>\d{2})(?!\d)/,
  /^(?<year>\d{4})\s?[年년]\s?(?<month>\d{1,2})\s?[月월]\s?(?<day>\d{1,2})\s?[日일]/,
  new RegExp(`^(?<day>\\d{1,2})${ORDINAL}${OF}${MONTH}${OF}(?<year>\\d{4}|\\d{2}(?!:))(?!\\d)`, "iu"),
  new RegExp(`^${MONTH}\\.?[\\s-]+(?<day>\\d{1,2})${ORDINAL},?[\\s-]+(?<year>\\d{4})(?!\\d)`, "iu"),
  new RegExp(`^(?<year>\\d{4})[\\s\\-/]+${MONTH}\\.?[\\s\\-/]+(?<day>\\d{1,2})(?!\\d)`, "iu"),
];
/** What separates a date from its time. */
const SEPARATOR =
  /^(?:\s*,\s*|\s*T\s*(?=\d)|\s+(?:at|um|à|a las|alle|om|klo?\.?)\s+|\s*[-–|]\s+|:(?=\d)|\s+)/i;

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

/** The first and the last number of a date whose year may be either of them, as in 26-03-14. */
export const yearNumbers = (text: string): readonly [first: number, last: number] | null => {
  const { a, c } = NUMBERS.exec(withoutWeekday(text))?.groups ?? {};
  return a?.length === 2 && c?.length === 2 ? [Number(a), Number(c)] : null;
};

/**
 * The moment of a date text and, where it has a column of its own, a time text, at a shop in this zone. A zone in the
 * text wins over the record's zone, and that over the shop's. A date without a time is its midnight.
 */
export const momentOf = (texts: DateTexts, order: DateOrder, shop: LocalClock): Moment => {
  const [date, time] = [texts.date.trim(), texts.time.trim()];
  const text = withoutWeekday(date);
  if (text === "") return { problem: "the date is missing" };
  if (EPOCH.test(text)) {
    const ms = text.length === 13 ? Number(text) : Math.round(Number(text) * SECOND_MS);
    return { ms, oddity: null, hasTime: true };
  }
  const day = dayOf(text, order);
  if (day === null) return { problem: `"${shown(date)}" is no known form of a date` };
  if (Number.isNaN(day.ms)) return { problem: `"${shown(date)}" is no day of the calendar` };
  // spreadsheets write a time column as 1899-12-30 07:06:11, and a date column as 2026-01-15 00:00:00
  const clockText = time === "" ? day.rest : single(time).replace(/^\d{4}-\d{2}-\d{2}[T\s]+/, "");
  const clock = clockOf(clockText);
  if (clock === null) return { problem: `"${shown(time === "" ? date : time)}" has no known form of a time` };
  if ("problem" in clock) return clock;
  const own = texts.zone.trim();
  const zone = clock.zone ?? (own === "" ? shop : zoneNamed(own));
  if (zone === null) return { problem: `the time zone "${shown(own)}" is not known` };
  const localMs = day.ms + clock.sinceMidnightMs;
  return { ms: zone.toUtc(localMs), oddity: zone.oddityOf(localMs), hasTime: clockText !== "" };
};

/** Whether a text is a date, with the day or the month first. */
export const isDate = (text: string): boolean => {
  const utc = zoneNamed("UTC");
  const texts = { date: text, time: "", zone: "" };
  return utc !== null && (["dmy", "mdy"] as const).some((order) => "ms" in momentOf(texts, order, utc));
};

const shown = (text: string): string => text.slice(0, 40);

/** Also the narrow and non-breaking spaces that `Intl` and Excel write. */
const single = (text: string): string => text.trim().replaceAll(/\s+/g, " ");

const withoutWeekday = (text: string): string => {
  const whole = single(text);
  const [found = "", word = ""] = FIRST_WORD.exec(whole) ?? [];
  if (found === "" || FORMS.some((form) => form.test(whole)) || !isWeekday(word)) return whole;
  return whole.slice(found.length);
};

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

const monthOf = (text: string): number => (/^\d/.test(text) ? Number(text) : monthNamed(text));

/** 26 is 2026 and 99 is 1999: the rule of POSIX strptime, with its pivot at 69. */
const fullYear = (text: string): number => {
  const year = Number(text);
  return text.length > 2 ? year : year + (year < 69 ? 2000 : 1900);
};
