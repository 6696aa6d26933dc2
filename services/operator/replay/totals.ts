/** Orders and cents per store and drink: of the file and of the system, and how they differ. */
import { count, money, table } from "./output.ts";

export type Total = { readonly orders: number; readonly cents: number };
/** By `keyOf` a store and a drink. */
export type Totals = Map<string, Total>;

const NONE: Total = { orders: 0, cents: 0 };
/** A longer table does not fit a screen: then only the differences are listed. */
const MAX_TABLE_LINES = 40;

/** U+0000 is in no name, so two pairs of names never have the same key. */
export const keyOf = (store: string, drink: string): string => `${store}\0${drink}`;

export const addTo = (totals: Totals, key: string, orders: number, cents: number): void => {
  const before = totals.get(key) ?? NONE;
  totals.set(key, { orders: before.orders + orders, cents: before.cents + cents });
};

export const sumOf = (totals: Totals): Total => {
  let [orders, cents] = [0, 0];
  for (const total of totals.values()) {
    orders += total.orders;
    cents += total.cents;
  }
  return { orders, cents };
};

/** What was added since `before`. */
export const without = (totals: Totals, before: Totals): Totals => {
  const rest: Totals = new Map(totals);
  for (const [key, total] of before) addTo(rest, key, -total.orders, -total.cents);
  return rest;
};

type Line = { readonly store: string; readonly drink: string; readonly file: Total; readonly counted: Total };

/** A line for every pair of either side, by store and drink; pairs that are zero on both sides are left out. */
export const compared = (file: Totals, counted: Totals): Line[] =>
  [...new Set([...file.keys(), ...counted.keys()])]
    .sort()
    .map((key) => {
      const [store = "", drink = ""] = key.split("\0");
      return { store, drink, file: file.get(key) ?? NONE, counted: counted.get(key) ?? NONE };
    })
    .filter(({ file: a, counted: b }) => a.orders !== 0 || a.cents !== 0 || b.orders !== 0 || b.cents !== 0);

export const isEqual = ({ file, counted }: Line): boolean =>
  file.orders === counted.orders && file.cents === counted.cents;

/** What a file holds; null when the table would be too long. */
export const tableOfFile = (totals: Totals): string | null => {
  if (totals.size > MAX_TABLE_LINES) return null;
  const lines = [...totals]
    .sort()
    .map(([key, { orders, cents }]) => [...key.split("\0"), count(orders), money(cents)]);
  return table([["store", "drink", "orders", "revenue"], ...lines]);
};

/** The comparison as a table and in words, and whether the two sides are equal to the cent. */
export const reportOf = (file: Totals, counted: Totals): { isEqual: boolean; text: string } => {
  const lines = compared(file, counted);
  const wrong = lines.filter((line) => !isEqual(line));
  const [sent, seen] = [sumOf(file), sumOf(counted)];
  const parts: string[] = [];
  if (lines.length <= MAX_TABLE_LINES) parts.push(tableOf(lines));
  else if (wrong.length > 0) parts.push(tableOf(wrong.slice(0, MAX_TABLE_LINES)));
  if (wrong.length > MAX_TABLE_LINES)
    parts.push(`and ${wrong.length - MAX_TABLE_LINES} more lines that differ`);
  parts.push(`file:    ${count(sent.orders)} orders, ${money(sent.cents)}`);
  parts.push(`counted: ${count(seen.orders)} orders, ${money(seen.cents)}`);
  if (wrong.length === 0) parts.push(`Equal to the cent in all ${lines.length} pairs of store and drink.`);
  else {
    const { orders, cents } = sumOf(without(counted, file));
    const pairs = `${wrong.length} of ${lines.length} pairs of store and drink`;
    parts.push(`NOT EQUAL: ${pairs} differ, in total by ${count(orders)} orders and ${money(cents)}.`);
  }
  return { isEqual: wrong.length === 0, text: parts.join("\n") };
};

const tableOf = (lines: readonly Line[]): string =>
  table([
    ["store", "drink", "file orders", "file revenue", "counted orders", "counted revenue", ""],
    ...lines.map((line) => [
      line.store,
      line.drink,
      count(line.file.orders),
      money(line.file.cents),
      count(line.counted.orders),
      money(line.counted.cents),
      isEqual(line) ? "" : "differs",
    ]),
  ]);
