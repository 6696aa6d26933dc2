/**
 * The first pass over a sales file: what its rows as a whole show about each of them, such as the order of day and
 * month, the decimal mark, and which columns belong to the whole order.
 */
import { type AmountColumn, type Columns, ImportError } from "./columns.ts";
import type { Csv } from "./csv.ts";
import { type DateOrder, orderHint } from "./dates.ts";
import { type DecimalMark, decimalHint, priceOf } from "./prices.ts";

export type Profile = {
  /** Throws an ImportError when the dates do not show it. */
  readonly dateOrder: () => DateOrder;
  /** Throws an ImportError when the prices show both. */
  readonly decimal: () => DecimalMark;
  /** Rows by value of each column that may be a status. */
  readonly values: ReadonlyMap<number, ReadonlyMap<string, number>>;
  /** Empty on all later lines of orders, in a file that fills some columns on first lines alone. */
  readonly isOnFirstLine: (field: number) => boolean;
  /** Whether an amount is that of the whole order; `unsure` where one amount stands on all lines and nothing decides. */
  readonly isOfOrder: (field: number) => boolean | "unsure";
  /** Whether an amount grows with the quantity; null where the file does not show it. */
  readonly isPerUnit: (field: number) => boolean | null;
};

export type ProfiledColumns = {
  readonly columns: Columns;
  readonly amounts: readonly AmountColumn[];
  readonly statuses: readonly number[];
};

/** Orders that are compared line by line; more show nothing new. */
const MAX_ORDERS = 100_000;
/** A status has a few words; a column with more is something else. */
const MAX_VALUES = 500;
const MAX_DRINKS = 2_000;

/** What the later lines of orders show about one column. */
type Lines = {
  firstEmpty: number;
  laterEmpty: number;
  laterFilled: number;
  equal: number;
  different: number;
};
const NO_LINES: Lines = { firstEmpty: 0, laterEmpty: 0, laterFilled: 0, equal: 0, different: 0 };
/** Amounts of one drink: of one unit, and of other quantities. */
type Drink = {
  one: string | null;
  isSteady: boolean;
  isRepeated: boolean;
  readonly many: [quantity: number, text: string][];
};

