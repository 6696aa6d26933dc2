/** A line's revenue by one of the readings of its file. */
import { type DecimalMark, priceOf, times } from "./prices.ts";
import type { Reading } from "./readings.ts";

/** A line's revenue in cents, of either sign, and the currency in its text. */
export type Amount = { readonly cents: number; readonly currency: string | null };

/** Before discounts. */
export const lineAmount = (
  fields: readonly string[],
  reading: Reading,
  decimal: DecimalMark,
): Amount | { readonly problem: string } => {
  const amount = fieldAmount(fields[reading.price] ?? "", reading.price, reading, decimal);
  if ("problem" in amount || reading.quantity < 0) return amount;
  const sum = times(amount.cents, fields[reading.quantity] ?? "");
  return typeof sum === "number" ? { cents: sum, currency: amount.currency } : sum;
};

const fieldAmount = (
  text: string,
  field: number,
  { inCents }: Reading,
  decimal: DecimalMark,
): Amount | { readonly problem: string } => {
  const amount = priceOf(text, decimal);
  if ("problem" in amount || !inCents.has(field)) return amount;
  if (amount.cents % 100 !== 0) return { problem: `the price ${text} in cents is no whole number` };
  return { ...amount, cents: amount.cents / 100 };
};

/**
 * Tills write a discount with either sign; of a refund it reduces what is given back. `10%` is of the sum, and so is the
 * 10 of a column that is in percent, where spreadsheets write 0.1.
 */
export const discountOf = (
  given: string,
  sum: number,
  reading: Reading,
  decimal: DecimalMark,
): number | { readonly problem: string } => {
  const text = given.trim();
  if (text === "" || /^(?:n\/?a|null|none|nil)$/i.test(text)) return 0;
  const share = shareIn(text, reading.inPercent.has(reading.discount));
  if (share !== null && share <= 1) return Math.round(sum * share);
  const amount = fieldAmount(text, reading.discount, reading, decimal);
  if (share !== null || "problem" in amount)
    return { problem: `the discount "${text.slice(0, 40)}" is no amount` };
  return Math.sign(sum) * Math.abs(amount.cents);
};

/** The share of the line, null where the text is an amount of money. */
const shareIn = (text: string, isPercent: boolean): number | null => {
  const [, number, sign] = /^[-\u2212]?(\d+(?:[.,]\d+)?)\s?(%?)$/.exec(text) ?? [];
  if (number === undefined || (sign === "" && !isPercent)) return null;
  const value = Number(number.replace(",", "."));
  return sign === "" && value < 1 ? value : value / 100;
};
