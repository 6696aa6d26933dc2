import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { openClock } from "#shared/domain/time-zone.ts";
import { type DateOrder, momentOf, orderHint } from "./dates.ts";
import { zoneNamed } from "./zones.ts";

const utc = openClock("UTC");
const at = (date: string, time = "", order: DateOrder = "dmy", shop = utc, zone = ""): string => {
  const moment = momentOf({ date, time, zone }, order, shop);
  return "ms" in moment ? new Date(moment.ms).toISOString() : moment.problem;
};

test.each([
  ["2026-01-15T10:00:00Z", "2026-01-15T10:00:00.000Z"],
  ["2026-01-15T10:00:00+02:00", "2026-01-15T08:00:00.000Z"],
  ["2026-01-15 10:00:05.123456 UTC", "2026-01-15T10:00:05.123Z"],
  ["2026-01-15 10:00 -0500", "2026-01-15T15:00:00.000Z"],
  ["2026/1/5 7:06", "2026-01-05T07:06:00.000Z"],
  ["20260115", "2026-01-15T00:00:00.000Z"],
  ["20260115T101112", "2026-01-15T10:11:12.000Z"],
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
  ["2026-01-15 13:00 AM", "no known form of a time"],
  ["2026-01-15 10", "no known form of a time"],
  ["2026-01-15 10:00 XYZ", 'the time zone "XYZ" is not known'],
  ["2026-01-15 10:00 IST", 'the time zone "IST" is not known'],
  ["16-Dec-2025 02:44 PM EST", "2025-12-16T19:44:00.000Z"],
  ["16-Dec-2025 02:44 PM (CEST)", "2025-12-16T12:44:00.000Z"],
  ["2026-03-14T08:52:00-04:00[America/New_York]", "2026-03-14T12:52:00.000Z"],
  ["14 Mar 2026 08:52 UTC+1", "2026-03-14T07:52:00.000Z"],
  ["14/03/2026 13:00 PM", "2026-03-14T13:00:00.000Z"],
  ["14. März 2026, 08:52 Uhr", "2026-03-14T08:52:00.000Z"],
  ["14 de marzo de 2026 8:52 p. m.", "2026-03-14T20:52:00.000Z"],
  ["lundi 2 mars 2026 à 8h52", "2026-03-02T08:52:00.000Z"],
  ["sáb. 14/03/2026 08.52", "2026-03-14T08:52:00.000Z"],
  ["mar 17/03/2026", "2026-03-17T00:00:00.000Z"],
  ["Mar 17, 2026", "2026-03-17T00:00:00.000Z"],
  ["1er août 2026", "2026-08-01T00:00:00.000Z"],
  ["14 grudnia 2025 r.", "has no known form of a time"],
  ["14 grudnia 2025", "2025-12-14T00:00:00.000Z"],
  ["14. 03. 2026 8.52", "2026-03-14T08:52:00.000Z"],
  ["2026. 03. 14. 8:52", "2026-03-14T08:52:00.000Z"],
  ["2026年3月14日 下午2:44", "2026-03-14T14:44:00.000Z"],
  ["2026년 3월 14일 오전 8:52", "2026-03-14T08:52:00.000Z"],
  ["2026-Mar-14 0852", "2026-03-14T08:52:00.000Z"],
  ["14MAR2026:08:52:11", "2026-03-14T08:52:11.000Z"],
  ["14/3/26, 8:52\u202fAM", "2026-03-14T08:52:00.000Z"],
])("reads %j", (text, expected) => expect(at(text)).toContain(expected));

test("joins date and time of two columns, also as a spreadsheet writes them", () => {
  expect(at("2026-01-15", "07:06:11")).toBe("2026-01-15T07:06:11.000Z");
  expect(at("2026-01-15 00:00:00", "1899-12-30 07:06:11")).toBe("2026-01-15T07:06:11.000Z");
  expect(at("2026-01-15", "noon")).toContain('"noon" has no known form');
});

