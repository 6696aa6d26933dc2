/**
 * A sales file as records with their physical line numbers. csv-parse does the quoting; here stands what an
 * export in the wild needs beyond it: the delimiter guessed, true line numbers, and going on after a broken quote,
 * which would otherwise swallow the rows behind it.
 */
import { createReadStream } from "node:fs";
import { finished } from "node:stream/promises";
import { CsvError, type InfoRecord, type Options, type Parser, parse } from "csv-parse";
import { parse as parseText } from "csv-parse/sync";
import { bytesAt, lineAt } from "./bytes.ts";

export type Encoding = "utf8" | "latin1";
export type Dialect = { readonly delimiter: string; readonly encoding: Encoding };

export type CsvRecord = { readonly line: number; readonly fields: readonly string[] };
export type BrokenRecord = { readonly line: number; readonly problem: string };

/** A header line longer than this is no header. */
const HEAD_BYTES = 64 * 1024;
/** A sale is a few hundred bytes; what is longer is an unclosed quote. */
const MOST_RECORD_BYTES = 64 * 1024;
/** Each one costs a new start of the parser, a third of a millisecond; a file with more is not CSV. */
const MOST_BROKEN_QUOTES = 10_000;

export const dialectOf = async (path: string, encoding: Encoding): Promise<Dialect> => {
  const head = await bytesAt(path, 0, HEAD_BYTES);
  if (head[0] === 0xff && head[1] === 0xfe) throw new Error("the file is UTF-16: save it as CSV in UTF-8");
  if (head.includes("\r") && !head.includes("\n"))
    throw new Error("the lines end in a lone CR: save it with LF or CR LF");
  return { delimiter: delimiterOf(head.toString(encoding)), encoding };
};

/** The one of , ; and tab that the header has most of, outside quotes. */
const delimiterOf = (head: string): string => {
  const header =
    head
      .replaceAll(/"[^"]*"/g, "")
      .trimStart()
      .split("\n", 1)[0] ?? "";
  const counts = [",", ";", "\t"].map((delimiter) => ({ delimiter, count: header.split(delimiter).length }));
  return counts.reduce((best, other) => (other.count > best.count ? other : best)).delimiter;
};

/**
 * Every record, the header first, in the order of the file; blank lines and lines of bare delimiters are left out.
 * A record of another width than the header's comes as broken. Of a record whose quotes are wrong only the first
 * line is given up, and reading goes on with the next one.
 */
export async function* readRecords(path: string, dialect: Dialect): AsyncGenerator<CsvRecord | BrokenRecord> {
  const place: Place = { offset: 0, line: 1, width: 0 };
  for (let broken = 0; yield* readFrom(path, dialect, place); broken++) {
    if (broken === MOST_BROKEN_QUOTES)
      throw new Error(`line ${place.line}: too many broken quotes: is this a CSV file?`);
    const { line, bytes, blankLines } = await lineAt(path, place.offset, MOST_RECORD_BYTES);
    const fields = relaxedFields(line.toString(dialect.encoding), dialect, place.width);
    place.line += blankLines;
    yield fields
      ? { line: place.line, fields }
      : { line: place.line, problem: "the quotes of this line are broken" };
    place.line++;
    place.offset += bytes;
  }
}

/** Where the next record begins, and the header's width (0 before it was read). */
type Place = { offset: number; line: number; width: number };
type Parsed = { readonly record: readonly string[]; readonly info: InfoRecord };

/** Reads on from `place`, moving it; ends with true in front of a record whose quotes are wrong. */
async function* readFrom(
  path: string,
  dialect: Dialect,
  place: Place,
): AsyncGenerator<CsvRecord | BrokenRecord, boolean> {
  const start = { offset: place.offset, linesBefore: place.line - 1 };
  const lines = openLineCount();
  for await (const batch of parsedBatches(path, start.offset, dialect)) {
    if (batch === "broken") return true;
    for (const { record, info } of batch) {
      const { first, last } = lines.of(record, info);
      const isWide = place.width === 0 || isWidth(record, place.width);
      if (!isWide && last > first) return true;
      place.offset = start.offset + info.bytes;
      place.line = start.linesBefore + last + 1;
      if (record.every((field) => field.trim() === "")) continue;
      if (place.width === 0) place.width = record.length;
      const line = start.linesBefore + first;
      if (isWide) yield { line, fields: record };
      else yield { line, problem: `has ${record.length} fields where the header has ${place.width}` };
    }
  }
  return false;
}

