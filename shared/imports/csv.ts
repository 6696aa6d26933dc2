/**
 * CSV files as records with their physical line numbers. csv-parse parses; this module adds what real exports need:
 * true line numbers, and reading on after a broken quote, which would otherwise swallow the rows behind it.
 */
import { CsvError, type InfoRecord, type Options } from "csv-parse";
import { parse } from "csv-parse/sync";
import { detectEncoding, type Encoding, markedEncoding, type OpenFile, toUtf8 } from "./encodings.ts";
import { notCsv } from "./file-kinds.ts";
import { findHead, type Head } from "./head.ts";

export type CsvRecord = { readonly line: number; readonly fields: readonly string[] };
/** `text` is the first field of a record that has too few of them. */
export type BrokenRecord = { readonly line: number; readonly problem: string; readonly text?: string };
export type CsvRow = CsvRecord | BrokenRecord;

export type Csv = {
  readonly encoding: Encoding;
  readonly delimiter: string;
  readonly header: readonly string[];
  /** The line of the header; 0 where the columns have numbers instead of names. */
  readonly headerLine: number;
  /** The records after the header, in the order of the file; blank lines and lines of bare delimiters are skipped. */
  rows(): AsyncGenerator<CsvRow>;
};

export type CsvChoices = {
  /** As iconv-lite names it; null detects it. */
  readonly encoding: string | null;
  readonly hasHeader: boolean;
  /** How much a record looks like the header that the caller expects. */
  readonly scoreOf: (fields: readonly string[]) => number;
};

/** What is read before the header is found: no till writes more above it. */
const HEAD_BYTES = 64 * 1024;
/** A record is a few hundred bytes; a longer one is an unclosed quote. */
const MAX_RECORD_BYTES = 64 * 1024;
/** Each one starts the parser again, a third of a millisecond; a file with more is not CSV. */
const MAX_BROKEN_QUOTES = 10_000;
const NEWLINE = 0x0a;

/** Finds encoding, delimiter and header. Rejects when the file has none of them, or is no CSV. */
export const openCsv = async (open: OpenFile, choices: CsvChoices): Promise<Csv> => {
  const raw = await headOf(open());
  const kind = notCsv(raw);
  if (kind !== null) throw new Error(`the file is ${kind}`);
  const marked = markedEncoding(raw);
  const encoding =
    choices.encoding === null || marked === "utf8"
      ? await detectEncoding(open, raw)
      : { name: choices.encoding, sample: null };
  if (!/^utf(16|32)/.test(encoding.name) && raw.includes(0)) throw new Error("the file is binary, not text");
  const hasLoneCr = !/\n/.test(raw.toString("latin1")) && raw.includes("\r");
  const text = (): AsyncIterable<Buffer> =>
    encoding.name === "utf8" && !hasLoneCr ? open() : toUtf8(open(), encoding.name, hasLoneCr);
  const head = findHead((await headOf(text())).toString(), choices);
  return {
    ...head,
    encoding,
    rows: () => readRecords(after(text(), head.bytes), head),
  };
};

const headOf = async (chunks: AsyncIterable<Buffer>): Promise<Buffer> => {
  let head = Buffer.alloc(0);
  for await (const chunk of chunks) {
    head = Buffer.concat([head, chunk]);
    if (head.length >= HEAD_BYTES) break;
  }
  return head;
};

async function* after(chunks: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  let left = bytes;
  for await (const chunk of chunks) {
    if (left < chunk.length) yield left > 0 ? chunk.subarray(left) : chunk;
    left = Math.max(0, left - chunk.length);
  }
}

/** The next line, and the number of broken quotes so far. */
type Position = { readonly delimiter: string; readonly width: number; line: number; brokenQuotes: number };

/**
 * Parses the file in blocks of whole lines. A record of another width than the header's is returned as broken. Of a
 * record whose quotes are wrong only the first line is skipped: parsing continues with the next line.
 */
async function* readRecords(chunks: AsyncIterable<Buffer>, head: Head): AsyncGenerator<CsvRow> {
  const { delimiter, header, nextLine: line } = head;
  const at: Position = { delimiter, line, width: header.length, brokenQuotes: 0 };
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = Buffer.concat([rest, chunk]);
    const lines = rest.subarray(0, rest.lastIndexOf(NEWLINE) + 1);
    if (lines.length === 0 && rest.length > MAX_RECORD_BYTES) throw tooLong(at);
    const rows: CsvRow[] = [];
    rest = rest.subarray(parseLines(lines, at, rows, false));
    yield* rows;
  }
  const rows: CsvRow[] = [];
  parseLines(rest, at, rows, true);
  yield* rows;
}

/** Appends the records of `lines` to `rows`; returns the bytes used, all but an incomplete record at the end. */
const parseLines = (lines: Buffer, at: Position, rows: CsvRow[], isEnd: boolean): number => {
  let used = 0;
  while (used < lines.length) {
    const { end, failure } = parseBlock(lines.subarray(used), at, rows);
    used += end;
    if (failure === null) {
      at.line += linesIn(lines.subarray(used));
      return lines.length;
    }
    if (failure.code === "CSV_QUOTE_NOT_CLOSED" && !isEnd) return used;
    used += giveUpLine(lines.subarray(used), at, rows);
  }
  return used;
};

