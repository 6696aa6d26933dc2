import { expect, test } from "vitest";
import { formatsFor } from "./format.ts";

const english = formatsFor({ locale: "en-US", timeZone: "America/New_York", currency: "USD" });
const german = formatsFor({ locale: "de-DE", timeZone: "Europe/Berlin", currency: "EUR" });
const plain = (text: string): string => text.replaceAll(/[\u00a0\u202f]/g, " ");

test("formats numbers and money in the user's locale", () => {
  expect([english.count(12_345), german.count(12_345)]).toEqual(["12,345", "12.345"]);
  expect(english.money(1_234.5)).toBe("$1,234.50");
  expect(plain(german.money(1_234.5))).toBe("1.234,50 €");
  expect([english.perSecond(2), english.perSecond(1_234.4), german.perSecond(2.25)]).toEqual([
    "2.0",
    "1,234",
    "2,3",
  ]);
});

test("formats money with two decimals and no symbol without a currency", () => {
  expect(formatsFor({ locale: "en-US", currency: null }).money(4.5)).toBe("4.50");
});

test("formats a duration in a suitable unit", () => {
  const spans = [0, 340.4, 999, 1_250, 9_999, 65_000, 150_000, 7_200_000].map(english.span);
  expect(spans.map(plain)).toEqual(["0 ms", "340 ms", "999 ms", "1.3 s", "10.0 s", "65 s", "3 min", "2 h"]);
  expect(plain(english.age(400))).toBe("0.4 s");
});

test("formats times in the user's time zone, and UTC as UTC", () => {
  const atMs = Date.parse("2026-01-15T22:30:05Z");
  expect(plain(english.clock(atMs))).toBe("05:30:05 PM");
  expect(german.clock(atMs)).toBe("23:30:05");
  expect(german.utc(atMs)).toBe("2026-01-15 22:30:05 UTC");
  // days of sales are UTC days, also where the local date is already the next day
  expect(formatsFor({ locale: "en-US", timeZone: "Asia/Tokyo", currency: null }).utcDay(atMs)).toBe("Jan 15");
});
