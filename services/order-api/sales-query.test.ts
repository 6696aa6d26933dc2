import { expect, test } from "vitest";
import { salesQueryFrom } from "./routes/sales-query.ts";

const rangeOf = (tz: string, from: string, to: string): unknown => {
  const read = salesQueryFrom({ bucket: "day", tz, from, to }, Date.UTC(2026, 11, 1));
  return "errors" in read ? read.errors : [read.shown(read.query.fromMs), read.shown(read.query.toMs)];
};

test.each([
  ["2026-11-20", "2026-11-21"],
  ["2026-11-20T00:00", "2026-11-21T00:00"],
  ["2026-11-20T22:30", "2026-11-21 00:00:00"],
  ["2026-11-19T23:00Z", "2026-11-20T23:00Z"],
])("from %s to %s is one day in Zurich", (from, to) => {
  expect(rangeOf("Europe/Zurich", from, to)).toEqual([
    "2026-11-20T00:00:00.000+01:00",
    "2026-11-21T00:00:00.000+01:00",
  ]);
});

test("a date alone is the first moment of its day, also where midnight does not exist", () => {
  // on this day clocks in Cairo went from 23:59:59+02:00 to 01:00+03:00
  expect(rangeOf("Africa/Cairo", "2026-04-24", "2026-04-25")).toEqual([
    "2026-04-24T00:00:00.000+02:00",
    "2026-04-25T00:00:00.000+03:00",
  ]);
});
