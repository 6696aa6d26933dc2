/** The sums of columns that have one amount for a whole order, which check the sum of the lines. */
import { priceOf } from "#shared/imports/prices.ts";
import type { SaleRules } from "#shared/imports/sales.ts";

export type OrderTotals = {
  /** Takes the sales in the order of the file. */
  add(fields: readonly string[]): void;
  sums(): { readonly field: number; readonly cents: number }[];
};

export const openOrderTotals = (columns: readonly number[], rules: SaleRules): OrderTotals => {
  const sums = new Map(columns.map((field) => [field, 0]));
  let previous: string | null = null;
  return {
    add: (fields) => {
      const order = (fields[rules.columns.order] ?? "").trim();
      const isLater = order !== "" ? order === previous : previous !== null;
      previous = order || previous;
      if (isLater) return;
      for (const field of columns) {
        const amount = priceOf(fields[field] ?? "", rules.decimal);
        sums.set(field, (sums.get(field) ?? 0) + ("cents" in amount ? amount.cents : 0));
      }
    },
    // a column of zeros, such as shipping, checks nothing
    sums: () => [...sums].flatMap(([field, cents]) => (cents === 0 ? [] : [{ field, cents }])),
  };
};
