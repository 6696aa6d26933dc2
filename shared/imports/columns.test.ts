import { expect, test } from "vitest";
import { type ColumnChoices, columnsOf, describeColumns, unusedQuantity } from "./columns.ts";

const guess = (header: string, choices: ColumnChoices = {}, hasStoreName = false) => {
  const names = header.split(",");
  return describeColumns(columnsOf(names, choices, hasStoreName), names);
};

test.each([
  [
    "timestamp,store,drink,price",
    'timestamp = "timestamp", store = "store", drink = "drink", price = "price"',
  ],
  [
    "transaction_id,transaction_date,transaction_time,transaction_qty,store_id,store_location,product_id,unit_price,product_category,product_type,product_detail",
    'date = "transaction_date", time = "transaction_time", store = "store_location", drink = "product_type", price = "unit_price", quantity = "transaction_qty"',
  ],
  [
    "Transaction ID,Transaction Date,Transaction Time,Location,Item,Total",
    'date = "Transaction Date", time = "Transaction Time", store = "Location", drink = "Item", price = "Total"',
  ],
  [
    "DateTime,StoreName,ItemName,UnitPrice",
    'timestamp = "DateTime", store = "StoreName", drink = "ItemName", price = "UnitPrice"',
  ],
  [
    "Sold at,Branch,Beverage,Amount (GBP)",
    'timestamp = "Sold at", store = "Branch", drink = "Beverage", price = "Amount (GBP)"',
  ],
])("guesses the columns of %s", (header, expected) => expect(guess(header)).toBe(expected));

test("prefers named columns, in any case, and named parts of a time to a whole one", () => {
  const header = "Date,Clock,timestamp,Shop,Thing,price";
  expect(guess(header, { drink: "thing", date: "DATE", time: "clock" })).toBe(
    'date = "Date", time = "Clock", store = "Shop", drink = "Thing", price = "price"',
  );
});

test("needs no store column where one name is given for all rows", () => {
  expect(guess("date,cash_type,money,coffee_name", {}, true)).toBe(
    'date = "date", drink = "coffee_name", price = "money"',
  );
});

test.each([
  ["timestamp,store,drink,sum", {}, "price", 'The file has: "timestamp", "store", "drink", "sum"'],
  ["timestamp,store,drink,price", { price: "cost" }, "price", '"cost" is no column of this file'],
  ["date,cash_type,money,coffee_name", {}, "store", "which column is the store?"],
  ["when,store,drink,price", {}, "timestamp", "which column is the timestamp?"],
])("names the column that is missing in %s %j, and those there are", (header, choices, choice, message) => {
  expect(() => guess(header, choices)).toThrow(
    expect.objectContaining({ choice, message: expect.stringContaining(message) }),
  );
});

test("multiplies only a price per unit without being asked", () => {
  const header = "timestamp,store,drink,total,qty";
  expect(guess(header)).not.toContain("quantity");
  expect(unusedQuantity(columnsOf(header.split(","), {}, false), header.split(","), {})).toBe("qty");
  expect(guess(header, { quantity: "qty" })).toContain('quantity = "qty"');
  expect(guess("timestamp,store,drink,unit price,qty", { quantity: "none" })).not.toContain("quantity");
});
