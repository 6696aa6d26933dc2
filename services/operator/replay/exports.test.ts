import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { folderForFile } from "../../../test/temporary.ts";
import { optionsFrom } from "./command-line.ts";
import { EXPORTS } from "./exports.fixture.ts";
import { ORDERS } from "./orders.fixture.ts";
import { money } from "./output.ts";
import { surveyOf } from "./survey.ts";
import { TABLES } from "./tables.fixture.ts";
import { sumOf } from "./totals.ts";

const folder = folderForFile();

test.each([...EXPORTS, ...TABLES, ...ORDERS])(
  "reads $till",
  async ({ till, lines, args = [], total, orders, leftOut = {}, notes = [] }) => {
    const path = join(folder, `${till.replaceAll(/\W/g, "-").slice(0, 60)}.csv`);
    await writeFile(path, `${lines.join("\r\n")}\r\n`);
    const survey = await surveyOf(optionsFrom([path, ...args]));
    const reasons = Object.fromEntries([...survey.leftOut].map(([reason, found]) => [reason, found.orders]));
    expect(survey.bad).toEqual([]);
    expect({ total: money(sumOf(survey.totals).cents), orders: survey.rows.length, reasons }).toEqual({
      total,
      orders,
      reasons: leftOut,
    });
    for (const note of notes) expect(survey.notes.join("\n")).toContain(note);
  },
);

const OFFER = / would be (?<total>[\d .]+)(?: with \d+ bad rows)? \((?<options>--(?:"[^"]*"|[^")])*)\)/g;

test("gives the totals that its notes offer, by the options that they name", async () => {
  let offers = 0;
  for (const { lines, args = [] } of [...EXPORTS, ...TABLES, ...ORDERS]) {
    const path = join(folder, "offers.csv");
    await writeFile(path, `${lines.join("\n")}\n`);
    const { notes } = await surveyOf(optionsFrom([path, ...args]));
    for (const { groups } of notes.join("\n").matchAll(OFFER)) {
      const options = (groups?.["options"] ?? "").match(/"[^"]*"|\S+/g) ?? [];
      const own = options.map((option) => option.replaceAll('"', ""));
      const isNamed = (index: number): boolean => own.includes(args[index - (index % 2)] ?? "");
      const given = args.filter((_, index) => !isNamed(index));
      const { totals } = await surveyOf(optionsFrom([path, ...given, ...own]));
      expect([lines[0], own, money(sumOf(totals).cents)]).toEqual([lines[0], own, groups?.["total"]]);
      offers++;
    }
  }
  expect(offers).toBeGreaterThan(50);
});

const survey = async (name: string, bytes: string | Buffer, ...args: string[]) => {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return surveyOf(optionsFrom([path, ...args]));
};

test("reads gzip, and names the files that are no CSV", async () => {
  const file = "Date,Time,Store,Item,Price\n2026-03-14,08:52,S,Latte,4.50\n";
  expect((await survey("sales.csv.gz", gzipSync(file))).rows).toHaveLength(1);
  await expect(survey("cut.csv.gz", gzipSync(file).subarray(0, -9))).rejects.toThrow(
    "the gzip file is damaged",
  );
  const workbook = Buffer.from("PK\x03\x04....[Content_Types].xml");
  await expect(survey("sales.xlsx", workbook)).rejects.toThrow("the file is an Excel workbook (.xlsx)");
  await expect(survey("sales.xlsx.gz", gzipSync(workbook))).rejects.toThrow("an Excel workbook (.xlsx)");
  await expect(survey("sales.zip", "PK\x03\x04....sales.csv")).rejects.toThrow(
    "a ZIP archive: unpack it first",
  );
  await expect(survey("sales.pdf", "%PDF-1.7")).rejects.toThrow("a PDF");
  await expect(survey("sales.xls", "<html><table>")).rejects.toThrow("HTML or XML");
  await expect(surveyOf(optionsFrom([folder]))).rejects.toThrow("is a folder: expected a CSV file");
});