/** Appends the records before the first wrong quote; returns where they end, and what stopped the parser. */
const parseBlock = (
  block: Buffer,
  at: Position,
  rows: CsvRow[],
): { end: number; failure: CsvError | null } => {
  let end = 0;
  const onRecord = (fields: string[], { bytes }: InfoRecord): null => {
    // counted here: csv-parse 7.0.3 counts a CR LF inside quotes as two lines
    const lines = linesIn(block.subarray(end, bytes));
    const ownLines = lines === 1 ? 1 : fields.join("").split("\n").length;
    const isWide = hasWidth(fields, at.width);
    if (!isWide && ownLines > 1)
      throw new CsvError("CSV_INVALID_CLOSING_QUOTE", "an unclosed quote ended at the next quote");
    const line = at.line + lines - ownLines;
    at.line += lines;
    end = bytes;
    if (fields.every((field) => field.trim() === "")) return null;
    if (isWide) rows.push({ line, fields: unwrapped(fields) });
    else rows.push({ line, ...narrow(fields, at.width) });
    return null;
  };
  try {
    parse(block, { ...optionsFor(at.delimiter), on_record: onRecord });
    return { end, failure: null };
  } catch (error) {
    return { end, failure: quoteError(error) };
  }
};

/** Handles the first line of a record whose quotes are wrong; returns its length. */
const giveUpLine = (block: Buffer, at: Position, rows: CsvRow[]): number => {
  const newline = block.indexOf(NEWLINE);
  const length = newline < 0 ? block.length : newline + 1;
  if (length > MAX_RECORD_BYTES) throw tooLong(at);
  if (++at.brokenQuotes > MAX_BROKEN_QUOTES)
    throw new Error(`line ${at.line}: too many broken quotes: is this a CSV file?`);
  const { line } = at;
  const fields = relaxedFields(block.subarray(0, length), at);
  if (fields === null) rows.push({ line, problem: "the quotes of this line are broken" });
  else if (fields.length > 0) rows.push({ line, fields: unwrapped(fields) });
  at.line++;
  return length;
};

const tooLong = ({ line }: Position): Error =>
  new Error(`line ${line} has more than ${MAX_RECORD_BYTES} bytes: is this a CSV file?`);

const optionsFor = (delimiter: string): Options => ({
  delimiter,
  max_record_size: MAX_RECORD_BYTES,
  // a script that appends to an export leaves both in one file; the parser would use the first it finds
  record_delimiter: ["\r\n", "\n"],
  // the width is compared here, because empty fields behind the last one are allowed
  relax_column_count: true,
  skip_empty_lines: true,
});

const QUOTE_ERRORS: ReadonlySet<string> = new Set([
  "CSV_QUOTE_NOT_CLOSED",
  "CSV_MAX_RECORD_SIZE",
  "CSV_INVALID_CLOSING_QUOTE",
  "INVALID_OPENING_QUOTE",
]);

const quoteError = (error: unknown): CsvError => {
  if (error instanceof CsvError && QUOTE_ERRORS.has(error.code)) return error;
  throw error;
};

/** The fields of a line like `5" mug,4.50`, where a quote inside a text is a character; null when it is broken. */
const relaxedFields = (line: Buffer, { delimiter, width }: Position): string[] | null => {
  try {
    const [fields] = parse(line, { ...optionsFor(delimiter), relax_quotes: true });
    if (fields === undefined) return [];
    // where text follows a closing quote, the parser keeps both: that is a broken field, not a name
    return hasWidth(fields, width) && !fields.some((field) => field.startsWith('"')) ? fields : null;
  } catch (error) {
    quoteError(error);
    return null;
  }
};

/** Of a line of text below the data, such as "Total: 8.30" and "Printed on …", callers make more than of a broken one. */
const narrow = (fields: readonly string[], width: number): Pick<BrokenRecord, "problem" | "text"> => {
  const [text, ...more] = fields.filter((field) => field.trim() !== "");
  return {
    problem: `has ${fields.length} fields where the header has ${width}`,
    ...(fields.length < width && text !== undefined && more.length <= 1 && { text }),
  };
};

/** `="0042"` is how exports keep a spreadsheet from changing a text. */
const unwrapped = (fields: readonly string[]): readonly string[] =>
  fields.some((field) => field.startsWith('="'))
    ? fields.map((field) => field.replace(/^="(.*)"$/s, "$1"))
    : fields;

/** Some exports end each line, but not the header, with a delimiter. */
const hasWidth = (fields: readonly string[], width: number): boolean =>
  fields.length >= width && fields.slice(width).every((field) => field.trim() === "");

/** Physical lines of these bytes; the last one may have no line end. */
const linesIn = (bytes: Buffer): number => {
  let lines = 0;
  for (let at = 0; at < bytes.length; lines++) {
    const newline = bytes.indexOf(NEWLINE, at);
    at = newline < 0 ? bytes.length : newline + 1;
  }
  return lines;
};
