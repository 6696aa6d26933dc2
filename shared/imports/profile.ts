/**
 * The first pass over a sales file: what its rows as a whole show about each of them, such as the order of day and
 * month, the decimal mark, and which columns belong to the whole order.
 */
import { type AmountColumn, type Columns, ImportError } from "./columns.ts";
import type { Csv } from "./csv.ts";
import { type DateOrder, isDate, orderHint, yearNumbers } from "./dates.ts";
import { openDrinkPrices } from "./drink-prices.ts";
import { type OrderLines, openOrderLines } from "./order-lines.ts";
import { type DecimalMark, decimalHint, isAmount } from "./prices.ts";

export type Profile = {
  /** Throws an ImportError when the dates do not show it. */
  readonly dateOrder: () => DateOrder;
  readonly decimal: () => DecimalMark;
  /** Rows by value of each column that may be a status. */
  readonly values: ReadonlyMap<number, ReadonlyMap<string, number>>;
  readonly isOnFirstLine: OrderLines["isOnFirstLine"];
  readonly isOfOrder: OrderLines["isOfOrder"];
  readonly isDiscountOfOrder: OrderLines["isDiscountOfOrder"];
  /** Whether each drink has one amount; null where none is sold twice. */
  readonly isSteady: (field: number) => boolean | null;
  /** Whether a column has amounts at all, and nothing else. */
  readonly hasAmounts: (field: number) => boolean;
  /** Whether it has any that is not zero. */
  readonly hasSums: (field: number) => boolean;
  /** Whether the column of the date holds any. */
  readonly hasDates: boolean;
  /** Whether an amount is of one unit and does not grow with the quantity; null where the file does not show it. */
  readonly isPerUnit: (field: number) => boolean | null;
};

export type ProfiledColumns = {
  readonly columns: Columns;
  readonly amounts: readonly AmountColumn[];
  readonly discounts: readonly number[];
  readonly statuses: readonly number[];
};

/** A status has a few words; a column with more is something else. */
const MAX_VALUES = 500;

export const profileOf = async (
  csv: Csv,
  { columns, amounts, discounts, statuses }: ProfiledColumns,
): Promise<Profile> => {
  const isThere = (field: number): boolean => field >= 0;
  const prices = [...new Set(amounts.map(({ field }) => field))];
  const priced = [...new Set([...prices, ...discounts])];
  const others = [...Object.values(columns), ...statuses].filter(
    (field) => isThere(field) && !priced.includes(field),
  );
  const dates = new Map<string, string>();
  const [firsts, lasts] = [new Set<number>(), new Set<number>()];
  const marks = new Set<string>();
  const values = new Map(statuses.map((field) => [field, new Map<string, number>()]));
  const texts = new Map(priced.map((field) => [field, { amounts: 0, others: 0, sums: 0 }]));
  const drinks = new Map(priced.map((field) => [field, openDrinkPrices(columns, field)]));
  const lines = openOrderLines(columns, { prices, discounts, others });
  let hasDates = false;
  for await (const row of csv.rows()) {
    if ("problem" in row) continue;
    const { fields } = row;
    const date = (fields[columns.timestamp < 0 ? columns.date : columns.timestamp] ?? "").trim();
    hasDates ||= isDate(date);
    const hint = orderHint(date);
    if (hint !== null && !dates.has(hint)) dates.set(hint, `"${date}" (line ${row.line})`);
    const [first, last] = yearNumbers(date) ?? [];
    if (first !== undefined) firsts.add(first);
    if (last !== undefined) lasts.add(last);
    for (const [field, seen] of texts) {
      const text = (fields[field] ?? "").trim();
      if (text !== "") seen[isAmount(text) ? "amounts" : "others"]++;
      if (/[1-9]/.test(text)) seen.sums++;
      marks.add(decimalHint(text) ?? "");
      drinks.get(field)?.add(fields);
    }
    for (const [field, counts] of values) {
      const value = (fields[field] ?? "").trim();
      if (counts.has(value) || counts.size < MAX_VALUES) counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    lines.add(fields);
  }
  const decimal = decimalOf(marks, csv.delimiter);
  return {
    // a file is of few years and of many days: 26-03-14, 26-03-15, 26-03-16
    dateOrder: () => (isYearFirst(firsts, lasts) ? "ymd" : dateOrderOf(dates)),
    decimal: () => decimal,
    values,
    isOnFirstLine: lines.isOnFirstLine,
    isOfOrder: lines.isOfOrder,
    isDiscountOfOrder: lines.isDiscountOfOrder,
    isSteady: (field) => drinks.get(field)?.isSteady() ?? null,
    hasAmounts: (field) => (texts.get(field)?.amounts ?? 0) > (texts.get(field)?.others ?? 0),
    hasSums: (field) => (texts.get(field)?.sums ?? 0) > 0,
    hasDates,
    isPerUnit: (field) => drinks.get(field)?.isPerUnit(decimal) ?? null,
  };
};

const isYearFirst = (firsts: ReadonlySet<number>, lasts: ReadonlySet<number>): boolean =>
  firsts.size > 0 &&
  firsts.size <= 2 &&
  lasts.size > 2 &&
  Math.max(...lasts) <= 31 &&
  Math.min(...firsts) > 12;

const dateOrderOf = (seen: ReadonlyMap<string, string>): DateOrder => {
  const [dmy, mdy, either] = [seen.get("dmy"), seen.get("mdy"), seen.get("either")];
  if (dmy && mdy) throw new ImportError(`${dmy} puts the day first, ${mdy} the month`, "dateOrder");
  if (either && !dmy && !mdy)
    throw new ImportError(`${either} can be read in two ways, and no other date decides`, "dateOrder");
  return mdy ? "mdy" : "dmy";
};

/** Files that mix both marks are read price by price; only 1,234 needs the file. */
const decimalOf = (marks: ReadonlySet<string>, delimiter: string): DecimalMark => {
  const [point, comma] = [marks.has("."), marks.has(",")];
  if (point && comma) return null;
  if (point || comma) return point ? "." : ",";
  // 25.000 may be twenty-five thousand; a comma between fields is hardly the decimal mark of 1,250
  return delimiter === "," && !marks.has("thousands.") ? "." : null;
};
