/** Which rows are no completed sale: those with a word of status-words.ts, or with the words that the user names. */

import { isAmount } from "./prices.ts";
import {
  FLAG_HEADER,
  LINE_HEADER,
  LINE_WORDS,
  NO_WORDS,
  OTHER_LINE_WORDS,
  OTHER_STATUS,
  OUT_WORDS,
  PAID_HEADER,
  PARTIAL_WORDS,
  SALE_WORDS,
  STAMP_HEADER,
  STATUS_HEADER,
  TYPE_HEADER,
  YES_WORDS,
} from "./status-words.ts";
import { bare } from "./words.ts";

/** A column and its values that the user leaves out; all others of the column are sales. */
export type LeaveOut = { readonly column: string; readonly values: readonly string[] };
/** Rows by value of a column. */
export type ValueCounts = ReadonlyMap<string, number>;

/** Words of several, as in `Cancelled by customer`, `Refunded (full)` and `Payment voided`, but not in `Not refunded`. */
const UNDONE =
  /void|cancel|refund|declin|storn|annul|rembours|reembols|rimbors|terugbetaald|unpaid|chargeback/;
const PARTLY = /part|teil|parcial|parzial|gedeeltelijk/;
const NOT = /^(not?|non|un|never|kein|nicht|sans|sin|nie|ej|ikke)|able$|policy/;

type Kind = "status" | "type" | "flag" | "stamp" | "paid";
type Verdict = "out" | "sale" | "partial" | "unknown";

export type StatusColumn = {
  readonly field: number;
  readonly header: string;
  readonly verdictOf: (value: string) => Verdict;
  /** Its values are moments or names, of which each is another one. */
  readonly isStamp: boolean;
};

const kindOf = (name: string): Kind | null => {
  if (STAMP_HEADER.test(name)) return "stamp";
  if (FLAG_HEADER.test(name)) return "flag";
  if (PAID_HEADER.test(name)) return "paid";
  if (TYPE_HEADER.test(name) || LINE_HEADER.test(name)) return "type";
  return STATUS_HEADER.test(name) && !OTHER_STATUS.test(name) ? "status" : null;
};

/** Fields whose values a first pass over the file has to count. */
export const statusFieldsOf = (header: readonly string[]): number[] =>
  header.flatMap((name, field) => (kindOf(bare(name)) === null ? [] : [field]));

/** The columns that decide, with the words that the file has in them. `chosen` is null where the words are guessed. */
export const statusColumnsOf = (
  header: readonly string[],
  counts: ReadonlyMap<number, ValueCounts>,
  chosen: readonly LeaveOut[],
  isGuessed: boolean,
): StatusColumn[] => {
  const named = chosen.map(({ column, values }) => {
    const words = new Set(values.map(bare));
    const verdictOf = (value: string): Verdict => (words.has(bare(value)) ? "out" : "sale");
    return { field: header.map(bare).indexOf(bare(column)), header: column, verdictOf, isStamp: false };
  });
  const isNamed = (field: number): boolean => named.some((column) => column.field === field);
  const guessed = header.flatMap((name, field) => {
    const kind = kindOf(bare(name));
    if (!isGuessed || kind === null || isNamed(field)) return [];
    const texts = [...(counts.get(field)?.keys() ?? [])];
    // what was given back, in money or pieces, and no yes or no
    if (kind === "flag" && texts.some((text) => isAmount(text) && /[1-9]/.test(text) && text.trim() !== "1"))
      return [];
    const values = texts.map(plain);
    const hasLines =
      LINE_HEADER.test(bare(name)) &&
      values.some((value) => LINE_WORDS.has(value)) &&
      values.some((value) => OTHER_LINE_WORDS.has(value));
    const verdictOf = verdicts(kind, hasLines);
    const known = values.filter((value) => value !== "" && verdictOf(value) !== "unknown");
    const isKnown =
      kind === "paid" ? values.every((value) => known.includes(value) || value === "") : known.length > 0;
    if (!isKnown) return [];
    return [
      {
        field,
        header: name,
        verdictOf: (value: string) => verdictOf(plain(value)),
        isStamp: kind === "stamp",
      },
    ];
  });
  return [...named, ...guessed];
};

/** WooCommerce writes wc-completed. */
const plain = (value: string): string => bare(value.replace(/^wc-/, ""));

/** The verdict on a bare word. */
const verdicts =
  (kind: Kind, hasLines: boolean) =>
  (word: string): Verdict => {
    if (hasLines && LINE_WORDS.has(word)) return "sale";
    if (hasLines && OTHER_LINE_WORDS.has(word)) return "out";
    if (word === "") return "sale";
    if (kind === "paid") return YES_WORDS.has(word) ? "sale" : NO_WORDS.has(word) ? "out" : "unknown";
    if (kind === "stamp") return NO_WORDS.has(word) ? "sale" : "out";
    if (PARTIAL_WORDS.has(word) || (PARTLY.test(word) && UNDONE.test(word))) return "partial";
    if (OUT_WORDS.has(word) || (kind === "flag" && YES_WORDS.has(word))) return "out";
    if (SALE_WORDS.has(word) || NO_WORDS.has(word)) return "sale";
    if (!UNDONE.test(word)) return "unknown";
    return NOT.test(word) ? "sale" : "out";
  };

/** Why a row is left out, as `Status = Voided`; null where it is a sale. `textOf` returns the field's text. */
export const leftOutReason = (
  columns: readonly StatusColumn[],
  textOf: (field: number) => string,
): string | null => {
  const column = columns.find(({ field, verdictOf }) => verdictOf(textOf(field)) === "out");
  if (column === undefined) return null;
  return column.isStamp
    ? `${column.header} is set`
    : `${column.header} = ${textOf(column.field).trim() || "(empty)"}`;
};

/** Values that count as sales although they may be none, with their rows, for the user to decide. */
export const doubtfulValues = (
  columns: readonly StatusColumn[],
  counts: ReadonlyMap<number, ValueCounts>,
): { header: string; value: string; rows: number; isPartial: boolean }[] =>
  columns.flatMap(({ field, header, verdictOf }) =>
    [...(counts.get(field) ?? [])].flatMap(([value, rows]) => {
      const verdict = verdictOf(value);
      const isDoubtful = verdict === "partial" || verdict === "unknown";
      return isDoubtful ? [{ header, value, rows, isPartial: verdict === "partial" }] : [];
    }),
  );
