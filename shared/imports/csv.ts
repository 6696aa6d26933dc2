/**
 * CSV files as records with their physical line numbers. csv-parse parses; this module adds what real exports need:
 * the delimiter, true line numbers, and reading on after a broken quote, which would otherwise swallow the rows
 * behind it.
 */
import { CsvError, type InfoRecord, type Options } from "csv-parse";
import { parse } from "csv-parse/sync";

/** `latin1` is Windows-1252, as in the Encoding Standard: what Excel calls ANSI. */
export type Encoding = "utf8" | "latin1";
/** Starts reading the file from its first byte; called once for each pass over it. */
export type OpenFile = () => AsyncIterable<Buffer>;

export type CsvRecord = { readonly line: number; readonly fields: readonly string[] };
export type BrokenRecord = { readonly line: number; readonly problem: string };
export type CsvRow = CsvRecord | BrokenRecord;

export type Csv = {
  readonly delimiter: string;
  readonly header: readonly string[];
  /** The records after the header, in the order of the file; blank lines and lines of bare delimiters are skipped. */
  rows(): AsyncGenerator<CsvRow>;
};

/** A header line longer than this is no header. */
const HEAD_BYTES = 64 * 1024;
/** A record is a few hundred bytes; a longer one is an unclosed quote. */
const MAX_RECORD_BYTES = 64 * 1024;
/** Each one starts the parser again, a third of a millisecond; a file with more is not CSV. */
const MAX_BROKEN_QUOTES = 10_000;
const NEWLINE = 0x0a;
const UTF8_BOM = Buffer.from("\uFEFF");

/** Finds the delimiter and reads the header. Rejects when the file has no header or cannot be CSV in this encoding. */
export const openCsv = async (open: OpenFile, encoding: Encoding): Promise<Csv> => {
  const head = await headOf(open);
  if (head[0] === 0xff && head[1] === 0xfe) throw new Error("the file is UTF-16: save it as CSV in UTF-8");
  if (head.includes("\r") && !head.includes(NEWLINE))
    throw new Error("the lines end in a lone CR: save it with LF or CR LF");
  const delimiter = delimiterOf(head.toString("latin1"));
  const isUtf8 = encoding === "utf8" || head.subarray(0, UTF8_BOM.length).equals(UTF8_BOM);
  const records = (): AsyncGenerator<CsvRow> => readRecords(isUtf8 ? open() : toUtf8(open()), delimiter);
  const first = await records().next();
  if (first.done) throw new Error("the file is empty");
  if ("problem" in first.value)
    throw new Error(`line ${first.value.line}, the header: ${first.value.problem}`);
  return {
    delimiter,
    header: first.value.fields,
    rows: async function* () {
      const rows = records();
      await rows.next();
      yield* rows;
    },
  };
};

const headOf = async (open: OpenFile): Promise<Buffer> => {
  let head = Buffer.alloc(0);
  for await (const chunk of open()) {
    head = Buffer.concat([head, chunk]);
    if (head.length >= HEAD_BYTES) break;
  }
  return head;
};

/**
 * The one of , ; and tab that the header has most of, outside quotes. Not csv-parse's `delimiter_auto`: 7.0.3 throws a
 * TypeError for every character above U+007F, and counts letters and spaces too.
 */
const delimiterOf = (head: string): string => {
  const [header = ""] = head
    .replaceAll(/"[^"]*"/g, "")
    .trimStart()
    .split("\n", 1);
  const counts = [",", ";", "\t"].map((delimiter) => ({ delimiter, count: header.split(delimiter).length }));
  return counts.reduce((best, other) => (other.count > best.count ? other : best)).delimiter;
};

async function* toUtf8(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder("windows-1252");
  for await (const chunk of chunks) yield Buffer.from(decoder.decode(chunk, { stream: true }));
}

/** The next line, the header's width (0 before it was read), and the number of lines that were skipped. */
type Position = { readonly delimiter: string; line: number; width: number; brokenQuotes: number };

/**
 * Parses the file in blocks of whole lines. A record of another width than the header's is returned as broken. Of a
 * record whose quotes are wrong only the first line is skipped: parsing continues with the next line.
 */
async function* readRecords(chunks: AsyncIterable<Buffer>, delimiter: string): AsyncGenerator<CsvRow> {
  const at: Position = { delimiter, line: 1, width: 0, brokenQuotes: 0 };
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
    const isWide = at.width === 0 || hasWidth(fields, at.width);
    if (!isWide && ownLines > 1)
      throw new CsvError("CSV_INVALID_CLOSING_QUOTE", "an unclosed quote ended at the next quote");
    const line = at.line + lines - ownLines;
    at.line += lines;
    end = bytes;
    if (fields.every((field) => field.trim() === "")) return null;
    if (at.width === 0) at.width = fields.length;
    if (isWide) rows.push({ line, fields });
    else rows.push({ line, problem: `has ${fields.length} fields where the header has ${at.width}` });
    return null;
  };
  try {
    parse(block, { ...optionsFor(at.delimiter), bom: at.line === 1, on_record: onRecord });
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
  else if (fields.length > 0) rows.push({ line, fields });
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
