import fc from "fast-check";
import { expect, test } from "vitest";
import { centsOf, MAX_PRICE_CENTS, priceOf } from "./money.ts";

/** 1234 as "12.34", by the digits alone. */
const textOf = (cents: number): string => {
  const digits = String(cents).padStart(3, "0");
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`;
};

test("every amount comes back as number and as text", () => {
  const lost: number[] = [];
  for (let cents = 1; cents <= MAX_PRICE_CENTS; cents++) {
    const text = textOf(cents);
    const isExact =
      centsOf(text) === cents && centsOf(Number(text)) === cents && priceOf(cents) === Number(text);
    if (!isExact) lost.push(cents);
  }
  expect(lost).toEqual([]);
});

test("whole amounts and one decimal are amounts", () => {
  expect(centsOf("4")).toBe(400);
  expect(centsOf("4.5")).toBe(450);
  expect(centsOf(4.5)).toBe(450);
  expect(centsOf("0004.50")).toBe(450);
  expect(centsOf("10000.00")).toBe(MAX_PRICE_CENTS);
  expect(centsOf(1e4)).toBe(MAX_PRICE_CENTS);
});

test.each([
  ["nothing", [0, -0, "0", "0.00", "00000"]],
  ["less than nothing", [-1, -0.01, "-1", "-0.01"]],
  ["too much", [10_000.01, 10_001, "10000.01", "10001", "99999.99", "100000", 1e21]],
  ["three decimals", [4.505, 0.001, 0.005, 1e-9, 5e-324, "4.505", "4.500", "0.001"]],
  ["no number", [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, "NaN", "Infinity", ""]],
  ["numbers that no double holds", [JSON.parse("1e400"), "1e400", JSON.parse("-1e400"), "9".repeat(400)]],
  [
    "other spellings",
    ["1e2", "0x10", "+1", " 1", "1 ", "1\n", "1,50", ".5", "5.", "1_000", "1.5.0", "٤", "4,"],
  ],
])("%s is no price", (_, prices: (number | string)[]) => {
  for (const price of prices) expect([price, centsOf(price)]).toEqual([price, null]);
});

test("a fraction of a cent is no price, however small", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: MAX_PRICE_CENTS - 1 }),
      fc.integer({ min: 1, max: 99 }),
      (cents, part) => {
        expect(centsOf(Number(`${textOf(cents)}${String(part).padStart(2, "0")}`))).toBeNull();
      },
    ),
  );
});

test("any double is refused or stands for exactly that many cents", () => {
  fc.assert(
    fc.property(fc.oneof(fc.double(), fc.double({ min: 0, max: 10_001 })), (price) => {
      const cents = centsOf(price);
      if (cents === null) return;
      expect(Number.isInteger(cents) && cents >= 1 && cents <= MAX_PRICE_CENTS).toBe(true);
      expect(priceOf(cents)).toBe(price);
    }),
  );
});

test("any text is refused or is the decimal it reads as", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^\d{1,6}\.?\d{0,3}$/)), (text) => {
      const cents = centsOf(text);
      expect(cents === null || Math.round(Number(text) * 100) === cents).toBe(true);
    }),
  );
});
