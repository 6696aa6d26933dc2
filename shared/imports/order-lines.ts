/** What the lines of orders show about columns: which belong to the whole order, and are blank or repeated per line. */
import type { Columns } from "./columns.ts";
import { priceOf } from "./prices.ts";

export type OrderLines = {
  /** Takes the records in the order of the file. */
  add(fields: readonly string[]): void;
  /** Empty on all later lines of orders, in a file that fills some columns on first lines alone. */
  isOnFirstLine(field: number): boolean;
  /** Whether an amount stands once per order, on its first line or on each; `unsure` where nothing decides. */
  isOfOrder(field: number): boolean | "unsure";
  /** Whether a discount stands once per order: on its first line alone, or the same on each. */
  isDiscountOfOrder(field: number): boolean;
};

/** Orders that are compared line by line; more show nothing new. */
const MAX_ORDERS = 20_000;
/** Two lines with their order's total add up to twice the order; taxes and discounts make less of a difference. */
const LEAST_REPEATED_RATIO = 1.4;

/** What later lines show about a column; `cents` are of orders with several lines. */
type Lines = {
  firstEmpty: number;
  laterEmpty: number;
  laterFilled: number;
  equal: number;
  different: number;
  /** Later lines with an amount that is not zero. */
  laterAmounts: number;
  cents: number;
};
type Order = { readonly texts: readonly string[]; readonly drink: string; hasMore: boolean };

/** Amounts and discounts are compared with the order's first line; `others` only whether they are filled. */
export const openOrderLines = (
  columns: Columns,
  { prices, discounts, others }: { readonly [kind in "prices" | "discounts" | "others"]: readonly number[] },
): OrderLines => {
  const seen = { firstEmpty: 0, laterEmpty: 0, laterFilled: 0 };
  const none = { ...seen, equal: 0, different: 0, laterAmounts: 0, cents: 0 };
  const amounts = [...prices, ...discounts];
  const lines = new Map([...amounts, ...others].map((field): [number, Lines] => [field, { ...none }]));
  const orders = new Map<string, Order>();
  const keyOf = openKeys(columns);
  return {
    add: (fields) => {
      const key = keyOf(fields);
      if (key === null) return;
      const order = orders.get(key);
      if (order === undefined && orders.size >= MAX_ORDERS) return;
      for (const [field, line] of lines) {
        const isEmpty = (fields[field] ?? "").trim() === "";
        if (order) line[isEmpty ? "laterEmpty" : "laterFilled"]++;
        else if (isEmpty) line.firstEmpty++;
      }
      const texts = amounts.map((field) => (fields[field] ?? "").trim());
      const drink = fields[columns.drink] ?? "";
      if (order) compareLines(order, { texts, drink }, amounts, lines);
      else orders.set(key, { texts, drink, hasMore: false });
    },
    isOnFirstLine: (field) => isOnFirstLine(lines, field),
    isOfOrder: (field) => isOfOrder(field, prices, lines),
    isDiscountOfOrder: (field) => isDiscountOfOrder(lines.get(field)),
  };
};

/** An order's number with its day and store, because tills start their numbers again. Null for a line without one. */
export const openKeys = (columns: Columns): ((fields: readonly string[]) => string | null) => {
  let [previousId, previousKey] = ["", ""];
  return (fields) => {
    const id = (fields[columns.order] ?? "").trim();
    const day = (fields[columns.timestamp < 0 ? columns.date : columns.timestamp] ?? "").trim().slice(0, 10);
    // a line without number and date belongs to the order above it
    if (columns.order < 0 || (id === "" && (day !== "" || previousKey === ""))) return null;
    const isSame = id === previousId || id === "";
    const key = isSame ? previousKey : `${id}\0${day}\0${fields[columns.store] ?? ""}`;
    [previousId, previousKey] = [id || previousId, key];
    return key;
  };
};

const compareLines = (
  order: Order,
  { texts, drink }: Pick<Order, "texts" | "drink">,
  amounts: readonly number[],
  lines: ReadonlyMap<number, Lines>,
): void => {
  for (const [index, field] of amounts.entries()) {
    const line = lines.get(field);
    const [first = "", text = ""] = [order.texts[index], texts[index]];
    if (line === undefined) continue;
    if (first !== text) line.different++;
    // two lines of one drink have one price anyway
    else if (drink !== order.drink) line.equal++;
    if (/[1-9]/.test(text)) line.laterAmounts++;
    line.cents += centsOf(text) + (order.hasMore ? 0 : centsOf(first));
  }
  order.hasMore = true;
};

const centsOf = (text: string): number => {
  const price = priceOf(text, null);
  return "cents" in price ? Math.abs(price.cents) : 0;
};

const isEmptyLater = ({ laterEmpty, laterFilled }: Lines): boolean => laterEmpty > 0 && laterFilled === 0;

const isOnFirstLine = (lines: ReadonlyMap<number, Lines>, field: number): boolean => {
  const line = lines.get(field);
  if (line === undefined || !isEmptyLater(line)) return false;
  return [...lines.values()].some((each) => isEmptyLater(each) && each.firstEmpty === 0);
};

const isOfOrder = (
  field: number,
  amounts: readonly number[],
  lines: ReadonlyMap<number, Lines>,
): boolean | "unsure" => {
  const line = lines.get(field);
  if (line === undefined) return false;
  if (isOnFirstLine(lines, field)) return true;
  if (line.equal === 0 || line.different > 0) return false;
  const ofLines = amounts.flatMap((other) => {
    const each = lines.get(other);
    return each !== undefined && each.different > 0 ? [each.cents] : [];
  });
  // with no other amount to compare it with, a column that never differs within an order may be either
  if (ofLines.length === 0) return "unsure";
  return line.cents > Math.max(...ofLines) * LEAST_REPEATED_RATIO;
};

/** A zero on a later line shows that each line has its own. */
const isDiscountOfOrder = (line: Lines | undefined): boolean =>
  line !== undefined &&
  ((line.laterEmpty > 0 && line.laterFilled === 0) || (line.laterAmounts > 0 && line.different === 0));
