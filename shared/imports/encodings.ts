/**
 * The encoding of a file, and its text. UTF-8 is proved by its bytes; the others are guesses by jschardet, which callers
 * show. iconv-lite decodes: the platform's TextDecoder knows no DOS code page.
 */
import iconv from "iconv-lite";

/** Starts reading the file from its first byte; called once for each pass over it. */
export type OpenFile = () => AsyncIterable<Buffer>;
export type Encoding = {
  /** As iconv-lite names it. */
  readonly name: string;
  /** A piece of text that shows whether a guess is right; null where the bytes prove the encoding. */
  readonly sample: string | null;
};

const BOMS: readonly (readonly [name: string, bytes: readonly number[]])[] = [
  ["utf8", [0xef, 0xbb, 0xbf]],
  ["utf32le", [0xff, 0xfe, 0, 0]],
  ["utf32be", [0, 0, 0xfe, 0xff]],
  ["utf16le", [0xff, 0xfe]],
  ["utf16be", [0xfe, 0xff]],
];
/** What the world's tills and spreadsheets write; jschardet knows a hundred more, for mainframes and for 1960. */
const USUAL = new Set(
  [
    "windows1250 windows1251 windows1252 windows1253 windows1254 windows1255 windows1256 windows1257 windows1258",
    "iso88592 iso88595 iso88597 iso88599 iso885915 macroman cp437 cp850 cp852 cp858 cp866 ibm866 koi8r koi8u",
    "shiftjis cp932 eucjp gb18030 big5 euckr cp949 cp874",
  ]
    .join(" ")
    .split(" "),
);
/** Excel's "ANSI" west of Poland; Latin-1 is a part of it. */
const WESTERN = "windows1252";
/** Confidences of short texts differ by a few percent only: then the frequent encoding wins over that of DOS. */
const weightOf = (name: string): number => (name === WESTERN ? 1.1 : /^(cp\d{3}|ibm)/.test(name) ? 0.9 : 1);
const SAMPLE_BYTES = 64 * 1024;
const SHOWN_LENGTH = 40;

const plainName = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, "");

/** The encoding that a user names, null for an unknown one. `latin1` is Windows-1252, as in the Encoding Standard. */
export const encodingNamed = (name: string): string | null => {
  const plain = plainName(name);
  if (["latin1", "iso88591", "ansi", "ascii", "usascii"].includes(plain)) return WESTERN;
  if (plain === "mac" || plain === "macintosh") return "macroman";
  return iconv.encodingExists(plain) && !["base64", "hex", "binary", "utf7", "utf7imap"].includes(plain)
    ? plain
    : null;
};

/** The encoding by a byte order mark, by zero bytes in every second place, by valid UTF-8, else by jschardet. */
export const detectEncoding = async (open: OpenFile, head: Buffer): Promise<Encoding> => {
  const marked = markedEncoding(head);
  if (marked !== null) return { name: marked, sample: null };
  const text = await readNonAscii(open);
  // a damaged byte in a file of UTF-8 costs its row, and not the letters of all others
  if (text.damaged === 0 || text.whole > text.damaged) return { name: "utf8", sample: null };
  // the header shows the language
  const header = head.subarray(0, Math.max(0, head.subarray(0, SAMPLE_BYTES / 16).indexOf("\n")));
  return guessed(Buffer.concat([header, Buffer.from("\n"), text.lines]));
};

export const markedEncoding = (head: Buffer): string | null => {
  const marked = BOMS.find(([, bytes]) => bytes.every((byte, index) => head[index] === byte));
  if (marked) return marked[0];
  const zeros = [0, 0];
  const some = head.subarray(0, 1_024);
  for (const [index, byte] of some.entries()) if (byte === 0) zeros[index % 2] = (zeros[index % 2] ?? 0) + 1;
  const [even = 0, odd = 0] = zeros;
  // every second byte of ASCII text; a quarter of that leaves room for other letters
  if (odd > some.length / 8 && even < odd / 8) return "utf16le";
  return even > some.length / 8 && odd < even / 8 ? "utf16be" : null;
};

