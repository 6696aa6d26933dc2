import fc from "fast-check";
import { expect, test } from "vitest";
import { openCsv } from "./csv.ts";

/** The header first; `chunkBytes` is how much of the file arrives at once. */
const read = async (file: string | Buffer, chunkBytes = 1 << 16, encoding: string | null = null) => {
  const bytes = Buffer.from(file);
  const open = async function* () {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
  };
  const scoreOf = (fields: readonly string[]) =>
    new Set(fields.filter((field) => /^[abc]$/.test(field))).size;
  const csv = await openCsv(open, { encoding, hasHeader: true, scoreOf });
  const records: (readonly [number | string, ...string[]] | string)[] = [["header", ...csv.header]];
  for await (const row of csv.rows())
    records.push("fields" in row ? [row.line, ...row.fields] : `${row.line}: ${row.problem}`);
  return records;
};

test.each(["\n", "\r\n"])("returns every record with its physical line, lines ending in %j", async (end) => {
  const lines = [
    "\uFEFFa,b,c",
    `1,"x${end}${end}y",3`,
    "",
    " , ,",
    '4,"say ""hi""","6,7"',
    '8,"p',
    'q",9',
    "10,11,12",
  ];
  for (const chunkBytes of [1, 7, 1 << 16])
    expect(await read(lines.join(end), chunkBytes)).toEqual([
      ["header", "a", "b", "c"],
      [2, "1", `x${end}${end}y`, "3"],
      [7, "4", 'say "hi"', "6,7"],
      [8, "8", `p${end}q`, "9"],
      [10, "10", "11", "12"],
    ]);
});

test("accepts both kinds of line ends in one file", async () => {
  expect(await read("a,b\r\n1,2\n3,4\r\n5,6")).toEqual([
    ["header", "a", "b"],
    [2, "1", "2"],
    [3, "3", "4"],
    [4, "5", "6"],
  ]);
});

test("gives up only the line of a quote that is never closed", async () => {
  const rows = Array.from(
    { length: 3_000 },
    (_, index) => `${index},latte,${index % 7 === 0 ? '"up, town"' : "central"}`,
  );
  rows[4] = '4,"latte,central';
  rows[2_900] = '2900,latte,"central';
  const text = `id,drink,store\n${rows.join("\n")}\n`;
  for (const chunkBytes of [1_000, 1 << 16]) {
    const records = await read(text, chunkBytes);
    expect(records).toHaveLength(3_001);
    expect(records.filter((record) => typeof record === "string")).toEqual([
      "6: the quotes of this line are broken",
      "2902: the quotes of this line are broken",
    ]);
    expect(records[2_999]).toEqual([3_000, "2998", "latte", "central"]);
  }
});

test("takes a quote inside a text as a character, and text behind a closing quote as broken", async () => {
  expect(await read('a,b,c\n1,5" mug,"x, y"\n2,"bad"z,3\n4,5,6\n')).toEqual([
    ["header", "a", "b", "c"],
    [2, "1", '5" mug', "x, y"],
    "3: the quotes of this line are broken",
    [4, "4", "5", "6"],
  ]);
});

test("expects the header's width, and accepts empty fields behind it", async () => {
  expect(await read("a,b\n1,2,\n1\n1,2,3\n")).toEqual([
    ["header", "a", "b"],
    [2, "1", "2", ""],
    "3: has 1 fields where the header has 2",
    "4: has 3 fields where the header has 2",
  ]);
});

test("unwraps texts that a spreadsheet is to leave as they are", async () => {
  expect(await read('a,b\n="0042","=""4.50"""\n')).toEqual([
    ["header", "a", "b"],
    [2, "0042", "4.50"],
  ]);
});

test("finds the delimiter in the header", async () => {
  expect(await read('"a;b";c,d;é\n1;2;3')).toEqual([
    ["header", "a;b", "c,d", "é"],
    [2, "1", "2", "3"],
  ]);
  expect(await read("a\tb,c\td\n1\t2\t3")).toContainEqual([2, "1", "2", "3"]);
});

test("decodes as the caller wants, unless a BOM says UTF-8", async () => {
  const ansi = Buffer.from([..."a,b\ncaf\u00e9,4 \u0080\n"].map((letter) => letter.charCodeAt(0)));
  expect(await read(ansi, 3, "windows1252")).toContainEqual([2, "café", "4 €"]);
  expect(await read("\uFEFFa,b\ncafé,1", 3, "windows1252")).toEqual([
    ["header", "a", "b"],
    [2, "café", "1"],
  ]);
});

test.each(["utf16le", "utf16be", "utf8"] as const)("reads %s by its byte order mark", async (encoding) => {
  const text = "\uFEFFa,b\ncafé,4 €\n";
  const bytes = encoding === "utf16be" ? Buffer.from(text, "utf16le").swap16() : Buffer.from(text, encoding);
  expect(await read(bytes, 3)).toEqual([
    ["header", "a", "b"],
    [2, "café", "4 €"],
  ]);
});

test("reads lines that end in a carriage return alone", async () => {
  expect(await read("a,b\r1,2\r3,4\r", 3)).toEqual([
    ["header", "a", "b"],
    [2, "1", "2"],
    [3, "3", "4"],
  ]);
});

test("finds the header below titles and a sep line, and counts physical lines", async () => {
  expect(await read('"Report, ""all"""\r\nof May\r\n\r\na|b|c\r\n1|2|3\r\n', 5)).toEqual([
    ["header", "a", "b", "c"],
    [5, "1", "2", "3"],
  ]);
  expect(await read("\uFEFFsep=|\r\na|b,c\r\n1|2\r\n", 5)).toEqual([
    ["header", "a", "b,c"],
    [3, "1", "2"],
  ]);
  expect(await read('a,"b\nof c",c\n1,2,3\n')).toEqual([
    ["header", "a", "b of c", "c"],
    [3, "1", "2", "3"],
  ]);
});

test.each([
  [
    Buffer.from("PK\x03\x04\x14\0[Content_Types].xml"),
    "the file is an Excel workbook (.xlsx): save its sheet",
  ],
  [Buffer.from("a,b\n1,\u00002\n"), "the file is binary"],
  ['[{"drink":"latte"}]', "the file is JSON, not CSV"],
  ["\n\n", "the file is empty"],
  [`a,b\n${"12,".repeat(40_000)}\n`, "line 2 has more than 65536 bytes"],
  [`a,b\n${"1".repeat(70_000)}`, "line 2 has more than 65536 bytes"],
])("rejects what is not CSV: %#", async (file, message) => {
  await expect(read(file)).rejects.toThrow(message);
  await expect(read(file, 5_000)).rejects.toThrow(message);
});

const field = fc.string({ unit: fc.constantFrom("a", "é", '"', ",", "\n", "\r\n", " ", ";", "5") });
const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;

test("returns every quoted text unchanged, at its line", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(field, field), { maxLength: 8 }),
      fc.integer({ min: 1, max: 40 }),
      async (rows, chunkBytes) => {
        const filled = rows.map(([a, b]) => [`x${a}`, b] as const);
        const text = `first,second\n${filled.map((row) => row.map(quoted).join(",")).join("\n")}\n`;
        let line = 2;
        const expected = filled.map(([a, b]) => {
          const at = line;
          line += `${a}${b}`.split("\n").length;
          return [at, a, b];
        });
        expect(await read(text, chunkBytes)).toEqual([["header", "first", "second"], ...expected]);
      },
    ),
    { numRuns: 60 },
  );
});
