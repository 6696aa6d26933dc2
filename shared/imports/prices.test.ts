import fc from "fast-check";
import { expect, test } from "vitest";
import { priceOf, times } from "./prices.ts";

const cents = (text: string, delimiter = ","): number | string => {
  const price = priceOf(text, delimiter);
  return "cents" in price ? price.cents : price.problem;
};

test.each([
  ["4.50", 450],
  ["4.5", 450],
  ["4", 400],
  ["4.", 400],
  [".5", 50],
  ["$4.50", 450],
  ["£ 4.50", 450],
  ["4.50 USD", 450],
  ["USD 4.50", 450],
  ["US$4.50", 450],
  ["4,50 €", 450],
  ["4.5000", 450],
  ["1,234.50", 123_450],
  ["1.234,50", 123_450],
  ["1,234", 123_400],
  ["1 234.50", 123_450],
  ["10000", 1_000_000],
])("reads %s", (text, expected) => expect(cents(text)).toBe(expected));

test.each([
  ["", "missing"],
  ["free", "is no number"],
  ["4.50.1", "is no number"],
  ["1,23,456.00", "is no number"],
  ["12,34.5", "is no number"],
  ["4.505", "more than two decimals"],
  ["-4.50", "negative"],
  ["-$4.50", "negative"],
  ["($4.50)", "negative"],
  ["0.00", "is 0"],
  ["10000.01", "above 10 000"],
])("rejects %j", (text, expected) => expect(cents(text)).toContain(expected));

test("reads decimal commas in a file whose delimiter is a semicolon", () => {
  expect(cents("4,50", ";")).toBe(450);
  expect(cents("4,5", ";")).toBe(450);
  expect(cents("1,234", ";")).toContain("more than two decimals");
  expect(cents("1.234", ";")).toContain("more than two decimals");
  expect(cents("1.234,50", ";")).toBe(123_450);
});

test("returns the cents of every price in all its forms", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000_000 }), (value) => {
      const text = `${Math.floor(value / 100)}.${String(value % 100).padStart(2, "0")}`;
      expect(cents(text)).toBe(value);
      expect(cents(`$${text}`)).toBe(value);
      expect(cents(text.replace(".", ","), ";")).toBe(value);
      expect(cents(Number(text).toLocaleString("en-US", { style: "currency", currency: "USD" }))).toBe(value);
    }),
  );
});

test("multiplies the price by a whole quantity", () => {
  expect(times({ cents: 450 }, "3")).toEqual({ cents: 1_350 });
  expect(times({ cents: 450 }, "2.0")).toEqual({ cents: 900 });
  for (const wrong of ["", "0", "-1", "1.5", "two"])
    expect(times({ cents: 450 }, wrong)).toHaveProperty("problem");
  expect(times({ cents: 900_000 }, "2")).toHaveProperty("problem");
});
