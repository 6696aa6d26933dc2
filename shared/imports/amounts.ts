/** A line's revenue by one of the readings of its file. */
import { type DecimalMark, priceOf, times } from "./prices.ts";
import type { Reading } from "./readings.ts";

/** A line's revenue in cents, of either sign, and the currency in its text. */
export type Amount = { readonly cents: number; readonly currency: string | null };

export const amountOf = (
  fields: readonly string[],
  reading: Reading,
  decimal: DecimalMark,
): Amount | { readonly problem: string } => {
  const { quantity, discount } = reading;
  const amount = fieldAmount(fields, reading.price, reading, decimal);
  if ("problem" in amount) return amount;
  const sum = quantity < 0 ? amount.cents : times(amount.cents, fields[quantity] ?? "");
  if (typeof sum !== "number") return sum;
  const less = discount < 0 ? 0 : discountOf(fields, sum, reading, decimal);
  if (typeof less !== "number") return less;
  return { cents: sum - less, currency: amount.currency };
};

const fieldAmount = (
  fields: readonly string[],
  field: number,
  { inCents }: Reading,
  decimal: DecimalMark,
): Amount | { readonly problem: string } => {
  const amount = priceOf(fields[field] ?? "", decimal);
  if ("problem" in amount || !inCents.has(field)) return amount;
  if (amount.cents % 100 !== 0) return { problem: `the price ${fields[field]} in cents is no whole number` };
  return { ...amount, cents: amount.cents / 100 };
};

/** Tills write a discount with either sign; of a refund it reduces what is given back. `10%` is of the sum. */
const discountOf = (
  fields: readonly string[],
  sum: number,
  reading: Reading,
  decimal: DecimalMark,
): number | { readonly problem: string } => {
  const text = (fields[reading.discount] ?? "").trim();
  if (text === "" || /^(?:n\/?a|null|none|nil)$/i.test(text)) return 0;
  const percent = /^-?(\d{1,3}(?:[.,]\d+)?)\s?%$/.exec(text)?.[1];
  if (percent !== undefined) return Math.round((sum * Number(percent.replace(",", "."))) / 100);
  const amount = fieldAmount(fields, reading.discount, reading, decimal);
  if ("problem" in amount) return { problem: `the discount "${text.slice(0, 40)}" is no amount` };
  return Math.sign(sum) * Math.abs(amount.cents);
};
