import fc from "fast-check";
import { expect, test } from "vitest";
import { currenciesOf } from "./currencies.ts";
import { type DecimalMark, decimalHint, priceOf, times } from "./prices.ts";

const cents = (text: string, decimal: DecimalMark = "."): number | string => {
  const price = priceOf(text, decimal);
  return "cents" in price ? price.cents : price.problem;
};

test.each([
  ["4.50", 450],
  ["4.5", 450],
  ["4", 400],
  ["4.", 400],
  [".5", 50],
  ["$4.50", 450],
  ["$ 4.50", 450],
  ["£ 4.50", 450],
  ["4.50 USD", 450],
  ["USD 4.50", 450],
  ["usd4.50", 450],
  ["US$4.50", 450],
  ["4.50$US", 450],
  ["$4.50 CAD", 450],
  ["4,50 €", 450],
  ["4,50\u00a0€", 450],
  ["4,50 kr", 450],
  ["4,50 kr.", 450],
  ["kr. 4,50", 450],
  ["4,50 zł", 450],
  ["CHF 4.50", 450],
  ["Fr. 4.50", 450],
  ["4,50 лв.", 450],
  ["45 Kč", 4_500],
  ["450 Ft", 45_000],
  ["R$ 4,50", 450],
  ["Rs. 450", 45_000],
  ["Rs.450", 45_000],
  ["Fr.4.50", 450],
  ["¥450", 45_000],
  ["￥４５０", 45_000],
  ["4,-", 400],
  ["4,– €", 400],
  ["4.—", 400],
  ["CHF 4.–", 400],
  ["4:- kr", 400],
  ["4.5000", 450],
  ["1,234.50", 123_450],
  ["1.234,50", 123_450],
  ["1'234.50", 123_450],
  ["1\u2019234.50", 123_450],
  ["CHF 1'234.-", 123_400],
  ["1 234.50", 123_450],
  ["1\u202f234,50 €", 123_450],
  ["1,234", 123_400],
  ["12,345", 1_234_500],
  ["10000", 1_000_000],
  ["-4.50", -450],
  ["-$4.50", -450],
  ["$-4.50", -450],
  ["($4.50)", -450],
  ["4.50-", -450],
  ["\u22124.50", -450],
  ["0.00", 0],
  ["-", 0],
  [" $ - ", 0],
  ["–", 0],
  ["3.9000000000000004", 390],
  ["2.9999999999999996", 300],
  ["4.499999999999999", 450],
  ["4.3499999", 435],
  ["-2.9999999999999996", -300],
])("reads %s", (text, expected) => expect(cents(text)).toBe(expected));

test.each([
  ["", "missing"],
  ["free", "is no number"],
  ["4.50.1", "is no number"],
  ["1,23,456.00", "is no number"],
  ["12,34.5", "is no number"],
  ["4.50 cups", "is no number"],
  ["10%", "is no number"],
  ["08:52", "is no number"],
  ["2026-03-14", "is no number"],
  ["4.505", "more than two decimals"],
  ["4.499", "more than two decimals"],
  ["4.4999", "more than two decimals"],
  ["4.50123", "more than two decimals"],
])("rejects %j", (text, expected) => expect(cents(text)).toContain(expected));

test("reads three digits behind a mark as the file's other prices show it", () => {
  expect(cents("1,234", ",")).toContain("more than two decimals");
  expect(cents("1.234", ",")).toBe(123_400);
  expect(cents("1.234,50", ",")).toBe(123_450);
  expect(cents("1.234", null)).toContain("may have three decimals or be in thousands");
  expect(cents("0,234", null)).toContain("more than two decimals");
  const hints = [
    "4,5",
    "4.50",
    "1,234",
    "1.234",
    "1.234.567",
    "0,500",
    "1.234,00",
    "CHF 4.-",
    "(1,234.5)",
    "4.49999",
  ];
  expect(hints.map(decimalHint)).toEqual([
    ...[",", ".", "thousands,", "thousands.", ",", ","],
    ...[",", null, ".", "."],
  ]);
});

test("returns the cents of every price in all its forms", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000_000 }), (value) => {
      const text = `${Math.floor(value / 100)}.${String(value % 100).padStart(2, "0")}`;
      expect(cents(text)).toBe(value);
      expect(cents(`$${text}`)).toBe(value);
      expect(cents(text.replace(".", ","), ",")).toBe(value);
      expect(cents(String(Number(text)))).toBe(value);
      for (const [locale, currency] of [
        ["en-US", "USD"],
        ["de-DE", "EUR"],
        ["de-CH", "CHF"],
        ["sv-SE", "SEK"],
        ["pl-PL", "PLN"],
        ["pt-BR", "BRL"],
        ["bg-BG", "BGN"],
        ["en-ZA", "ZAR"],
      ] as const)
        expect([locale, cents(Number(text).toLocaleString(locale, { style: "currency", currency }))]).toEqual(
          [locale, value],
        );
    }),
  );
});

test("returns the currency, and what it can mean", () => {
  const currency = (text: string) => {
    const price = priceOf(text, ".");
    return "cents" in price && price.currency;
  };
  expect(["4.50", "$4.50", "4.50 €", "4.50 kr."].map(currency)).toEqual([null, "$", "€", "kr."]);
  expect([...(currenciesOf("kr.") ?? [])]).toEqual(["SEK", "NOK", "DKK", "ISK"]);
  expect(currenciesOf("$")?.has("CAD")).toBe(true);
  expect([...(currenciesOf("chf") ?? [])]).toEqual(["CHF"]);
  expect(currenciesOf("cups")).toBeNull();
});

test("multiplies the price by a quantity, and rounds to the cent", () => {
  expect(times(450, "3")).toBe(1_350);
  expect(times(450, "2.0")).toBe(900);
  expect(times(450, "2,000")).toBe(900);
  expect(times(450, "1.5")).toBe(675);
  expect(times(333, "0.5")).toBe(167);
  expect(times(450, "-1")).toBe(-450);
  expect(times(-450, "-1")).toBe(450);
  expect(times(450, "0")).toBe(0);
  for (const wrong of ["", "two", "1/2", "1,000,000"]) expect(times(450, wrong)).toHaveProperty("problem");
});
