/**
 * The beginning of a CSV file: its delimiter, and its header, above which tills write titles, a period or `sep=;`.
 */
import { parse } from "csv-parse/sync";

export type Head = {
  readonly delimiter: string;
  readonly header: readonly string[];
  /** The line of the header; 0 where the columns have numbers instead of names. */
  readonly headerLine: number;
  /** Where the records behind the header begin. */
  readonly nextLine: number;
  readonly bytes: number;
};

type Wanted = {
  readonly hasHeader: boolean;
  readonly scoreOf: (fields: readonly string[]) => number;
};

const DELIMITERS = [",", ";", "\t", "|"];
/** Excel's own first line. */
const SEP_LINE = /^"?sep=(?<delimiter>[^\r\n])"?[,;\t|]*(?:\r?\n|$)/i;
/** No till writes more lines above its header. */
const MAX_TITLE_LINES = 50;
/** Lines of one header whose names run over lines. */
const MAX_HEADER_LINES = 8;
/** A record that has fewer known names is a title, or data. */
const LEAST_SCORE = 2;

/** `next` is the line behind it, `end` the byte. */
type Line = {
  readonly line: number;
  readonly next: number;
  readonly end: number;
  readonly fields: readonly string[];
};
type Candidate = {
  readonly delimiter: string;
  readonly header: Line;
  readonly score: number;
  readonly first: Line;
};

/** Throws an Error when there is no record at all. */
export const findHead = (text: string, { hasHeader, scoreOf }: Wanted): Head => {
  const bom = text.startsWith("\uFEFF") ? 1 : 0;
  const sep = SEP_LINE.exec(text.slice(bom));
  const skipped = bom + (sep?.[0].length ?? 0);
  const named = sep?.groups?.["delimiter"];
  const start = { line: sep ? 2 : 1, end: Buffer.byteLength(text.slice(0, skipped)) };
  const candidates = (named === undefined ? DELIMITERS : [named]).flatMap((delimiter) =>
    candidateFor(delimiter, linesOf(text.slice(skipped), delimiter, start), scoreOf),
  );
  const [best] = candidates.sort(
    (a, b) => b.score - a.score || b.header.fields.length - a.header.fields.length,
  );
  if (best === undefined) throw new Error("the file is empty");
  const { delimiter, header } = best;
  if (!hasHeader) {
    const widest = candidates.sort((a, b) => b.first.fields.length - a.first.fields.length)[0] ?? best;
    const numbers = widest.first.fields.map((_, index) => String(index + 1));
    return {
      delimiter: widest.delimiter,
      header: numbers,
      headerLine: 0,
      nextLine: start.line,
      bytes: start.end,
    };
  }
  const names = header.fields.map((name) => name.trim().replaceAll(/\s+/g, " "));
  // rows need not have the empty fields behind the last name
  while (names.length > 1 && names.at(-1) === "") names.pop();
  return { delimiter, header: names, headerLine: header.line, nextLine: header.next, bytes: header.end };
};

/** The line that looks most like a header, or the first one where none does. */
const candidateFor = (delimiter: string, lines: readonly Line[], scoreOf: Wanted["scoreOf"]): Candidate[] => {
  const [first] = lines;
  if (first === undefined) return [];
  let best = { header: first, score: 0 };
  for (const line of lines) {
    const score = line.fields.length > 1 ? scoreOf(line.fields) : 0;
    if (score >= LEAST_SCORE && score > best.score) best = { header: line, score };
  }
  return [{ delimiter, first, ...best }];
};

/** Records that are not blank; of a name in quotes that runs over lines, one record. */
const linesOf = (text: string, delimiter: string, start: { line: number; end: number }): Line[] => {
  const physical = text.split(/(?<=\n)/, MAX_TITLE_LINES);
  const lines: Line[] = [];
  let { line, end } = start;
  for (let at = 0; at < physical.length; ) {
    const { fields, count } = recordAt(physical, at, delimiter);
    end += Buffer.byteLength(physical.slice(at, at + count).join(""));
    if (fields.some((field) => field.trim() !== "")) lines.push({ line, end, next: line + count, fields });
    line += count;
    at += count;
  }
  return lines;
};

/** The record of one line, or of as few lines as close its quotes. */
const recordAt = (
  lines: readonly string[],
  at: number,
  delimiter: string,
): { fields: readonly string[]; count: number } => {
  for (let count = 1; count <= MAX_HEADER_LINES && at + count <= lines.length; count++) {
    try {
      const text = lines.slice(at, at + count).join("");
      const [fields = []] = parse(text, { delimiter, relax_column_count: true, relax_quotes: true });
      return { fields, count };
    } catch {
      // an unclosed quote, which the next line may close
    }
  }
  return { fields: [lines[at]?.trim() ?? ""], count: 1 };
};