test("reads a file without a header by the numbers of its columns, which the error names", async () => {
  const file = "2026-03-01,2026-03-01 10:15:50.520,card,ANON-1,38.7,Latte\n";
  await expect(survey("data.csv", file)).rejects.toThrow(
    'line 1 is data, not a header. Choose the columns by number, for example --no-header --timestamp 2 --drink 6 --price 5 --store-name "…"',
  );
  const args = ["--no-header", "--timestamp", "2", "--drink", "6", "--price", "5", "--store-name", "Mill"];
  const [row] = (await survey("data.csv", file, ...args)).rows;
  expect(row).toMatchObject({ line: 1, store: "Mill", drink: "Latte", cents: 3_870 });
});

test("guesses the encoding, and says by which text", async () => {
  const file =
    "Datum;Uhrzeit;Filiale;Artikel;Preis\r\n14.03.2026;08:52;Joe\x92s Caf\xe9;Caf\xe9 cr\xe8me;4,50 \x80\r\n";
  const found = await survey("ansi.csv", Buffer.from(file, "latin1"));
  expect(found.rows[0]).toMatchObject({ store: "Joe’s Café", drink: "Café crème", cents: 450 });
  expect(found.notes[0]).toBe(
    'the encoding is windows-1252, guessed from "Joe’s Café"; --encoding names another',
  );
});

test("takes one currency of several, or none until the user chooses", async () => {
  const file =
    'Date,Time,Store,Item,Price\n2026-03-14,08:52,S,Latte,US$4.50\n2026-03-14,08:53,S,Latte,$4\n2026-03-14,08:54,S,Latte,"4,50 kr"\n';
  expect((await survey("mixed.csv", file)).undecided).toContain(
    "US$ 4.50 (1 sales), $ 4.00 (1 sales), kr 4.50 (1 sales)",
  );
  const dollars = await survey("mixed.csv", file, "--currency", "usd");
  expect([dollars.undecided, dollars.rows.length]).toEqual([null, 2]);
  const named = file.replace("Price\n", "Price,Currency\n").replaceAll(/(?<=(4.50|4|kr"))\n/g, ",CAD\n");
  expect((await survey("named.csv", named)).undecided).toBeNull();
});

test("does not guess at 1.250 until another price or the user shows what the dot is", async () => {
  for (const delimiter of [",", ";"]) {
    const read = async (price: string, ...args: string[]) => {
      const rows = [`2026-03-14 08:52|S|Latte|1.250`, `2026-03-14 08:53|S|Tea|"${price}"`].join("\n");
      const file = `Date|Store|Item|Price\n${rows}\n`.replaceAll("|", delimiter);
      const { bad, totals } = await survey("dots.csv", file, ...args);
      return [...bad.map(({ reason }) => reason), sumOf(totals).cents];
    };
    expect(await read("7")).toEqual(["the price 1.250 may have three decimals or be in thousands", 700]);
    expect(await read("7", "--decimal", "comma")).toEqual([125_700]);
    expect(await read("7", "--decimal", "point")).toEqual([825]);
    expect(await read("7,5")).toEqual([125_750]);
    expect(await read("7.5")).toEqual([875]);
  }
});

test("carries an order's fields in files of more orders than are compared", async () => {
  const lines = Array.from({ length: 20_500 }, (_, order) => {
    const time = new Date(Date.UTC(2026, 2, 1) + order * 60_000).toISOString();
    return `#${order},paid,9.00,${time},1,Latte,6.00,Mill\n#${order},,,${time},1,Tea,3.00,`;
  });
  const header =
    "Name,Financial Status,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price,Location";
  const { rows, bad, totals } = await survey("many.csv", `${header}\n${lines.join("\n")}\n`);
  expect([rows.length, bad.length, sumOf(totals).cents]).toEqual([41_000, 0, 41_000 * 450]);
});

test("names what no encoding repairs", async () => {
  const file =
    "Date,Time,Store,Item,Price\n2026-03-14,08:52,S,CafÃ©,4.50\n2026-03-14,08:53,S,Caf\ufffd,4.50\n";
  const { notes, bad } = await survey("damaged.csv", file);
  expect(notes).toEqual([
    'names such as "CafÃ©" were damaged before the export, which no --encoding repairs',
  ]);
  expect(bad).toEqual([{ line: 3, reason: 'the drink "Caf\ufffd" has a damaged character' }]);
});
