/**
 * Times are UTC milliseconds since 1970; hours are UTC hours of their own day.
 */

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

export const hourStart = (ms: number): number => ms - (ms % HOUR_MS);

/** The days of the Gregorian calendar, of the years 0000 to 9999; 29 February in leap years alone. */
const DATE =
  "([0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))" +
  "|([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)";
const MINUTES = "([01][0-9]|2[0-3]):[0-5][0-9]";

/**
 * RFC 3339, and its form without an offset, which the earlier system's clients send and which means UTC. Matches exactly
 * the texts that `timestampMs` reads: it is published, and a client that follows it is not rejected.
 */
export const TIMESTAMP_PATTERN = `^${DATE}[Tt ]${MINUTES}:[0-5][0-9](\\.[0-9]{1,9})?([Zz]|[+-]${MINUTES})?$`;

const PARTS =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d{2}):(\d{2}))?$/;

/**
 * Milliseconds of a timestamp, or `null` when the text is none. `Date.parse` would take local time for a
 * missing offset and turn February 30 into March 2, so the parts are read and checked here.
 */
export const timestampMs = (text: string): number | null => {
  const match = PARTS.exec(text);
  if (!match) return null;
  const part = (index: number): number => Number(match[index] ?? 0);
  const [year, month, day, hour, minute, second] = [part(1), part(2), part(3), part(4), part(5), part(6)];
  const offsetMinutes = (match[8] === "-" ? -1 : 1) * (part(9) * 60 + part(10));
  if (hour > 23 || minute > 59 || second > 59 || part(9) > 23 || part(10) > 59) return null;
  // not `Date.UTC`, which takes the years 0 to 99 for 1900 to 1999
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
  const fractionMs = Number((match[7] ?? "").padEnd(3, "0").slice(0, 3));
  return date.getTime() + fractionMs - offsetMinutes * MINUTE_MS;
};

/** Of a query: also a date alone, which is its first moment, and a time without seconds. */
export const QUERY_TIME_PATTERN = `^${DATE}([Tt ]${MINUTES}(:[0-5][0-9](\\.[0-9]{1,9})?)?([Zz]|[+-]${MINUTES})?)?$`;

/** Milliseconds of a text that matches `QUERY_TIME_PATTERN`, or `null` when the text is none. */
export const queryTimeMs = (text: string): number | null => {
  const [date, time, rest] = [text.slice(0, 10), text.slice(10, 16) || "T00:00", text.slice(16)];
  return timestampMs(date + time + (rest.startsWith(":") ? rest : `:00${rest}`));
};

let isoMs = Number.NaN;
let isoText = "";

/** RFC 3339 in UTC, to the millisecond. The last one is kept: an order asks for its own moment three times. */
export const iso = (ms: number): string => {
  if (ms !== isoMs) {
    isoText = new Date(ms).toISOString();
    isoMs = ms;
  }
  return isoText;
};
