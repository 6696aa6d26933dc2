/**
 * Prices as exports write them, to whole cents. The digits are never converted to a floating-point number.
 */
import { MAX_PRICE_CENTS } from "#shared/domain/order.ts";

export type Price = { readonly cents: number } | { readonly problem: string };

/** A currency sign or code before or after the number. */
const CURRENCY = /^(?:\p{Sc}|[A-Z]{2,3}\p{Sc}?)?\s*(.*?)\s*(?:\p{Sc}|[A-Z]{3})?$/u;
const GROUPED = /^\d{1,3}(?:[.,' ]\d{3})+$/;

/**
 * Cents of "4.50", "$4.50", "1,234.50" and, with a decimal comma, "4,50 €". Where a comma and three digits could be
 * thousands or decimals, a file with `;` between its fields has decimal commas.
 */
export const priceOf = (text: string, delimiter: string): Price => {
  const trimmed = text.replaceAll(/[\s\u00a0\u202f]+/g, " ").trim();
  if (trimmed === "") return { problem: "the price is missing" };
  const isNegative = /^\(.*\)$|^\W*[-−]|[-−]$/u.test(trimmed);
  const number = CURRENCY.exec(trimmed.replaceAll(/[()\-−+]/gu, "").trim())?.[1] ?? "";
  const parts = decimalParts(number, delimiter === ";");
  if (parts === null) return { problem: `the price "${trimmed.slice(0, 40)}" is no number` };
  if (/[1-9]/.test(parts.fraction.slice(2)) || parts.isAmbiguous)
    return { problem: `the price ${trimmed} has more than two decimals` };
  if (isNegative) return { problem: `the price ${trimmed} is negative: refunds are not imported` };
  const cents = Number(parts.whole) * 100 + Number(parts.fraction.padEnd(2, "0").slice(0, 2));
  return cents === 0 ? { problem: "the price is 0" } : inRange(cents, `the price ${trimmed}`);
};

/** The price of a row: of one unit, times the quantity, which is a whole number. */
export const times = (price: Price, quantity: string): Price => {
  if ("problem" in price) return price;
  const match = /^\+?(\d{1,6})(?:[.,]0*)?$/.exec(quantity.trim());
  if (!match || Number(match[1]) === 0)
    return { problem: `the quantity "${quantity.trim()}" is no whole number above 0` };
  return inRange(price.cents * Number(match[1]), "price times quantity");
};

const inRange = (cents: number, what: string): Price =>
  cents > MAX_PRICE_CENTS ? { problem: `${what} is above 10 000` } : { cents };

type Decimal = { readonly whole: string; readonly fraction: string; readonly isAmbiguous: boolean };

const decimalParts = (number: string, hasDecimalComma: boolean): Decimal | null => {
  const mark = markOf(number, hasDecimalComma);
  const at = mark === null ? number.length : number.lastIndexOf(mark);
  const [whole, fraction] = [number.slice(0, at), number.slice(at + 1)];
  if (!/^\d*$/.test(fraction) || whole.length + fraction.length === 0) return null;
  if (!/^\d*$/.test(whole) && !(GROUPED.test(whole) && (mark === null || !whole.includes(mark)))) return null;
  // 1.234 in a file of decimal commas may be one thousand, or one and three decimals
  const isAmbiguous = hasDecimalComma && mark === "." && fraction.length === 3;
  return { whole: whole.replaceAll(/\D/g, "") || "0", fraction, isAmbiguous };
};

/** The decimal mark of a number, null when it has none. */
const markOf = (number: string, hasDecimalComma: boolean): "." | "," | null => {
  const [dot, comma] = [number.lastIndexOf("."), number.lastIndexOf(",")];
  if (dot >= 0 && comma >= 0) return dot > comma ? "." : ",";
  if (dot >= 0) return number.indexOf(".") === dot ? "." : null;
  if (comma < 0 || number.indexOf(",") !== comma) return null;
  return hasDecimalComma || number.length - comma - 1 !== 3 ? "," : null;
};
