/**
 * Converts records of a sales file to sales, to rows that are no sale with the reason, or to the reason why a record
 * cannot be read.
 */
import { MAX_NAME_LENGTH } from "#shared/domain/catalogue.ts";
import { MAX_PRICE_CENTS } from "#shared/domain/order.ts";
import type { LocalClock, Oddity } from "#shared/domain/time-zone.ts";
import type { Columns } from "./columns.ts";
import type { CsvRow } from "./csv.ts";
import { type DateOrder, momentOf } from "./dates.ts";
import { isDiscount } from "./discount-headers.ts";
import { type DecimalMark, priceOf } from "./prices.ts";
import type { Reading } from "./readings.ts";
import { openRevenue, type Revenue } from "./revenue.ts";
import { leftOutReason, type StatusColumn } from "./statuses.ts";
import { bare, wordsIn } from "./words.ts";

export type Sale = {
  readonly ms: number;
  readonly store: string;
  readonly drink: string;
  readonly cents: number;
};
export type Row =
  | (Sale & {
      readonly fields: readonly string[];
      readonly currency: string | null;
      readonly oddity: Oddity | "midnight" | null;
    })
  /** No sale; `cents` is null where the row has no amount. */
  | { readonly leftOut: string; readonly cents: number | null; readonly isTotal: boolean }
  | { readonly problem: string };

export type SaleRules = {
  readonly header: readonly string[];
  readonly columns: Columns;
  readonly reading: Reading;
  /** Columns of line revenue, best first, of which a totals row may fill any. */
  readonly sums: readonly number[];
  readonly order: DateOrder;
  readonly zone: LocalClock;
  readonly decimal: DecimalMark;
  readonly statuses: readonly StatusColumn[];
  /** Fields that belong to the whole order, and are filled on its first line only. */
  readonly carried: readonly number[];
  /** For a file without a store column. */
  readonly storeName: string | null;
};

const TOTAL_WORDS: ReadonlySet<string> = new Set(
  wordsIn(
    "total totals grandtotal subtotal sum overall summe gesamt gesamtsumme zwischensumme insgesamt totaux soustotal totale",
    "totali totaal subtotaal suma razem celkem summa yhteensä итого всего 合計 小計 总计 合计 합계 totalgeneral",
  ),
);

export type Sales = {
  /** Takes the records in the order of the file: lines of one order complete each other. */
  read(row: CsvRow): Row;
  readonly unspent: Revenue["unspent"];
};

export const openSales = (rules: SaleRules): Sales => {
  const { header, carried, reading } = rules;
  const columns = { ...rules.columns, order: reading.order };
  const revenue = openRevenue(reading, columns, rules.decimal);
  let previous: readonly string[] = [];
  const read = (row: CsvRow): Row => {
    if ("problem" in row) {
      if (row.text === undefined || !isText(row.text)) return row;
      const isTotal = isTotalText(row.text);
      return { leftOut: isTotal ? "totals row" : "line of text", cents: null, isTotal };
    }
    if (row.fields.every((field, index) => field.trim() === (header[index] ?? "")))
      return { leftOut: "repeated header", cents: null, isTotal: false };
    if (isTotalsRow(row.fields, columns)) {
      const own = rules.sums.map((field) => priceOf(row.fields[field] ?? "", rules.decimal));
      const amount = own.find((price) => "cents" in price);
      return { leftOut: "totals row", cents: amount?.cents ?? null, isTotal: true };
    }
    const fields = isSameOrder(row.fields, previous, columns)
      ? completed(row.fields, previous, carried)
      : row.fields;
    previous = fields;
    return saleOf(fields, rules, revenue, revenue.keyOf(row.fields));
  };
  return { read, unspent: revenue.unspent };
};

/** A line of text below the table, not a damaged row. */
const isText = (text: string): boolean => /\p{L}{3}/u.test(text);

/** It has no date, and either a word for a total or no drink. */
const isTotalsRow = (fields: readonly string[], columns: Columns): boolean => {
  const field = (index: number): string => (index < 0 ? "" : (fields[index] ?? "").trim());
  const date = dateIn(fields, columns).trim();
  if (TOTAL_WORDS.has(bare(field(columns.drink))) || isTotalText(date)) return true;
  if (/\d/.test(date)) return false;
  if (TOTAL_WORDS.has(bare(field(columns.store)))) return true;
  const isName = columns.drink === 0 || columns.store === 0;
  if (!isName && isTotalText((fields[0] ?? "").trim())) return true;
  return date === "" && field(columns.drink) === "" && isSumOnly(fields);
};

