import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { openZone } from "../domain/time-zone.ts";
import { type DateOrder, momentOf, orderHint } from "./dates.ts";

const utc = openZone("UTC");
const at = (date: string, time = "", order: DateOrder = "dmy", zone = utc): string => {
  const moment = momentOf(date, time, order, zone);
  return "ms" in moment ? new Date(moment.ms).toISOString() : moment.problem;
};

test.each([
  ["2026-01-15T10:00:00Z", "2026-01-15T10:00:00.000Z"],
  ["2026-01-15T10:00:00+02:00", "2026-01-15T08:00:00.000Z"],
  ["2026-01-15 10:00:05.123456 UTC", "2026-01-15T10:00:05.123Z"],
  ["2026-01-15 10:00 -0500", "2026-01-15T15:00:00.000Z"],
  ["2026/1/5 7:06", "2026-01-05T07:06:00.000Z"],
  ["20260115", "2026-01-15T00:00:00.000Z"],
  ["20260115T101112", "has no known form of a time"],
  ["15/01/2026 7:06:11 PM", "2026-01-15T19:06:11.000Z"],
  ["15.01.26, 12:30 am", "2026-01-15T00:30:00.000Z"],
  ["15-Jan-2026 12:30 p.m.", "2026-01-15T12:30:00.000Z"],
  ["Thu, 15 January 2026 at 7 AM", "2026-01-15T07:00:00.000Z"],
  ["Jan 15, 2026 10:00", "2026-01-15T10:00:00.000Z"],
  ["1768471200", "2026-01-15T10:00:00.000Z"],
  ["1768471200250", "2026-01-15T10:00:00.250Z"],
  ["30/02/2026", "no day of the calendar"],
  ["15 Foo 2026", "no day of the calendar"],
  ["yesterday", "no known form of a date"],
  ["", "the date is missing"],
  ["2026-01-15 25:00", "no known form of a time"],
  ["2026-01-15 13:00 PM", "no known form of a time"],
])("reads %j", (text, expected) => expect(at(text)).toContain(expected));

test("joins date and time of two columns, also as a spreadsheet writes them", () => {
  expect(at("2026-01-15", "07:06:11")).toBe("2026-01-15T07:06:11.000Z");
  expect(at("2026-01-15 00:00:00", "1899-12-30 07:06:11")).toBe("2026-01-15T07:06:11.000Z");
  expect(at("2026-01-15", "noon")).toContain('"noon" has no known form');
});

test("reads numbers in the order that is given", () => {
  expect(at("3/4/2026", "", "dmy")).toBe("2026-04-03T00:00:00.000Z");
  expect(at("3/4/2026", "", "mdy")).toBe("2026-03-04T00:00:00.000Z");
  expect(at("26-03-04", "", "ymd")).toBe("2026-03-04T00:00:00.000Z");
});

test("finds what a date says about the order of its numbers", () => {
  const hints = [
    "13/4/2026",
    "4/13/2026 10:00",
    "3/4/2026",
    "4/4/2026",
    "2026-03-04",
    "15 Jan 2026",
    "13/14/2026",
  ];
  expect(hints.map(orderHint)).toEqual(["dmy", "mdy", "either", null, null, null, null]);
});

describe("time zones", () => {
  const london = openZone("Europe/London");
  test("apply the shop's clock in summer and winter, unless the text has an offset", () => {
    expect(at("2026-01-15 10:00", "", "dmy", london)).toBe("2026-01-15T10:00:00.000Z");
    expect(at("2026-07-15 10:00", "", "dmy", london)).toBe("2026-07-15T09:00:00.000Z");
    expect(at("2026-07-15T10:00:00Z", "", "dmy", london)).toBe("2026-07-15T10:00:00.000Z");
  });
  test("handle clocks that go forward and back", () => {
    expect(at("2026-03-29 01:30", "", "dmy", london)).toBe("2026-03-29T01:30:00.000Z");
    expect(at("2026-10-25 01:30", "", "dmy", london)).toBe("2026-10-25T00:30:00.000Z");
    expect(at("2026-10-25 02:00", "", "dmy", london)).toBe("2026-10-25T02:00:00.000Z");
  });
  test("return every local time unchanged", () => {
    for (const name of ["Europe/London", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]) {
      const zone = openZone(name);
      const clock = new Intl.DateTimeFormat("sv-SE", {
        timeZone: name,
        dateStyle: "short",
        timeStyle: "medium",
      });
      fc.assert(
        fc.property(fc.integer({ min: 0, max: 2 * 366 * 24 * 4 }), (quarters) => {
          const ms = Date.UTC(2025, 0, 1) + quarters * 900_000;
          const shown = clock.format(ms);
          const moment = momentOf(shown, "", "dmy", zone);
          // an hour that happens twice has one text, so the text is compared
          expect("ms" in moment && clock.format(moment.ms)).toBe(shown);
        }),
      );
    }
  });
});