test.each([
  ["08.52", "08:52"],
  ["8h52", "08:52"],
  ["8 h", "08:00"],
  ["08:52 a. m.", "08:52"],
  ["8:52 p.m.", "20:52"],
  ["8:52p", "20:52"],
  ["12:05 AM", "00:05"],
  ["kl. 8.52", "08:52"],
  ["08:52:30.5 Uhr", "08:52"],
  ["下午2:44", "14:44"],
  ["14时44分", "14:44"],
  ["오후 2:44", "14:44"],
  ["8:52 μ.μ.", "20:52"],
  ["0852", "08:52"],
  ["085211", "08:52"],
])("reads a time of its own column, %s", (time, expected) => {
  expect(at("2026-03-14", time)).toContain(`T${expected}`);
});

test.each(["8", "8:5", "25:00", "8:60", "noon", "0.369", "08:52 maybe"])(
  "does not guess at the time %s",
  (time) => expect(at("2026-03-14", time)).not.toContain("T0"),
);

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
  const london = openClock("Europe/London");
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
  test("of the record win over the shop's, and those of the text over both", () => {
    const eastern = "Eastern Time (US & Canada)";
    expect(at("2026-07-15 10:00", "", "dmy", london, eastern)).toBe("2026-07-15T14:00:00.000Z");
    expect(at("2026-07-15 10:00 PDT", "", "dmy", london, eastern)).toBe("2026-07-15T17:00:00.000Z");
    expect(at("2026-07-15 10:00", "", "dmy", london, "the moon")).toContain(
      'time zone "the moon" is not known',
    );
  });
  test("say which local times happen twice or never", () => {
    const oddityAt = (date: string) => {
      const moment = momentOf({ date, time: "", zone: "America/New_York" }, "dmy", utc);
      return "ms" in moment && moment.oddity;
    };
    expect(oddityAt("2025-11-02 00:30")).toBeNull();
    expect(oddityAt("2025-11-02 01:30")).toBe("twice");
    expect(oddityAt("2025-11-02 02:00")).toBeNull();
    expect(oddityAt("2026-03-08 02:30")).toBe("never");
    expect(oddityAt("2026-03-08 03:00")).toBeNull();
  });
  test.each([
    ["Eastern Time (US & Canada)", "America/New_York"],
    ["Eastern Standard Time", "America/New_York"],
    ["(UTC-05:00) Eastern Time (US & Canada)", "America/New_York"],
    ["W. Europe Standard Time", "Europe/Berlin"],
    ["Berlin", "Europe/Berlin"],
    ["Europe/Berlin", "Europe/Berlin"],
    ["New York", "America/New_York"],
    ["Sydney", "Australia/Sydney"],
    ["PT", "America/Los_Angeles"],
  ])("are known by the name %s", (name, iana) => {
    for (const localMs of [Date.UTC(2026, 0, 15), Date.UTC(2026, 6, 15)])
      expect(zoneNamed(name)?.toUtc(localMs)).toBe(openClock(iana).toUtc(localMs));
  });
  test("are known by abbreviations and offsets", () => {
    const hours = (name: string) => 0 - (zoneNamed(name)?.toUtc(0) ?? Number.NaN) / 3_600_000;
    expect(["EST", "cest", "AEST", "-05:00", "+0530", "UTC+2", "GMT-3", "Z"].map(hours)).toEqual([
      -5, 2, 10, -5, 5.5, 2, -3, 0,
    ]);
    expect(["IST", "XYZ", "", "Mars/Olympus", "+25:00"].map(zoneNamed)).toEqual([
      null,
      null,
      null,
      null,
      null,
    ]);
  });
  test("return every local time unchanged", () => {
    for (const name of ["Europe/London", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]) {
      const zone = openClock(name);
      const clock = new Intl.DateTimeFormat("sv-SE", {
        timeZone: name,
        dateStyle: "short",
        timeStyle: "medium",
      });
      fc.assert(
        fc.property(fc.integer({ min: 0, max: 2 * 366 * 24 * 4 }), (quarters) => {
          const ms = Date.UTC(2025, 0, 1) + quarters * 900_000;
          const shown = clock.format(ms);
          const moment = momentOf({ date: shown, time: "", zone: "" }, "dmy", zone);
          // an hour that happens twice has one text, so the text is compared
          expect("ms" in moment && clock.format(moment.ms)).toBe(shown);
        }),
      );
    }
  });
});
