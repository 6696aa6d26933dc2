import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { folderForFile } from "../../../test/temporary.ts";
import { optionsFrom } from "./command-line.ts";
import { surveyOf } from "./survey.ts";

const folder = folderForFile();

const survey = async (file: string, ...args: string[]) => {
  const path = join(folder, "sales.csv");
  await writeFile(path, file);
  return surveyOf(optionsFrom([path, ...args]));
};

test.each([
  ["on all lines", "7.50"],
  ["on the first line", ""],
])("refuses an order's amount that stands %s and is the only one", async (where, second) => {
  const file = `Receipt,Date,Store,Item,Total\n1,2026-03-14 08:52,S,Latte,7.50\n1,2026-03-14 08:52,S,Tea,${second}\n2,2026-03-14 08:55,S,Latte,4.50\n`;
  await expect(survey(file)).rejects.toThrow(`"Total" has one amount ${where} of an order`);
  expect((await survey(file, "--price", "Total")).rows.map(({ cents }) => cents)).toEqual([750, 450]);
});

test("refuses a discount of whole orders where no column has their numbers", async () => {
  const file = "Date,Store,Item,Price,Order discount\n2026-03-14 08:52,S,Latte,4.50,1.00\n";
  await expect(survey(file)).rejects.toThrow(
    '"Order discount" is a discount of whole orders, and no column has the number of the order. Choose with --order',
  );
  expect((await survey(file, "--order", "none")).rows[0]?.cents).toBe(350);
  expect((await survey(file, "--discount", "none")).rows[0]?.cents).toBe(450);
});

test("reads no refund out of a discount that is more than the line costs", async () => {
  const file = "Date,Store,Item,Price,Discount\n2026-03-14 08:52,S,Latte,4.50,10\n";
  expect((await survey(file)).bad).toEqual([
    { line: 2, reason: 'the discount "10" is more than the line costs' },
  ]);
});

test("takes no time of day for a whole timestamp", async () => {
  const file = "Zeit;Filiale;Artikel;Preis\n08:52;S;Kaffee;4,50\n";
  await expect(survey(file)).rejects.toThrow("which column is the timestamp?");
});
