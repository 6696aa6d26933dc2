import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { folderForFile } from "../../../test/temporary.ts";
import { optionsFrom } from "./command-line.ts";
import { salesFile } from "./sales-file.fixture.ts";
import { surveyOf } from "./survey.ts";
import { compared, isEqual } from "./totals.ts";

const folder = folderForFile();

const survey = async (text: string, ...args: string[]) => {
  const path = join(folder, "sales.csv");
  await writeFile(path, text);
  return surveyOf(optionsFrom([path, ...args]));
};

test("finds the totals and the bad lines that a file of 5 000 rows was generated with", async () => {
  const made = salesFile(5_000, 3);
  const found = await survey(made.text);
  expect(made.badLines.length).toBeGreaterThan(8);
  expect(found.bad.map(({ line }) => line)).toEqual(made.badLines);
  expect(compared(made.totals, found.totals).filter((line) => !isEqual(line))).toEqual([]);
  expect(found.leftOut.get("negative (a refund)")?.orders).toBe(made.refunds);
  expect(found.rows.length + found.bad.length + made.refunds).toBe(5_000);
});

test("reads the sample of the README", async () => {
  const sample = await surveyOf(optionsFrom([join(import.meta.dirname, "sample.csv")]));
  expect(sample.rows).toHaveLength(58);
  expect(sample.bad).toEqual([]);
  expect(Object.fromEntries(sample.leftOut)).toEqual({
    "negative (a refund)": { orders: 1, cents: -425 },
    zero: { orders: 1, cents: 0 },
  });
});

test("sorts rows by time, joins the lines of a name, and names every reason", async () => {
  const found = await survey(
    'timestamp,store,drink,price\n2026-01-02,up,"Iced\nLatte",2\n2026-01-01,up,tea,1\n,,\u0007,\n2026-01-01,up,caf\ufffd,1\n',
  );
  expect(found.rows.map(({ line, drink }) => [line, drink])).toEqual([
    [4, "tea"],
    [2, "Iced Latte"],
  ]);
  expect(found.bad).toEqual([
    {
      line: 5,
      reason:
        "the date is missing; the store is missing; the drink has control characters; the price is missing",
    },
    { line: 6, reason: 'the drink "caf\ufffd" has a damaged character' },
  ]);
});

const dated = (...dates: string[]) =>
  `date,store,drink,price\n${dates.map((date) => `${date},up,tea,1`).join("\n")}\n`;
const firstDay = async (...args: Parameters<typeof survey>) =>
  new Date((await survey(...args)).rows[0]?.ms ?? 0).toISOString();

test("finds in the data whether day or month is first, or requires --date-format", async () => {
  expect(await firstDay(dated("3/4/2026", "13/4/2026"))).toContain("2026-04-03");
  expect(await firstDay(dated("3/4/2026", "4/13/2026"))).toContain("2026-03-04");
  expect(await firstDay(dated("3/4/2026"), "--date-format", "mdy")).toContain("2026-03-04");
  expect(await firstDay(dated("4/4/2026"))).toContain("2026-04-04");
  await expect(survey(dated("3/4/2026", "4/5/2026"))).rejects.toThrow(
    '"3/4/2026" (line 2) can be read in two ways, and no other date decides. Choose with --date-format dmy',
  );
  await expect(survey(dated("13/4/2026", "4/13/2026"))).rejects.toThrow("puts the day first");
});

test("rejects a column with too many names, and an empty file", async () => {
  const ids = Array.from({ length: 1_001 }, (_, index) => `2026-01-01,up,tea ${index},1`).join("\n");
  await expect(survey(`date,store,drink,price\n${ids}\n`)).rejects.toThrow(
    'the drink column has more than 1000 names. Choose with --drink "…"',
  );
  await expect(survey("when,store,drink,price\n")).rejects.toThrow(
    'Choose with --timestamp "…", or --date and',
  );
  await expect(survey("")).rejects.toThrow("empty");
});
