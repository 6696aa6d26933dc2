import fc from "fast-check";
import { expect, test } from "vitest";
import { HOUR_MS, iso } from "./time.ts";
import { localDays, localIso, openZone } from "./time-zone.ts";

const daysIn = (zone: string, from: string, to: string) =>
  localDays(openZone(zone), Date.parse(from), Date.parse(to));
/** Start of each day as the zone's clock shows it, and its hours. */
const shown = (zone: string, from: string, to: string): [string, number][] => {
  const days = daysIn(zone, from, to);
  return days
    .slice(0, -1)
    .map((day, index) => [localIso(day), ((days[index + 1]?.startMs ?? 0) - day.startMs) / HOUR_MS]);
};

test.each([
  [
    "clocks that go forward",
    "Europe/Zurich",
    ["2026-03-28T00:00+01:00", "2026-03-31T00:00+02:00"],
    [
      ["2026-03-28T00:00:00.000+01:00", 24],
      ["2026-03-29T00:00:00.000+01:00", 23],
      ["2026-03-30T00:00:00.000+02:00", 24],
    ],
  ],
  [
    "clocks that go back",
    "America/New_York",
    ["2026-10-31T00:00-04:00", "2026-11-02T00:00-05:00"],
    [
      ["2026-10-31T00:00:00.000-04:00", 24],
      ["2026-11-01T00:00:00.000-04:00", 25],
    ],
  ],
  [
    "a midnight that does not happen: the day starts at one",
    "Africa/Cairo",
    ["2026-04-23T00:00+02:00", "2026-04-25T00:00+03:00"],
    [
      ["2026-04-23T00:00:00.000+02:00", 24],
      ["2026-04-24T00:00:00.000+02:00", 23],
    ],
  ],
  [
    "a midnight that happens twice: the day starts with the first",
    "America/Havana",
    ["2026-11-01T00:00-04:00", "2026-11-02T00:00-05:00"],
    [["2026-11-01T00:00:00.000-04:00", 25]],
  ],
  [
    "a date that a zone left out",
    "Pacific/Apia",
    ["2011-12-29T00:00-10:00", "2012-01-01T00:00+14:00"],
    [
      ["2011-12-29T00:00:00.000-10:00", 24],
      ["2011-12-31T00:00:00.000+14:00", 24],
    ],
  ],
  [
    "the zone furthest ahead of UTC",
    "Pacific/Kiritimati",
    ["2026-06-01T11:00Z", "2026-06-01T11:01Z"],
    [["2026-06-02T00:00:00.000+14:00", 24]],
  ],
  [
    "the zone furthest behind",
    "Etc/GMT+12",
    ["2026-06-01T11:00Z", "2026-06-01T11:01Z"],
    [["2026-05-31T00:00:00.000-12:00", 24]],
  ],
  [
    "half an hour",
    "Asia/Kolkata",
    ["2026-06-01T00:00Z", "2026-06-01T01:00Z"],
    [["2026-06-01T00:00:00.000+05:30", 24]],
  ],
  ["UTC", "UTC", ["2026-06-01T00:00Z", "2026-06-02T00:00Z"], [["2026-06-01T00:00:00.000+00:00", 24]]],
])("finds the days of %s", (_, zone, [from = "", to = ""], expected) => {
  expect(shown(zone, from, to)).toEqual(expected);
});

test("each moment has the day that its local clock shows", () => {
  const zones = Intl.supportedValuesOf("timeZone");
  fc.assert(
    fc.property(
      fc.constantFrom(...zones),
      fc.date({ min: new Date("2000-01-01"), max: new Date("2037-01-01"), noInvalidDate: true }),
      (zone, moment) => {
        const ms = moment.getTime();
        const [day, next, ...others] = localDays(openZone(zone), ms, ms + 1);
        expect(others).toEqual([]);
        expect(day?.startMs).toBeLessThanOrEqual(ms);
        expect(next?.startMs).toBeGreaterThan(ms);
        const clock = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short" });
        expect(iso(day?.localMs ?? 0).slice(0, 10)).toBe(clock.format(ms));
      },
    ),
    { numRuns: 2_000 },
  );
});

test("a name of no zone is an error", () => {
  for (const name of ["Europe/Atlantis", "", "Zurich"]) expect(() => openZone(name)).toThrow(RangeError);
});
