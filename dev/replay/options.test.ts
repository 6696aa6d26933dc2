import { expect, test } from "vitest";
import { optionsFrom } from "./options.ts";

test("defaults", () => {
  expect(optionsFrom(["sales.csv"])).toEqual({
    file: "sales.csv",
    mode: "v2",
    speed: Number.POSITIVE_INFINITY,
    url: null,
    columns: {},
    dateOrder: null,
    storeName: null,
    timeZone: "UTC",
    encoding: "utf8",
    keepTime: false,
    dryRun: false,
    fresh: false,
    keep: false,
  });
  expect(optionsFrom(["--help"])).toBeNull();
});

test("values", () => {
  const args = [
    "--mode",
    "v1",
    "--speed",
    "60",
    "--url",
    "http://localhost:8005/",
    "--date-format",
    "DD/MM/YYYY",
    "--price",
    "Total",
  ];
  expect(optionsFrom([...args, "sales.csv"])).toMatchObject({
    mode: "v1",
    speed: 60,
    url: "http://localhost:8005",
    dateOrder: "dmy",
    columns: { price: "Total" },
  });
});

test.each([
  [[], "which file"],
  [["a.csv", "b.csv"], "one file"],
  [["a.csv", "--speed", "0"], "--speed 0"],
  [["a.csv", "--speed", "fast"], "--speed fast"],
  [["a.csv", "--url", "localhost:8005"], "--url"],
  [["a.csv", "--mode", "../v1"], "--mode"],
  [["a.csv", "--date-format", "auto"], "--date-format"],
  [["a.csv", "--time-zone", "Mars/Olympus"], "--time-zone"],
  [["a.csv", "--encoding", "ebcdic"], "--encoding"],
  [["a.csv", "--store-name", " "], "--store-name"],
  [["a.csv", "--sped", "3"], "--sped"],
])("%j is refused", (args, message) => expect(() => optionsFrom(args)).toThrow(message));
