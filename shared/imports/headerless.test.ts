import { expect, test } from "vitest";
import { numbersIn } from "./headerless.ts";

test.each([
  ["2026-03-01,2026-03-01 10:15:50.520,card,ANON-1,38.7,Latte", { timestamp: 2, drink: 6, price: 5 }],
  ["1,14/03/2026 08:52,Nord,Flat White,2,4.50", { timestamp: 2, drink: 4, price: 6 }],
  ["3/14/26,Nord,Latte,$4.50", { timestamp: 1, drink: 3, price: 4 }],
])("finds the columns of the data %s", (record, expected) => {
  expect(numbersIn(record.split(","))).toEqual(expected);
});

test.each(["Date,Time,Store,Item,Price", "Sales of 2026,,", "a,b,c"])("finds none in %s", (record) => {
  expect(numbersIn(record.split(","))).toBeNull();
});
