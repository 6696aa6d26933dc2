import fc from "fast-check";
import { expect, test, vi } from "vitest";
import {
  DAY_MS,
  HOUR_MS,
  hourStart,
  iso,
  MINUTE_MS,
  QUERY_TIME_PATTERN,
  queryTimeMs,
  TIMESTAMP_PATTERN,
  timestampMs,
} from "./time.ts";

const two = (value: number): string => String(value).padStart(2, "0");
const isLeap = (year: number): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
const daysIn = (year: number, month: number): number =>
  [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;

/** Days since 1970-01-01 without JavaScript's Date: the proleptic Gregorian calendar's day number. */
const dayNumber = (year: number, month: number, day: number): number => {
  const y = month <= 2 ? year - 1 : year;
  const m = month <= 2 ? month + 9 : month - 3;
  const century = Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400);
  return 365 * y + century + Math.floor((153 * m + 2) / 5) + day - 1 - 719_468;
};

test("every day of five centuries is a date, and no other day is", () => {
  const wrong: string[] = [];
  for (let year = 1800; year <= 2300; year++)
    for (let month = 0; month <= 13; month++)
      for (const day of [0, 1, 15, 28, 29, 30, 31, 32]) {
        const text = `${year}-${two(month)}-${two(day)}T00:00:00Z`;
        const exists = day >= 1 && day <= daysIn(year, month);
        if (timestampMs(text) !== (exists ? dayNumber(year, month, day) * DAY_MS : null)) wrong.push(text);
      }
  expect(wrong).toEqual([]);
});

test("converts any time, with any fraction and offset, as the calendar does", () => {
  const moments = fc.record({
    year: fc.integer({ min: 0, max: 9999 }),
    month: fc.integer({ min: 1, max: 12 }),
    day: fc.integer({ min: 1, max: 31 }),
    hour: fc.integer({ min: 0, max: 23 }),
    minute: fc.integer({ min: 0, max: 59 }),
    second: fc.integer({ min: 0, max: 59 }),
    fraction: fc.stringMatching(/^\d{0,9}$/),
    separator: fc.constantFrom("T", "t", " "),
    offset: fc.option(fc.tuple(fc.constantFrom("+", "-"), fc.nat(23), fc.nat(59)), { nil: undefined }),
    zulu: fc.constantFrom("Z", "z", ""),
  });
  fc.assert(
    fc.property(moments, (m) => {
      fc.pre(m.day <= daysIn(m.year, m.month));
      const zone = m.offset ? `${m.offset[0]}${two(m.offset[1])}:${two(m.offset[2])}` : m.zulu;
      const date = `${String(m.year).padStart(4, "0")}-${two(m.month)}-${two(m.day)}`;
      const time = `${two(m.hour)}:${two(m.minute)}:${two(m.second)}${m.fraction ? `.${m.fraction}` : ""}`;
      const text = `${date}${m.separator}${time}${zone}`;
      const offsetMs = m.offset
        ? (m.offset[0] === "-" ? -1 : 1) * (m.offset[1] * HOUR_MS + m.offset[2] * MINUTE_MS)
        : 0;
      const ofDay = m.hour * HOUR_MS + m.minute * MINUTE_MS + m.second * 1_000;
      const fractionMs = Number(m.fraction.slice(0, 3).padEnd(3, "0"));
      expect(timestampMs(text)).toBe(
        dayNumber(m.year, m.month, m.day) * DAY_MS + ofDay + fractionMs - offsetMs,
      );
      expect(text).toMatch(new RegExp(TIMESTAMP_PATTERN));
    }),
    { numRuns: 2_000 },
  );
});

test("keeps milliseconds and truncates finer digits", () => {
  const base = Date.UTC(2026, 0, 15, 10);
  for (let ms = 0; ms < 1_000; ms++) expect(timestampMs(iso(base + ms))).toBe(base + ms);
  expect(timestampMs("2026-01-15T10:00:00.5Z")).toBe(base + 500);
  expect(timestampMs("2026-01-15T10:00:00.999999999Z")).toBe(base + 999);
});

