import { expect, test } from "vitest";
import { amountsOf, type ColumnChoices, columnsOf, describeColumns, headerScore } from "./columns.ts";

const guess = (header: string, choices: ColumnChoices = {}, hasStoreName = false) => {
  const names = header.split(",");
  return describeColumns(columnsOf(names, choices, hasStoreName), names);
};

test.each([
  ["timestamp,store,drink,price", 'timestamp = "timestamp", store = "store", drink = "drink"'],
  [
    "transaction_id,transaction_date,transaction_time,transaction_qty,store_id,store_location,product_id,unit_price,product_category,product_type,product_detail",
    'date = "transaction_date", time = "transaction_time", store = "store_location", drink = "product_type", quantity = "transaction_qty", order = "transaction_id"',
  ],
  [
    "DateTime,StoreName,ItemName,UnitPrice",
    'timestamp = "DateTime", store = "StoreName", drink = "ItemName"',
  ],
  ["Sold at,Branch,Beverage,Amount (GBP)", 'timestamp = "Sold at", store = "Branch", drink = "Beverage"'],
  [
    "Date,Time Zone,Location,Item,Net Sales",
    'date = "Date", zone = "Time Zone", store = "Location", drink = "Item"',
  ],
  [
    "Datum;Uhrzeit;Filiale;Artikel;Preis".replaceAll(";", ","),
    'date = "Datum", time = "Uhrzeit", store = "Filiale", drink = "Artikel"',
  ],
])("guesses the columns of %s", (header, expected) => expect(guess(header)).toBe(expected));

test.each([
  [
    "Gross Sales,Discounts,Net Sales,Tax,Unit,Count,Commission",
    { "Gross Sales": "gross", "Net Sales": "net" },
  ],
  ["Cost of goods,Gross profit,Taxes,Net sales,Margin", { "Net sales": "net" }],
  ["Lineitem price,Lineitem compare at price,Refunded Amount", { "Lineitem price": "unit" }],
  ["Price (Gross),Price (Net),Tax,Tip", { "Price (Gross)": "total", "Price (Net)": "net" }],
  ["Total (inc. tax),Total (exc. tax),Sales Tax", { "Total (inc. tax)": "total", "Total (exc. tax)": "net" }],
  ["Einzelpreis,Gesamtpreis,Netto,Trinkgeld", { Einzelpreis: "unit", Gesamtpreis: "total", Netto: "net" }],
  [
    "Prix unitaire,Montant TTC,Montant HT",
    { "Prix unitaire": "unit", "Montant TTC": "total", "Montant HT": "net" },
  ],
  [
    "PU TTC,Prix TTC,Total TTC,PU HT",
    { "PU TTC": "unit", "Prix TTC": "price", "Total TTC": "total", "PU HT": "unit" },
  ],
  [
    "Subtotal before discount,Subtotal w/ Discounts,Total w/ Tax",
    { "Subtotal before discount": "gross", "Subtotal w/ Discounts": "net", "Total w/ Tax": "total" },
  ],
  [
    "Net Sales with Tax,Net Sales,Tip Amount,Service Charge",
    { "Net Sales with Tax": "total", "Net Sales": "net" },
  ],
  ["Price Point Name,Sales Category,Payment Method,Discount Amount,money", { money: "total" }],
])("knows what the amounts of %s are", (header, expected) => {
  const names = header.split(",");
  const found = amountsOf(names, {}).map(({ field, kind }) => [names[field], kind]);
  expect(Object.fromEntries(found)).toEqual(expected);
});

test("prefers named columns, in any case, and named parts of a time to a whole one", () => {
  const header = "Date,Clock,timestamp,Shop,Thing,price";
  expect(guess(header, { drink: "thing", date: "DATE", time: "clock" })).toBe(
    'date = "Date", time = "Clock", store = "Shop", drink = "Thing"',
  );
  expect(amountsOf(["total", "sum"], { price: "sum" })).toEqual([{ field: 1, kind: "total" }]);
});

test("needs no store column where one name is given for all rows", () => {
  expect(guess("date,cash_type,money,coffee_name", {}, true)).toBe('date = "date", drink = "coffee_name"');
});

test.each([
  ["timestamp,store,drink,colour", {}, "price", 'The file has: "timestamp", "store", "drink", "colour"'],
  ["timestamp,store,drink,price", { price: "cost" }, "price", '"cost" is no column of this file'],
  ["date,cash_type,money,coffee_name", {}, "store", "which column is the store?"],
  ["when,store,drink,price", {}, "timestamp", "which column is the timestamp?"],
])("names the column that is missing in %s %j, and those there are", (header, choices, choice, message) => {
  expect(() => guess(header, choices)).toThrow(
    expect.objectContaining({ choice, message: expect.stringContaining(message) }),
  );
});

test("distinguishes a header from titles and data", () => {
  const score = headerScore({ drink: "What" });
  expect(score(["Sales report", "", ""])).toBe(0);
  expect(score(["2026-03-14", "08:52", "Nord", "Latte", "4.50"])).toBe(0);
  expect(score(["Date", "Time", "Store", "What", "Price"])).toBe(5);
});
