/** What the amounts of one drink show about a column: whether it is a price, and whether it grows with the quantity. */
import type { Columns } from "./columns.ts";
import { type DecimalMark, priceOf } from "./prices.ts";

export type DrinkPrices = {
  add(fields: readonly string[]): void;
  /** Whether the amounts are of one unit; null where the file does not show it. */
  isPerUnit(decimal: DecimalMark): boolean | null;
  /** Whether each drink has one price: false where one has several, null where none is sold twice. */
  isSteady(): boolean | null;
};

const MAX_DRINKS = 2_000;
const MAX_QUANTITIES = 100;

type Drink = {
  /** The amount of one unit. */
  one: string | null;
  /** How often one unit was sold, and whether always for the same amount. */
  singles: number;
  isSteady: boolean;
  readonly many: [quantity: number, text: string][];
};

export const openDrinkPrices = (columns: Columns, field: number): DrinkPrices => {
  const drinks = new Map<string, Drink>();
  return {
    add: (fields) => {
      const name = fields[columns.drink] ?? "";
      const text = (fields[field] ?? "").trim();
      const quantity = columns.quantity < 0 ? 1 : Number((fields[columns.quantity] ?? "").replace(",", "."));
      if (text === "" || !Number.isInteger(quantity) || quantity < 1) return;
      const drink = drinks.get(name) ?? { one: null, singles: 0, isSteady: true, many: [] };
      if (drinks.size < MAX_DRINKS) drinks.set(name, drink);
      if (quantity === 1) {
        drink.singles++;
        drink.isSteady &&= drink.one === null || drink.one === text;
        drink.one ??= text;
      } else if (drink.many.length < MAX_QUANTITIES) drink.many.push([quantity, text]);
    },
    isPerUnit: (decimal) => isPerUnit(drinks.values(), decimal),
    isSteady: () => {
      const sold = [...drinks.values()].filter(({ singles }) => singles > 1);
      return sold.length === 0 ? null : sold.every(({ isSteady }) => isSteady);
    },
  };
};

/** Two lattes cost as much as one in a column of unit prices, and twice as much in one of totals. */
const isPerUnit = (drinks: Iterable<Drink>, decimal: DecimalMark): boolean | null => {
  const centsOf = (text: string): number => {
    const price = priceOf(text, decimal);
    return "cents" in price ? price.cents : 0;
  };
  let votes = 0;
  for (const { one, many } of drinks) {
    const cents = one === null ? 0 : centsOf(one);
    if (cents === 0) continue;
    for (const [quantity, text] of many) {
      const other = centsOf(text);
      if (other === cents) votes++;
      else if (other === cents * quantity) votes--;
    }
  }
  return votes === 0 ? null : votes > 0;
};