test("a missing offset means UTC, whatever the local time zone", () => {
  try {
    for (const [local, minutesBehind] of [
      ["America/New_York", 240],
      ["Asia/Kolkata", -330],
      ["UTC", 0],
    ] as const) {
      vi.stubEnv("TZ", local);
      expect(new Date(2026, 6, 15).getTimezoneOffset()).toBe(minutesBehind);
      expect(timestampMs("2026-07-15T10:00:00")).toBe(Date.UTC(2026, 6, 15, 10));
      expect(timestampMs("2026-03-29 02:30:00")).toBe(Date.UTC(2026, 2, 29, 2, 30));
    }
  } finally {
    vi.unstubAllEnvs();
  }
});

test("an offset may change the day, month and year", () => {
  expect(timestampMs("2026-01-01T00:30:00+01:00")).toBe(Date.UTC(2025, 11, 31, 23, 30));
  expect(timestampMs("2025-12-31T23:30:00-01:00")).toBe(Date.UTC(2026, 0, 1, 0, 30));
  expect(timestampMs("2024-03-01T00:00:00+00:01")).toBe(Date.UTC(2024, 1, 29, 23, 59));
});

const WRONG = [
  ["a day outside the calendar", "2026-02-30T10:00:00Z", "1900-02-29T00:00:00Z", "2026-13-01T00:00:00Z"],
  ["a time outside the day", "2026-01-15T24:00:00Z", "2026-01-15T23:60:00Z", "2026-12-31T23:59:60Z"],
  ["an offset out of range", "2026-01-15T10:00:00+24:00", "2026-01-15T10:00:00+01:60"],
  [
    "an offset in another form",
    "2026-01-15T10:00:00+0100",
    "2026-01-15T10:00:00+01",
    "2026-01-15T10:00:00 Z",
  ],
  [
    "a fraction in another form",
    "2026-01-15T10:00:00.Z",
    "2026-01-15T10:00:00,5Z",
    "2026-01-15T10:00:00.1234567890Z",
  ],
  ["a missing part", "2026-01-15T10:00Z", "2026-01-15", "26-01-15T10:00:00Z", "2026-1-15T10:00:00Z"],
  ["an addition", "+002026-01-15T10:00:00Z", " 2026-01-15T10:00:00Z", "2026-01-15T10:00:00Z\n"],
  ["another text", "1768471200000", "now", ""],
];
test.each(WRONG)("a text with %s is not a timestamp", (_, ...texts) => {
  for (const text of texts) {
    expect([text, timestampMs(text)]).toEqual([text, null]);
    expect(text).not.toMatch(new RegExp(TIMESTAMP_PATTERN));
  }
});

test("the published pattern has every day of the calendar and no other", () => {
  const pattern = new RegExp(TIMESTAMP_PATTERN);
  const wrong: string[] = [];
  for (const year of ["0000", "0004", "1900", "2000", "2023", "2024", "2100", "2396", "2400", "9999"])
    for (let month = 0; month <= 13; month++)
      for (let day = 0; day <= 32; day++) {
        const text = `${year}-${two(month)}-${two(day)}T00:00:00Z`;
        if (pattern.test(text) !== (timestampMs(text) !== null)) wrong.push(text);
      }
  expect(wrong).toEqual([]);
});

test("hourStart returns the start of the UTC hour", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: Date.UTC(9999, 0) }), (ms) => {
      const start = hourStart(ms);
      expect(start).toBe(timestampMs(`${iso(ms).slice(0, 13)}:00:00Z`));
    }),
  );
});

test("a query may have a date alone, and a time without seconds", () => {
  for (const [text, whole] of [
    ["2026-11-20", "2026-11-20T00:00:00Z"],
    ["2026-11-20T09:30", "2026-11-20T09:30:00Z"],
    ["2026-11-20 09:30Z", "2026-11-20T09:30:00Z"],
    ["2026-11-20t09:30-10:00", "2026-11-20T09:30:00-10:00"],
    ["2026-11-20T09:30:15.5+01:00", "2026-11-20T09:30:15.5+01:00"],
  ] as const) {
    expect(text).toMatch(new RegExp(QUERY_TIME_PATTERN));
    expect(queryTimeMs(text)).toBe(timestampMs(whole));
  }
  for (const text of [
    "2026-02-30",
    "2026-11-20Z",
    "2026-11-20T09",
    "2026-11",
    "2026-11-20T09:30:",
    "2026-11-20T24:00",
  ]) {
    expect(text).not.toMatch(new RegExp(QUERY_TIME_PATTERN));
    expect(queryTimeMs(text)).toBeNull();
  }
});
