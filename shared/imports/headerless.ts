/** Whether a file begins with data instead of a header, and the numbers of its columns. */
import { isDate } from "./dates.ts";
import { priceOf } from "./prices.ts";

/** Column numbers, from 1, as far as the first record shows them. */
export type Numbers = { readonly timestamp: number; readonly price: number; readonly drink: number };

/** Null where the record has no date or no price, as a header has none. */
export const numbersIn = (fields: readonly string[]): Numbers | null => {
  const dates = fields.map((field) => /\d[-/.:\s]\d|\d{4}/.test(field) && isDate(field));
  // of two dates the one with a time is the sale's
  const timed = fields.findIndex((field, index) => dates[index] === true && /\d:\d/.test(field));
  const timestamp = timed >= 0 ? timed : dates.indexOf(true);
  const isPrice = (field: string, index: number): boolean => {
    const price = priceOf(field, null);
    return dates[index] !== true && "cents" in price && price.cents > 0;
  };
  const decimal = fields.findIndex((field, index) => isPrice(field, index) && /[.,]\d{1,2}\D*$/.test(field));
  const price = decimal >= 0 ? decimal : fields.findLastIndex(isPrice);
  if (timestamp < 0 || price < 0) return null;
  const drink = fields.findLastIndex(
    (field, index) => index !== price && dates[index] !== true && /\p{L}{2}/u.test(field),
  );
  return { timestamp: timestamp + 1, price: price + 1, drink: drink + 1 };
};
