/** Files that are not CSV, known by their first bytes. */

const ANY_TEXT = /^\s*(?:<(?:!doctype|html|\?xml|table|[a-z]+[\s>:]))/i;
const JSON_TEXT = /^\s*(?:\[\s*)?\{\s*"/;

const SAVE_AS = 'save its sheet as "CSV UTF-8" in the spreadsheet program and replay that file';

/** First bytes as Latin-1 text, and what the file is with what to do. */
const KINDS: readonly (readonly [start: string, what: string])[] = [
  ["\xd0\xcf\x11\xe0", `an old Excel workbook (.xls): ${SAVE_AS}`],
  ["%PDF", "a PDF: export the sales from the till as CSV"],
  ["BZh", "compressed by bzip2: unpack it first (gzip is read as it is)"],
  ["\xfd7zXZ", "compressed by xz: unpack it first (gzip is read as it is)"],
  ["\x28\xb5\x2f\xfd", "compressed by Zstandard: unpack it first (gzip is read as it is)"],
  ["7z\xbc\xaf", "a 7z archive: unpack it first"],
  ["Rar!", "a RAR archive: unpack it first"],
  ["PAR1", "a Parquet file: convert it to CSV first"],
  ["SQLite format 3", "an SQLite database: export its table as CSV"],
  ["\x89PNG", "a picture: export the sales from the till as CSV"],
  ["\xff\xd8\xff", "a picture: export the sales from the till as CSV"],
];

const zipKind = (head: string): string => {
  if (head.includes("vnd.oasis.opendocument.spreadsheet")) return `an OpenDocument sheet (.ods): ${SAVE_AS}`;
  if (head.includes("Index/") && head.includes(".iwa")) return `a Numbers document: ${SAVE_AS}`;
  if (/xl\/|\[Content_Types\]\.xml|_rels\/\.rels|docProps\//.test(head))
    return `an Excel workbook (.xlsx): ${SAVE_AS}`;
  return "a ZIP archive: unpack it first and replay the CSV file in it";
};

export const isGzip = (head: Buffer): boolean => head[0] === 0x1f && head[1] === 0x8b;

/** What a file is that cannot be CSV, with what to do; null for text. */
export const notCsv = (head: Buffer): string | null => {
  const text = head.toString("latin1");
  if (text.startsWith("PK\x03\x04") || text.startsWith("PK\x05\x06")) return zipKind(text);
  const kind = KINDS.find(([start]) => text.startsWith(start));
  if (kind) return kind[1];
  const plain = text.replace(/^\xef\xbb\xbf/, "").replaceAll("\0", "");
  if (JSON_TEXT.test(plain))
    return "JSON, not CSV: export the sales as CSV, or send them to POST /api/{mode}/orders";
  return ANY_TEXT.test(plain) ? `HTML or XML, not CSV: ${SAVE_AS}` : null;
};