/** The file's lines with bytes above 127, and how many characters of them are whole UTF-8, and how many damaged. */
const readNonAscii = async (open: OpenFile): Promise<{ whole: number; damaged: number; lines: Buffer }> => {
  const fatal = new TextDecoder("utf-8", { fatal: true });
  const lenient = new TextDecoder("utf-8");
  const found = { whole: 0, damaged: 0, lines: Buffer.alloc(0) };
  let isWhole = true;
  for await (const chunk of open()) {
    const text = lenient.decode(chunk, { stream: true });
    try {
      if (isWhole) fatal.decode(chunk, { stream: true });
    } catch {
      // a TypeError at the first byte that is no UTF-8
      isWhole = false;
    }
    for (const [letter] of text.matchAll(/[^\0-\x7f]/gu))
      found[letter === "\ufffd" && !isWhole ? "damaged" : "whole"]++;
    if (!isWhole && found.lines.length < SAMPLE_BYTES)
      found.lines = Buffer.concat([found.lines, nonAsciiLines(chunk)]);
  }
  return found;
};

const nonAsciiLines = (chunk: Buffer): Buffer =>
  Buffer.from(
    (chunk.toString("latin1").match(/[^\r\n]*[\x80-\xff][^\r\n]*/g) ?? []).slice(0, 500).join("\n"),
    "latin1",
  );

const guessed = async (bytes: Buffer): Promise<Encoding> => {
  // a megabyte of tables, which only these files need
  const { detectAll } = await import("jschardet");
  const confidence = new Map<string, number>([
    [WESTERN, 0],
    ["macroman", 0],
    ["cp850", 0],
  ]);
  for (const { encoding, confidence: value } of detectAll(bytes.subarray(0, SAMPLE_BYTES))) {
    const name = encoding === null ? "" : (encodingNamed(encoding) ?? "");
    if (USUAL.has(name)) confidence.set(name, Math.max(value, confidence.get(name) ?? 0));
  }
  const texts = [...confidence].map(([name, value]) => {
    const text = iconv.decode(bytes, name);
    return { name, value: value * weightOf(name), text, odd: oddLetters(text) };
  });
  const [best] = texts.sort((a, b) => a.odd - b.odd || b.value - a.value);
  const sample = /[^;,\t"\n]*[^\0-\x7f;,\t"\n][^;,\t"\n]*/u.exec(best?.text ?? "")?.[0].trim() ?? "";
  return { name: best?.name ?? WESTERN, sample: sample.slice(0, SHOWN_LENGTH) };
};

/** What no language has inside a word: `CafŽ`, `cr‚me` and `Cafι` are Café and crème of another encoding. */
const ODD = [
  /\p{Ll}(?=[\p{Lu}\p{S}\p{No}\u201a\u201e\u2020\u2021\u2030¿¡§¶])/gu,
  /[\ufffd\x80-\x9f]/gu,
  /[a-z](?=[\p{scx=Greek}\p{scx=Cyrillic}\p{scx=Hebrew}\p{scx=Arabic}\p{scx=Thai}])(?=\p{L})/gu,
];

const oddLetters = (text: string): number =>
  ODD.reduce((sum, pattern) => sum + (text.match(pattern)?.length ?? 0), 0);

/** The file as UTF-8, with line feeds where it has carriage returns alone. */
export async function* toUtf8(
  chunks: AsyncIterable<Buffer>,
  encoding: string,
  hasLoneCr: boolean,
): AsyncGenerator<Buffer> {
  const decoder = iconv.getDecoder(encoding);
  const lines = (text: string): Buffer => Buffer.from(hasLoneCr ? text.replaceAll("\r", "\n") : text);
  for await (const chunk of chunks) yield lines(decoder.write(chunk));
  yield lines(decoder.end() ?? "");
}
