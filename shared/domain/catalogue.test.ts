import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { catalogueFrom, MAX_NAME_LENGTH } from "./catalogue.ts";

const drinks = ["latte"];
const stores = ["uptown"];

test("contains its names and no others", () => {
  const catalogue = catalogueFrom({ stores: ["uptown", "central"], drinks: ["latte", "café au lait ☕"] });
  expect(catalogue.stores).toEqual(["uptown", "central"]);
  expect(catalogue.drinks).toEqual(["latte", "café au lait ☕"]);
  expect(catalogue.storeNamed("central")).toBe("central");
  expect(catalogue.drinkNamed("café au lait ☕")).toBe("café au lait ☕");
  for (const name of ["", "Central", "central ", "latte", "__proto__", "constructor"])
    expect(catalogue.storeNamed(name)).toBeNull();
  expect(catalogue.drinkNamed("central")).toBeNull();
});

test("compares names in Unicode's composed form", () => {
  const [composed, decomposed] = ["Caf\u00e9 Nord", "Cafe\u0301 Nord"];
  for (const written of [composed, decomposed]) {
    const catalogue = catalogueFrom({ stores: [written], drinks: [written] });
    expect(catalogue.stores).toEqual([composed]);
    for (const sent of [composed, decomposed]) {
      expect(catalogue.storeNamed(sent)).toBe(composed);
      expect(catalogue.drinkNamed(sent)).toBe(composed);
    }
  }
  expect(() => catalogueFrom({ stores: [composed, decomposed], drinks })).toThrow(
    '"stores" names something twice',
  );
});

test("accepts any list of different names", () => {
  const names = fc.uniqueArray(fc.string({ unit: "binary", minLength: 1, maxLength: 20 }), {
    minLength: 1,
    maxLength: 40,
    selector: (name) => name.normalize("NFC"),
  });
  fc.assert(
    fc.property(names, fc.string(), (listed, other) => {
      fc.pre(listed.every((name) => !name.includes("\0")));
      const catalogue = catalogueFrom({ stores: listed, drinks });
      const composed = listed.map((name) => name.normalize("NFC"));
      expect(listed.map(catalogue.storeNamed)).toEqual(composed);
      const isListed = composed.includes(other.normalize("NFC"));
      expect(catalogue.storeNamed(other)).toBe(isListed ? other.normalize("NFC") : null);
    }),
  );
});

test("the default catalogue has the stores and drinks of the API's contract", () => {
  const file = new URL("../../services/order-api/catalogue.json", import.meta.url);
  const catalogue = catalogueFrom(JSON.parse(readFileSync(file, "utf8")));
  expect(catalogue.stores).toEqual(["uptown", "downtown", "central", "southend"]);
  for (const drink of ["cappuccino", "americano", "latte"]) expect(catalogue.drinkNamed(drink)).toBe(drink);
});

test("accepts 10 000 stores, and rejects more than 100 000", () => {
  const many = (count: number) => Array.from({ length: count }, (_, index) => `store ${index}`);
  expect(catalogueFrom({ stores: many(10_000), drinks }).storeNamed("store 9999")).toBe("store 9999");
  expect(() => catalogueFrom({ stores: many(100_001), drinks })).toThrow(
    '"stores" must be a list of 1 to 100000',
  );
  expect(() => catalogueFrom({ stores, drinks: many(1_001) })).toThrow(
    '"drinks" must be a list of 1 to 1000',
  );
});

test.each([
  ["null", null, '"stores" must be a list'],
  ["a text", "uptown", '"stores" must be a list'],
  ["a list", [], '"stores" must be a list'],
  ["no stores", { drinks }, '"stores" must be a list'],
  ["no drinks", { stores }, '"drinks" must be a list'],
  ["an empty list", { stores: [], drinks }, '"stores" must be a list'],
  ["stores that are not a list", { stores: "uptown", drinks }, '"stores" must be a list'],
  ["an empty name", { stores: ["a", ""], drinks }, "stores[1] must be a text"],
  ["a number for a name", { stores, drinks: [7] }, "drinks[0] must be a text"],
  [
    "a name that is too long",
    { stores: ["x".repeat(MAX_NAME_LENGTH + 1)], drinks },
    "stores[0] must be a text of 1 to 100",
  ],
  ["a name twice", { stores: ["a", "b", "a"], drinks }, '"stores" names something twice'],
  ["a name that PostgreSQL cannot store", { stores: ["a\0b"], drinks }, "stores[0] must not hold U+0000"],
  ["half a surrogate pair", { stores: ["a\ud83d"], drinks }, "stores[0] must not hold"],
])("rejects %s with a message", (_, input, sentence) => {
  expect(() => catalogueFrom(input)).toThrow(`catalogue: ${sentence}`);
});
