/**
 * Orders and cents per store and drink: of the file, of the system, and how they differ.
 */
export type Total = { readonly orders: number; readonly cents: number };
/** By `keyOf` a store and a drink. */
export type Totals = Map<string, Total>;

const NONE: Total = { orders: 0, cents: 0 };

/** U+0000 is in no name, so two names never make another pair's key. */
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

/** What came on top of `before`. */
export const without = (totals: Totals, before: Totals): Totals => {
  const rest: Totals = new Map();
  for (const [key, total] of totals) addTo(rest, key, total.orders, total.cents);
  for (const [key, total] of before) addTo(rest, key, -total.orders, -total.cents);
  return rest;
};

export type Line = {
  readonly store: string;
  readonly drink: string;
  readonly file: Total;
  readonly counted: Total;
};

/** A line for every pair of either side, by store and drink; all zero on both sides is left out. */
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