export const profileOf = async (csv: Csv, wanted: ProfiledColumns): Promise<Profile> => {
  const { columns, amounts, statuses } = wanted;
  const fields = amounts.map(({ field }) => field);
  const priced = columns.discount < 0 ? fields : [...fields, columns.discount];
  const dates = new Map<string, string>();
  const marks = new Map<string, string>();
  const values = new Map(statuses.map((field) => [field, new Map<string, number>()]));
  const compared = [...new Set([...Object.values(columns), ...priced, ...statuses])].filter(
    (field) => field >= 0,
  );
  const lines = new Map(compared.map((field): [number, Lines] => [field, { ...NO_LINES }]));
  const drinks = new Map(fields.map((field) => [field, new Map<string, Drink>()]));
  const compare = openOrders(columns, fields, lines);
  for await (const row of csv.rows()) {
    if ("problem" in row) continue;
    const date = (row.fields[columns.timestamp < 0 ? columns.date : columns.timestamp] ?? "").trim();
    const hint = orderHint(date);
    if (hint !== null && !dates.has(hint)) dates.set(hint, `"${date}" (line ${row.line})`);
    for (const field of priced) {
      const mark = decimalHint(row.fields[field] ?? "");
      if (mark !== null && !marks.has(mark))
        marks.set(mark, `"${row.fields[field]?.trim()}" (line ${row.line})`);
    }
    for (const [field, counts] of values) {
      const value = (row.fields[field] ?? "").trim();
      if (counts.has(value) || counts.size < MAX_VALUES) counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    compare(row.fields);
    for (const field of fields) collectDrink(row.fields, columns, field, drinks.get(field));
  }
  const decimal = (): DecimalMark => decimalOf(marks, csv.delimiter);
  return {
    dateOrder: () => dateOrderOf(dates),
    decimal,
    values,
    isOnFirstLine: (field) => isOnFirstLine(lines, field),
    isOfOrder: (field) => isOfOrder(field, fields, lines, drinks.get(field)),
    isPerUnit: (field) => isPerUnit(drinks.get(field), decimal()),
  };
};

const dateOrderOf = (seen: ReadonlyMap<string, string>): DateOrder => {
  const [dmy, mdy, either] = [seen.get("dmy"), seen.get("mdy"), seen.get("either")];
  if (dmy && mdy) throw new ImportError(`${dmy} puts the day first, ${mdy} the month`, "dateOrder");
  if (either && !dmy && !mdy)
    throw new ImportError(`${either} can be read in two ways, and no other date decides`, "dateOrder");
  return mdy ? "mdy" : "dmy";
};

/** Files that mix both marks are read price by price; only 1,234 needs the file. */
const decimalOf = (seen: ReadonlyMap<string, string>, delimiter: string): DecimalMark => {
  const [point, comma] = [seen.get("."), seen.get(",")];
  if (point && comma) return null;
  if (point || comma) return point ? "." : ",";
  // without any decimals a comma between fields shows that it is not the decimal mark of an unquoted file
  return delimiter === "," ? "." : null;
};

/** Compares each line of an order with its first one. */
const openOrders = (columns: Columns, amounts: readonly number[], lines: ReadonlyMap<number, Lines>) => {
  const firstAmounts = new Map<string, readonly string[]>();
  let [previousId, previousKey] = ["", ""];
  return (fields: readonly string[]): void => {
    const id = (fields[columns.order] ?? "").trim();
    // tills start their numbers again every day, in every store
    const day = (fields[columns.timestamp < 0 ? columns.date : columns.timestamp] ?? "").trim().slice(0, 10);
    if (columns.order < 0 || (id === "" && day !== "")) return;
    // a line without number and date belongs to the order above it
    const isSame = id === previousId || id === "";
    const key = isSame ? previousKey : `${id}\0${day}\0${fields[columns.store] ?? ""}`;
    [previousId, previousKey] = [id || previousId, key];
    const first = firstAmounts.get(key);
    for (const [field, line] of lines) {
      const isEmpty = (fields[field] ?? "").trim() === "";
      if (first === undefined) line.firstEmpty += isEmpty ? 1 : 0;
      else line[isEmpty ? "laterEmpty" : "laterFilled"]++;
    }
    const texts = amounts.map((field) => (fields[field] ?? "").trim());
    if (first === undefined) {
      if (firstAmounts.size < MAX_ORDERS) firstAmounts.set(key, texts);
      return;
    }
    for (const [index, field] of amounts.entries()) {
      const line = lines.get(field);
      if (line) line[first[index] === texts[index] ? "equal" : "different"]++;
    }
  };
};

const isOnFirstLine = (lines: ReadonlyMap<number, Lines>, field: number): boolean => {
  const isEmptyLater = ({ laterEmpty, laterFilled }: Lines): boolean => laterEmpty > 0 && laterFilled === 0;
  const line = lines.get(field);
  if (line === undefined || !isEmptyLater(line)) return false;
  return [...lines.values()].some((each) => isEmptyLater(each) && each.firstEmpty === 0);
};

const collectDrink = (
  fields: readonly string[],
  columns: Columns,
  field: number,
  drinks: Map<string, Drink> | undefined,
): void => {
  const name = fields[columns.drink] ?? "";
  const text = (fields[field] ?? "").trim();
  const quantity = columns.quantity < 0 ? 1 : Number((fields[columns.quantity] ?? "").replace(",", "."));
  if (drinks === undefined || text === "" || !Number.isInteger(quantity) || quantity < 1) return;
  let drink = drinks.get(name);
  if (drink === undefined) {
    if (drinks.size >= MAX_DRINKS) return;
    drink = { one: null, isSteady: true, isRepeated: false, many: [] };
    drinks.set(name, drink);
  }
  if (quantity === 1) {
    drink.isRepeated ||= drink.one !== null;
    drink.isSteady &&= drink.one === null || drink.one === text;
    drink.one ??= text;
  } else if (drink.many.length < 100) drink.many.push([quantity, text]);
};

const isOfOrder = (
  field: number,
  amounts: readonly number[],
  lines: ReadonlyMap<number, Lines>,
  drinks: ReadonlyMap<string, Drink> | undefined,
): boolean | "unsure" => {
  const line = lines.get(field);
  if (line === undefined) return false;
  if (line.laterEmpty > 0 && line.laterFilled === 0) return true;
  if (line.equal === 0 || line.different > 0) return false;
  // the lines of orders have one amount, while another column has theirs
  if (amounts.some((other) => (lines.get(other)?.different ?? 0) > 0)) return true;
  const known = [...(drinks?.values() ?? [])].filter(({ isRepeated }) => isRepeated);
  // orders of one drink each, and cafés with one price for all
  if ((drinks?.size ?? 0) === 1 && known.every(({ isSteady }) => isSteady)) return false;
  if (known.some(({ isSteady }) => !isSteady)) return true;
  return known.length > 0 ? false : "unsure";
};

/** Two lattes cost as much as one in a column of unit prices, and twice as much in one of totals. */
const isPerUnit = (drinks: ReadonlyMap<string, Drink> | undefined, decimal: DecimalMark): boolean | null => {
  const centsOf = (text: string): number => {
    const price = priceOf(text, decimal);
    return "cents" in price ? price.cents : 0;
  };
  let votes = 0;
  for (const { one, many } of drinks?.values() ?? []) {
    const cents = one === null ? 0 : centsOf(one);
    if (cents === 0) continue;
    for (const [quantity, text] of many) {
      const other = centsOf(text);
      if (other === cents) votes++;
      else if (other === cents * quantity) votes--;
    }
  }
  return votes === 0 ? null : votes > 0;
};