/** `Total`, `Total sales:`, `Total 14/03/2026`. */
const isTotalText = (text: string): boolean => {
  const words = text.split(/[^\p{L}]+/u).filter((word) => word !== "");
  return TOTAL_WORDS.has(bare(words.join(""))) || TOTAL_WORDS.has(bare(words[0] ?? ""));
};

/** A row of amounts alone. */
const isSumOnly = (fields: readonly string[]): boolean => {
  const filled = fields.filter((field) => field.trim() !== "");
  return filled.length > 0 && filled.every((field) => !/\p{L}{4}/u.test(field));
};

const isSameOrder = (fields: readonly string[], previous: readonly string[], columns: Columns): boolean => {
  const id = (fields[columns.order] ?? "").trim();
  if (columns.order < 0 || previous.length === 0) return false;
  return id === "" ? dateIn(fields, columns).trim() === "" : id === (previous[columns.order] ?? "").trim();
};

const completed = (
  fields: readonly string[],
  previous: readonly string[],
  carried: readonly number[],
): readonly string[] => {
  const all = [...fields];
  for (const field of carried) if ((all[field] ?? "").trim() === "") all[field] = previous[field] ?? "";
  return all;
};

/** Every reason is named, because users correct the rows by hand. */
const saleOf = (fields: readonly string[], rules: SaleRules, revenue: Revenue, order: string | null): Row => {
  const { columns } = rules;
  const field = (index: number): string => (index < 0 ? "" : (fields[index] ?? ""));
  const status = leftOutReason(rules.statuses, field);
  const amount = revenue.amountOf(fields, order, status === null);
  if (amount === "later")
    return { leftOut: "later line of an order that is one sale", cents: null, isTotal: false };
  const known = "cents" in amount ? amount.cents : null;
  if (status !== null) return { leftOut: status, cents: known, isTotal: false };
  const isNegative = /^\s*[-\u2212]/.test(field(columns.quantity));
  if (known !== null && (known < 0 || isNegative))
    return {
      leftOut: isDiscount(field(columns.drink)) ? "discount on a line of its own" : "negative (a refund)",
      cents: known > 0 ? 0 - known : known,
      isTotal: false,
    };
  if (known === 0) return { leftOut: "zero", cents: 0, isTotal: false };
  const texts = { date: dateIn(fields, columns), time: field(columns.time), zone: field(columns.zone) };
  const moment = momentOf(texts, rules.order, rules.zone);
  const store = rules.storeName ?? oneLine(field(columns.store));
  const drink = oneLine(field(columns.drink));
  const tooMuch =
    known !== null && known > MAX_PRICE_CENTS
      ? { problem: `the amount ${known / 100} is above 10 000` }
      : null;
  const parts = [moment, nameProblem("store", store), nameProblem("drink", drink), amount, tooMuch];
  const problems = parts.flatMap((part) => (part !== null && "problem" in part ? [part.problem] : []));
  if (drink === "" && "problem" in moment && !/^\d/.test(texts.date.trim()))
    return { leftOut: "no date and no drink", cents: known, isTotal: false };
  if ("problem" in moment || "problem" in amount || problems.length > 0)
    return { problem: problems.join("; ") };
  const currency = oneLine(field(columns.currency)) || amount.currency;
  const oddity = moment.hasTime ? moment.oddity : "midnight";
  return { fields, ms: moment.ms, oddity, store, drink, cents: amount.cents, currency };
};

/** The date of a record; it holds the time too where that has no column of its own. */
const dateIn = (fields: readonly string[], { timestamp, date }: Columns): string =>
  fields[timestamp < 0 ? date : timestamp] ?? "";

/** Names as the catalogue has them: in NFC, and in one line. Spreadsheets leave marks without a width in them. */
const oneLine = (text: string): string =>
  text
    .replaceAll(/[\u200b\u200e\u200f\u2060\ufeff]/g, "")
    .trim()
    .replaceAll(/\s+/g, " ")
    .normalize("NFC");

const nameProblem = (what: string, name: string): { problem: string } | null => {
  if (name === "") return { problem: `the ${what} is missing` };
  if (name.length > MAX_NAME_LENGTH)
    return { problem: `the ${what} is longer than ${MAX_NAME_LENGTH} characters` };
  if (name.includes("\ufffd")) return { problem: `the ${what} "${name}" has a damaged character` };
  return /\p{Cc}/u.test(name) ? { problem: `the ${what} has control characters` } : null;
};
