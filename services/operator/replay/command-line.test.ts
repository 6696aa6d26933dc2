import { join } from "node:path";
import { expect, test } from "vitest";
import { folderForTest } from "../../../test/temporary.ts";
import { optionsFrom, replay } from "./command-line.ts";

test("has a default for every option but the file", () => {
  expect(optionsFrom(["sales.csv"])).toEqual({
    file: "sales.csv",
    mode: "v2",
    speed: Number.POSITIVE_INFINITY,
    url: null,
    columns: {},
    dateOrder: null,
    storeName: null,
    timeZone: "UTC",
    encoding: null,
    hasHeader: true,
    leaveOut: [],
    guessesStatus: true,
    currency: null,
    decimal: null,
    allowBad: false,
    keepTime: false,
    dryRun: false,
    fresh: false,
    keep: false,
    ownSystem: false,
    extendCatalogue: false,
  });
});

test("reads the values of options", () => {
  const args =
    "--mode v1 --speed 60 --url http://localhost:8005/ --date-format DD/MM/YYYY --price Total sales.csv";
  expect(optionsFrom(args.split(" "))).toMatchObject({
    mode: "v1",
    speed: 60,
    url: "http://localhost:8005",
    dateOrder: "dmy",
    columns: { price: "Total" },
  });
  const more = [
    "--leave-out",
    "Status=Voided, Open",
    "--leave-out",
    "none",
    "--currency",
    "any",
    "--decimal",
    "comma",
  ];
  expect(optionsFrom(["a.csv", "--encoding", "latin1", "--zone-column", "none", ...more])).toMatchObject({
    columns: { zone: "none" },
    encoding: "windows1252",
    leaveOut: [{ column: "Status", values: ["Voided", "Open"] }],
    guessesStatus: false,
    currency: "any",
    decimal: ",",
  });
});

test.each([
  ["", "expected a file"],
  ["a.csv b.csv", "expected one file"],
  ["a.csv --speed 0", "--speed 0"],
  ["a.csv --speed fast", "--speed fast"],
  ["a.csv --url localhost:8005", "--url"],
  ["a.csv --mode ../v1", "--mode"],
  ["a.csv --date-format auto", "--date-format"],
  ["a.csv --time-zone Mars/Olympus", "--time-zone"],
  ["a.csv --encoding ebcdic", "--encoding"],
  ["a.csv --store-name=", "--store-name"],
  ["a.csv --own-system --url http://h", "expected one of them"],
  ["a.csv --leave-out Status", "--leave-out Status"],
  ["a.csv --currency euros", "--currency"],
  ["a.csv --decimal ;", "--decimal"],
  ["a.csv --sped 3", "--sped"],
])("rejects %j", (args, message) =>
  expect(() => optionsFrom(args.split(" ").filter(Boolean))).toThrow(message),
);

test("the operator's command needs the URL of a running system, or a dry run", async () => {
  const folder = folderForTest();
  const said: string[] = [];
  const run = (...args: string[]): Promise<number> => {
    const say = (line: string) => void said.push(line);
    const context = { say, signal: new AbortController().signal, env: { XDG_STATE_HOME: folder } };
    return replay.run(args, context as never);
  };
  const sample = join(import.meta.dirname, "sample.csv");
  await expect(run(sample)).rejects.toThrow("--url: expected the API of a running system");
  await expect(run("none.csv", "--dry-run")).rejects.toThrow("there is no file none.csv");
  expect(await run(sample, "--dry-run")).toBe(0);
  expect(said.join("\n")).toContain("58 sales, 431.35; 4 stores, 6 drinks; 0 bad rows");
});
