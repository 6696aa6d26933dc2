import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Dialect, dialectOf, readRecords } from "./csv.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "coffee-rt-csv-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const read = async (text: string | Buffer, dialect?: Dialect) => {
  const path = join(folder, "sales.csv");
  await writeFile(path, text);
  const records: (readonly [number, ...string[]] | string)[] = [];
  for await (const record of readRecords(path, dialect ?? (await dialectOf(path, "utf8"))))
    records.push("fields" in record ? [record.line, ...record.fields] : `${record.line}: ${record.problem}`);
  return records;
};

test("quoted commas, quotes and line ends, a BOM, blank lines: every record at its physical line", async () => {
  for (const end of ["\n", "\r\n"]) {
    const text = [
      "\uFEFFa,b,c",
      `1,"x${end}${end}y",3`,
      "",
      " , ,",
      '4,"say ""hi""","6,7"',
      '8,"p',
      'q",9',
      "10,11,12",
    ].join(end);
    expect(await read(text)).toEqual([
      [1, "a", "b", "c"],
      [2, "1", `x${end}${end}y`, "3"],
      [7, "4", 'say "hi"', "6,7"],
      [8, "8", `p${end}q`, "9"],
      [10, "10", "11", "12"],
    ]);
  }
});

test("both kinds of line ends in one file", async () => {
  expect(await read("a,b\r\n1,2\n3,4\r\n5,6")).toEqual([
    [1, "a", "b"],
    [2, "1", "2"],
    [3, "3", "4"],
    [4, "5", "6"],
  ]);
});

test("a quote that is never closed costs its own line only", async () => {
  const rows = Array.from(
    { length: 3_000 },
    (_, index) => `${index},latte,${index % 7 === 0 ? '"up, town"' : "central"}`,
  );
  rows[4] = '4,"latte,central';
  rows[2_900] = '2900,latte,"central';
  const records = await read(`id,drink,store\n${rows.join("\n")}\n`);
  expect(records).toHaveLength(3_001);
  expect(records.filter((record) => typeof record === "string")).toEqual([
    "6: the quotes of this line are broken",
    "2902: the quotes of this line are broken",
  ]);
  expect(records[2_999]).toEqual([3_000, "2998", "latte", "central"]);
});

test("a quote inside a text is a character, also beside quoted fields; text behind a closing quote is broken", async () => {
  expect(await read('a,b,c\n1,5" mug,"x, y"\n2,"bad"z,3\n4,5,6\n')).toEqual([
    [1, "a", "b", "c"],
    [2, "1", '5" mug', "x, y"],
    "3: the quotes of this line are broken",
    [4, "4", "5", "6"],
  ]);
});

test("the width is the header's; empty fields behind it are nothing", async () => {
  expect(await read("a,b\n1,2,\n1\n1,2,3\n")).toEqual([
    [1, "a", "b"],
    [2, "1", "2", ""],
    "3: has 1 fields where the header has 2",
    "4: has 3 fields where the header has 2",
  ]);
});

test("delimiters are guessed from the header, encodings told", async () => {
  expect(await read('"a;b";c,d;e\n1;2;3')).toEqual([
    [1, "a;b", "c,d", "e"],
    [2, "1", "2", "3"],
  ]);
  expect(await read("a\tb,c\td\n1\t2\t3")).toHaveLength(2);
  const latin1 = Buffer.from("a,b\ncafé,1\n", "latin1");
  expect(await read(latin1, { delimiter: ",", encoding: "latin1" })).toContainEqual([2, "café", "1"]);
  await expect(read(Buffer.from("\uFEFFa,b\n", "utf16le"))).rejects.toThrow("UTF-16");
  await expect(read("a,b\r1,2\r")).rejects.toThrow("lone CR");
});

const field = fc.string({ unit: fc.constantFrom("a", "é", '"', ",", "\n", "\r\n", " ", ";", "5") });
const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;

test("whatever is quoted comes back as it was, at its line", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(field, field), { maxLength: 8 }), async (rows) => {
      const filled = rows.map(([a, b]) => [`x${a}`, b] as const);
      const text = `first,second\n${filled.map((row) => row.map(quoted).join(",")).join("\n")}\n`;
      let line = 2;
      const expected = filled.map(([a, b]) => {
        const at = line;
        line += `${a}${b}`.split("\n").length;
        return [at, a, b];
      });
      expect(await read(text)).toEqual([[1, "first", "second"], ...expected]);
    }),
    { numRuns: 60 },
  );
});
