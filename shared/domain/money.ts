/**
 * Money is whole cents inside (a JavaScript integer, exact to 2^53), never a fraction of a dollar.
 */

/** The dearest order: 10 000.00. It keeps a mistyped price from drowning a day's revenue. */
export const MAX_PRICE_CENTS = 1_000_000;

const DECIMAL = /^(\d{1,5})(?:\.(\d{1,2}))?$/;

/**
 * Cents of a price as a client writes it: a JSON number or a decimal string, at most two decimals,
 * 0 < price <= 10 000. `null` when it is anything else.
 *
 * A JSON number has become a double by now. It had at most two decimals exactly when the double nearest to
 * its rounded cents, divided by 100, is that same double: IEEE division is correctly rounded.
 */
export const centsOf = (price: number | string): number | null => {
  const cents = typeof price === "number" ? centsOfNumber(price) : centsOfText(price);
  return cents !== null && cents > 0 && cents <= MAX_PRICE_CENTS ? cents : null;
};

const centsOfNumber = (price: number): number | null => {
  const cents = Math.round(price * 100);
  return cents / 100 === price ? cents : null;
};

const centsOfText = (price: string): number | null => {
  const match = DECIMAL.exec(price);
  if (!match) return null;
  return Number(match[1]) * 100 + Number((match[2] ?? "").padEnd(2, "0"));
};

/** The price as replies and dashboards show it, in whole currency units: 450 cents are 4.5. */
export const priceOf = (cents: number): number => cents / 100;