/**
 * The records of each chunk of the file. They are taken by `on_record` and not from the parser's readable side,
 * because a stream that fails throws away what it had read, and the rows before a broken quote are good.
 */
async function* parsedBatches(
  path: string,
  offset: number,
  dialect: Dialect,
): AsyncGenerator<Parsed[] | "broken"> {
  let batch: Parsed[] = [];
  const parser = parse({
    ...parserOptions(dialect),
    bom: offset === 0,
    on_record: (record: string[], info) => {
      batch.push({ record, info });
      return null;
    },
  }).resume();
  const ended = finished(parser).then(
    () => null,
    (error: unknown) => error,
  );
  for await (const chunk of createReadStream(path, { start: offset })) {
    const failure = await written(parser, chunk);
    if (batch.length > 0) yield batch;
    if (failure !== null) return yield brokenQuote(failure);
    batch = [];
  }
  parser.end();
  const failure = await ended;
  if (batch.length > 0) yield batch;
  if (failure !== null) yield brokenQuote(failure);
}

const written = (parser: Parser, chunk: Buffer): Promise<unknown> =>
  new Promise((resolve) => void parser.write(chunk, (error) => resolve(error ?? null)));

const BROKEN_QUOTES: ReadonlySet<string> = new Set([
  "CSV_QUOTE_NOT_CLOSED",
  "CSV_MAX_RECORD_SIZE",
  "CSV_INVALID_CLOSING_QUOTE",
  "INVALID_OPENING_QUOTE",
]);

const brokenQuote = (error: unknown): "broken" => {
  if (error instanceof CsvError && BROKEN_QUOTES.has(error.code)) return "broken";
  throw error;
};

const parserOptions = (dialect: Dialect): Options => ({
  delimiter: dialect.delimiter,
  encoding: dialect.encoding,
  max_record_size: MOST_RECORD_BYTES,
  // Both in one file happen where a script appended to an export; the parser would settle for the first it meets.
  record_delimiter: ["\r\n", "\n"],
  relax_column_count: true,
  skip_empty_lines: true,
});

/** The fields of a line like `5" mug,4.50`, where a quote inside a text is just a character; else null. */
const relaxedFields = (line: string, dialect: Dialect, width: number): string[] | null => {
  try {
    const [record = []] = parseText(line, { ...parserOptions(dialect), relax_quotes: true });
    // Where text follows a closing quote, the parser keeps both: that is a broken field, not a name.
    return isWidth(record, width) && !record.some((field) => field.startsWith('"')) ? record : null;
  } catch (error) {
    brokenQuote(error);
    return null;
  }
};

/** Some exports end each line, but not the header, with a delimiter. */
const isWidth = (record: readonly string[], width: number): boolean =>
  record.length >= width && record.slice(width).every((field) => field.trim() === "");

/**
 * First and last line of each record, counted from 1 at the parser's start. csv-parse 7.0.3 counts a CR LF inside
 * quotes as two lines, so those are taken off again.
 */
const openLineCount = () => {
  let [countedTwice, lastBefore, blankBefore] = [0, 0, 0];
  return {
    of: (record: readonly string[], info: InfoRecord): { first: number; last: number } => {
      const first = lastBefore + (info.empty_lines - blankBefore) + 1;
      if (info.lines - countedTwice > first)
        for (const field of record) countedTwice += field.split("\r\n").length - 1;
      const last = info.lines - countedTwice;
      [lastBefore, blankBefore] = [last, info.empty_lines];
      return { first, last };
    },
  };
};
